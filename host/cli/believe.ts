// `levelten believe`: an operator has a host go on with a store that it set aside, and accepts what that lacks. For when all hosts did so.
import { CodedError } from '../../engine/base/errors.ts';
import { missingVoters } from '../../proxy/overview.ts';
import { believeAgain, untouchedVoters } from '../believe-again.ts';
import type { Folder } from '../folder.ts';
import { hostDir, readFolder } from '../folder.ts';
import type { Status } from './admin-client.ts';
import { askAdmin } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { hostIn } from './operate.ts';
import { print } from './print.ts';

const example =
  'levelten believe h2 aside-1 --accept "the power went; what was answered in the last second may be gone"';

export async function believeCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const host = hostIn(folder, required(args.words[0], 'HOST', example));
  const aside = required(args.words[1], 'ASIDE', example);
  const loss = required(args.accept, '--accept', example);
  const { cluster } = folder;
  await checkNeed(folder, host);
  const done = await believeAgain({ cluster, host, dir: hostDir(folder.dir, host), aside, loss });
  const { storeId, serial, former } = done;
  const lines = [
    `${host} goes on with store ${storeId.slice(0, 8)}, through its write ${serial}, when it is started`,
    ...(former === undefined ? [] : [`what it had until now is in ${former}`]),
    'its logs count only where you say so: when all hosts are put back, levelten up, then levelten force-config for each chain',
  ];
  print(args, { host, aside, loss, ...done }, lines.join('\n'));
}

/** HOST_OPTIONS where most voters are well: then this host is filled by the others, and what it once promised could undo what they decided. */
async function checkNeed(folder: Folder, host: string): Promise<void> {
  const { cluster, dir } = folder;
  const status = (await askAdmin(folder, '/status').catch(() => undefined)) as Status | undefined;
  const isQuorumThere = status !== undefined && missingVoters(status.hosts) === undefined;
  const untouched = await untouchedVoters(dir, cluster, host);
  if (!isQuorumThere && untouched * 2 <= cluster.voters.length) return;
  const text = 'most voters have their stores: start this host as it is, and it is filled by the others';
  throw new CodedError('HOST_OPTIONS', text);
}
