// `levelten delete`: ends a document, and says how far its bytes are gone: committed, folded, erased.
import { documentName } from '../../engine/base/ids.ts';
import type { ReplicaLine } from '../../proxy/overview.ts';
import { readFolder } from '../folder.ts';
import type { Status } from './admin-client.ts';
import { untilStatus } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { askHead } from './history.ts';
import { print, waitMsOf } from './operate.ts';

type Deleted = { readonly name: string; readonly seq: number; readonly chain: number; readonly through: number };

/** Of one member: `folded` when its snapshot and history are removed, `erased` when no file holds a byte of them. */
type Stage = 'committed' | 'folded' | 'erased' | 'unknown';

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
    ? 'no byte of it is left in the stores of its members'
    : 'the rest follows by itself: levelten status says how many wait';
  print(args, { ...deleted, members: stages }, `${list}: ${next}`);
  if (!isReached) process.exitCode = 1;
}

function stagesOf({ hosts, chains }: Status, { chain, through }: Deleted): { host: string; stage: Stage }[] {
  const members = chains.find((one) => one.chain === chain)?.members ?? [];
  return members.map(({ host }) => {
    const line = hosts.find((one) => one.host === host)?.status?.chains.find((one) => one.chain === chain);
    return { host, stage: line === undefined ? 'unknown' : stageOf(line, through) };
  });
}

function stageOf({ folded, trimmed, erasing }: ReplicaLine, through: number): Stage {
  if (folded < through) return 'committed';
  return trimmed < through || erasing > 0 ? 'folded' : 'erased';
}
