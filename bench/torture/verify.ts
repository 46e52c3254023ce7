// A walk over all of a running host's store, for what no opening needed to read: what its scrub would find in its own time.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Finding } from './findings.ts';

const mainFile = fileURLToPath(new URL('../../host/cli/main.js', import.meta.url));

type Report = {
  readonly findings: readonly { readonly where: string; readonly what: string }[];
  readonly findingsCount: number;
};

/** undefined where all of it is as it should be. What it finds is named as the host itself does that then ends. */
export async function verifyRunning(dir: string, host: string): Promise<Finding | undefined> {
  const child = spawn(process.execPath, [mainFile, 'verify', '--host', host, '--json', '--dir', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  await new Promise((done) => child.once('close', done));
  const { report } = JSON.parse(text).hosts[0] as { readonly report: Report | null };
  const [first] = report?.findings ?? [];
  if (report === null || first === undefined) return undefined;
  const message = `a walk found ${first.what} (${first.where}; ${report.findingsCount} in all)`;
  return { host, by: 'verify', code: 'ENGINE_CORRUPT', message };
}
