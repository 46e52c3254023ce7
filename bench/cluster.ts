// A cluster of levelten as `levelten up` starts it: what a user gets, and nothing more private than that.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort, type Stage } from './processes.ts';

export type Ready = {
  readonly proxy: string;
  readonly page: string;
  readonly admin: string;
  readonly hosts: readonly { readonly id: string; readonly pid: number; readonly dir: string; readonly address: string }[];
};

const mainFile = fileURLToPath(new URL('../host/cli/main.js', import.meta.url));
const readyMsMax = 30_000;

/** Starts a cluster on free ports in a folder of the stage, and resolves when every chain serves. */
export async function startCluster(stage: Stage, appFile: string, words: readonly string[] = []): Promise<Ready> {
  const portBase = `${Math.min(await freePort(), 60_000)}`;
  const args = [mainFile, 'up', '--json', '--dir', stage.folder(), '--port-base', portBase, '--app', appFile, ...words];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  stage.onRelease(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  // `up` outlives nobody: where this process is killed, its pipe breaks and its children lose their parent.
  return new Promise((done, reject) => {
    const late = setTimeout(() => reject(new Error('the cluster was not ready in time')), readyMsMax);
    void ended.then(() => reject(new Error('the cluster ended before it was ready')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Ready & { readonly ready?: boolean };
      if (said.ready !== true) return;
      clearTimeout(late);
      done(said);
    });
  });
}
