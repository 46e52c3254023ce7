// `levelten believe`: an operator has a host go on with a store that it set aside, and accepts what that lacks. For when all hosts did so.
import { believeAgain } from '../believe-again.ts';
import { hostDir, readFolder } from '../folder.ts';
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
  const done = await believeAgain({ cluster, host, dir: hostDir(folder.dir, host), aside, loss });
  const { storeId, serial, former } = done;
  const lines = [
    `${host} goes on with store ${storeId.slice(0, 8)}, through its write ${serial}, when it is started`,
    ...(former === undefined ? [] : [`what it had until now is in ${former}`]),
  ];
  print(args, { host, aside, loss, ...done }, lines.join('\n'));
}
