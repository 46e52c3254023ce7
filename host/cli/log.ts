// `levelten log`: what is in one host's log. A running host is asked through the admin port; a stopped one's store is read.
import { CodedError } from '../../engine/base/errors.ts';
import { chainId, hostId } from '../../engine/base/ids.ts';
import { walkLog } from '../../engine/store/log.ts';
import { readBase } from '../../engine/store/recovery.ts';
import type { Folder } from '../folder.ts';
import { readFolder, storeDir } from '../folder.ts';
import type { LogLine } from '../inspect.ts';
import { readLog } from '../inspect.ts';
import { LevelStore } from '../level-store.ts';
import { askAdmin } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { numberOf } from './arguments.ts';
import { table } from './table.ts';

export async function logCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const host = hostId(args.host ?? folder.cluster.hosts[0]?.id ?? '');
  if (!folder.cluster.hosts.some(({ id }) => id === host)) {
    const known = folder.cluster.hosts.map(({ id }) => id).join(', ');
    throw new CodedError('CLI_USAGE', `there is no host ${host}; there are ${known}`);
  }
  const chain = numberOf(args.chain ?? '0', 'chain', 0, folder.cluster.chains - 1);
  const after = numberOf(args.after, 'after', 0, Number.MAX_SAFE_INTEGER);
  const max = numberOf(args.max, 'max', 1, 1_000);
  const asked = await askAdmin(folder, `/log?host=${host}&chain=${chain}&after=${after}&max=${max}`);
  const lines = (asked as LogLine[] | undefined) ?? (await readStopped(folder, host, chain, { after, max }));
  process.stdout.write(`${args.json ? lines.map((line) => JSON.stringify(line)).join('\n') : describe(lines)}\n`);
}

async function readStopped(folder: Folder, host: string, chain: number, range: { after: number; max: number }) {
  const store = await LevelStore.open(storeDir(folder.dir, host), false);
  try {
    const { floor } = await readBase(store, chainId(chain));
    return await readLog(walkLog(store, chainId(chain), floor), range);
  } finally {
    await store.close();
  }
}

function describe(lines: readonly LogLine[]): string {
  const rows = lines.map((line) => {
    const loss = line.loss === undefined ? '' : `, accepting: ${line.loss}`;
    const order = line.order === undefined ? undefined : `${line.order.join(' > ')}${loss}`;
    const what = order ?? line.documents?.map(describeDocument).join(' ') ?? '';
    return [`${line.chain}`, `${line.epoch}`, `${line.lsn}`, line.hash, line.kind, what];
  });
  return table(['chain', 'epoch', 'lsn', 'hash', 'kind', 'documents (updates), or who runs the epoch'], rows);
}

function describeDocument(document: { name: string; seqFirst: number; updates: number }): string {
  const { name, seqFirst, updates } = document;
  return updates === 1 ? `${name}(${seqFirst})` : `${name}(${seqFirst}...${seqFirst + updates - 1})`;
}
