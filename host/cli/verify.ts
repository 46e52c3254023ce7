// `levelten verify`: is all of it there, and is it what was written? A running host walks its own store, which it goes on to serve from; the store
// of a stopped one is opened and read. Nothing is made or written.
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, retryOf } from '../../engine/base/errors.ts';
import type { VerifyReport } from '../../engine/store/verify.ts';
import type { ChainWalked } from '../../engine/store/verify-chain.ts';
import type { CheckName } from '../../engine/store/verify-notes.ts';
import { checkNames } from '../../engine/store/verify-notes.ts';
import type { Folder } from '../folder.ts';
import { readFolder, storeDir } from '../folder.ts';
import { readStopped } from '../stopped-store.ts';
import { unpaced, verifyHostStore } from '../verify.ts';
import type { Status } from './admin-client.ts';
import { askAdmin, tellHost } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { hostIn } from './operate.ts';
import { table } from './table.ts';

/** How often a host that walks its store is asked whether it is done. */
const pollMs = 200;
/** Answers in a row that may be missing: a busy host is late, and a walk goes on without anybody. */
const missedMax = 15;

/** `report` is null where the store could not be walked, for the reason in `text`. */
type Verified = {
  readonly host: string;
  readonly state: 'running' | 'stopped';
  readonly text?: string;
  readonly report: VerifyReport | null;
};

/** Ends with 1 where anything is wrong, or a store could not be walked. */
export async function verifyCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const hosts = args.host === undefined ? folder.cluster.hosts.map(({ id }) => id) : [hostIn(folder, args.host)];
  const status = (await askAdmin(folder, '/status')) as Status | undefined;
  const all: Verified[] = [];
  // One after the other: in a cluster that runs, only one host at a time has more to do.
  for (const host of hosts) {
    const isRunning = status?.hosts.find((one) => one.host === host)?.status != null;
    all.push(await verifyHost(folder, host, isRunning));
    if (!args.json) process.stdout.write(`${describe(all.at(-1) as Verified)}\n\n`);
  }
  process.stdout.write(args.json ? `${JSON.stringify({ hosts: all })}\n` : `${describeChecks(all)}\n`);
  if (all.some(({ report }) => report === null || report.findingsCount > 0 || !report.isWhole)) process.exitCode = 1;
}

async function verifyHost(folder: Folder, host: string, isRunning: boolean): Promise<Verified> {
  const state = isRunning ? 'running' : 'stopped';
  try {
    const report = isRunning ? await askRunning(folder, host) : await walkStopped(folder, host);
    return { host, state, report };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { host, state, text: `${error.code}: ${error.message}`, report: null };
  }
}

async function askRunning(folder: Folder, host: string): Promise<VerifyReport> {
  type Reply = { readonly boot: string; readonly pass: number; readonly report: VerifyReport | null };
  const { boot, pass } = (await tellHost(folder, host, 'verify', {})) as Reply;
  for (let missed = 0; ; ) {
    await sleep(pollMs);
    try {
      const reply = (await tellHost(folder, host, 'verify', { pass })) as Reply;
      if (reply.boot !== boot) throw new CodedError('HOST_OPTIONS', 'it was started anew meanwhile: ask again');
      if (reply.report !== null) return reply.report;
      missed = 0;
    } catch (error) {
      missed += 1;
      const isLasting = !(error instanceof CodedError) || retryOf(error.code) === 'never';
      if (isLasting || missed >= missedMax) throw error;
    }
  }
}

function walkStopped({ dir, cluster }: Folder, host: string): Promise<VerifyReport> {
  return readStopped(storeDir(dir, host), (disk) => verifyHostStore(disk, { cluster, host }, unpaced));
}

function describe({ host, state, text, report }: Verified): string {
  if (report === null) return `! ${host} is ${state}, and its store could not be walked: ${text}`;
  const { chains, findings, findingsCount, records, snapshots, blocks, cells, bytes, ms } = report;
  const heads = ['chain', 'floor', 'folded', 'last', 'records', 'snapshots', 'blocks', 'bytes', 'findings'];
  const sums = `${chains.length} chains, ${records} records, ${snapshots} snapshots, ${blocks} blocks of history, ${cells} cells`;
  const verdict = findingsCount === 0 ? 'nothing is wrong' : `${findingsCount} findings`;
  const mark = findingsCount === 0 ? '' : '! ';
  const found = findings.map(({ chain, code, where, what }) => [`${chain ?? '-'}`, code, where, what]);
  const rest = findingsCount - findings.length;
  return [
    `${mark}${host} (${state}): ${sums}, ${bytes} bytes in ${Math.round(ms)} ms: ${verdict}`,
    ...(report.isWhole ? [] : ['! the walk was given up before its end']),
    table(heads, chains.map(rowOf)),
    ...(found.length === 0 ? [] : [table(['chain', 'finding', 'where', 'what'], found)]),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ].join('\n');
}

function rowOf(line: ChainWalked): string[] {
  const { chain, floor, folded, last, records, snapshots, blocks, bytes, findings, hasLeftover } = line;
  const numbers = [chain, floor, folded, last, records, snapshots, blocks, bytes].map((number) => `${number}`);
  return [...numbers, `${findings}${hasLeftover ? ' (a copy that did not come to its end)' : ''}`];
}

function describeChecks(all: readonly Verified[]): string {
  const names = Object.keys(checkNames) as CheckName[];
  const rows = names.map((name) => {
    const count = all.reduce((sum, { report }) => sum + (report?.checks[name] ?? 0), 0);
    return [name, `${count}`, checkNames[name]];
  });
  return table(['check', 'made', 'of what'], rows);
}
