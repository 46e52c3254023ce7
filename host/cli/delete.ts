// `levelten delete`: ends a document, and says how far its bytes are gone: committed, folded, erased.
import { documentName } from '../../engine/base/ids.ts';
import type { ReplicaLine } from '../../proxy/overview.ts';
import { readFolder } from '../folder.ts';
import type { Status } from './admin-client.ts';
import { untilStatus } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { askHead } from './history.ts';
import { waitMsOf } from './operate.ts';
import { print } from './print.ts';

/** What the head answers. */
export type Deleted = { readonly name: string; readonly seq: number; readonly chain: number; readonly through: number };

/**
 * Of one host: `folded` when its snapshot and history are removed, `erased` when no file holds a byte of them; `left` where it is no member any more and
 * still keeps what it had (C20).
 */
type Stage = 'committed' | 'folded' | 'erased' | 'left' | 'unknown';

export async function deleteCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const { name } = documentName(required(args.words[0], 'SPACE/KEY', 'levelten delete board/main'));
  const waitMs = waitMsOf(args);
  const deleted = (await askHead(folder, name, 'delete', {})) as Deleted;
  if (!args.json) print(args, {}, `${name} is deleted: committed as update ${deleted.seq}`);
  const { status, isReached } = await untilStatus(folder, waitMs, (now) => {
    return stagesOf(now, deleted).every(({ stage }) => stage === 'erased');
  });
  const stages = stagesOf(status, deleted);
  const list = stages.map(({ host, stage }) => `${host} ${stage}`).join(', ');
  const next = isReached
    ? 'no byte of it is left in the stores of the hosts that answer'
    : 'the rest follows by itself (who left the chain forgets it within 10 minutes): levelten status says how many wait';
  print(args, { ...deleted, members: stages }, `${list}: ${next}`);
  if (!isReached) process.exitCode = 1;
}

/** Of each member, and of each other host that keeps something of the chain. */
export function stagesOf(
  status: Pick<Status, 'hosts' | 'chains'>,
  { chain, through }: Deleted,
): { host: string; stage: Stage }[] {
  const members = status.chains.find((one) => one.chain === chain)?.members ?? [];
  const isMember = (host: string): boolean => members.some((one) => one.host === host);
  const known = status.hosts.map((one) => {
    return { host: one.host, line: one.status?.chains.find((other) => other.chain === chain) };
  });
  return known.flatMap(({ host, line }) => {
    if (isMember(host)) return { host, stage: line === undefined ? 'unknown' : stageOf(line, through) };
    if (line === undefined || (line.durable === 0 && line.erasing === 0)) return [];
    return { host, stage: line.durable > 0 ? 'left' : 'folded' };
  });
}

function stageOf({ folded, trimmed, erasing }: ReplicaLine, through: number): Stage {
  if (folded < through) return 'committed';
  return trimmed < through || erasing > 0 ? 'folded' : 'erased';
}
