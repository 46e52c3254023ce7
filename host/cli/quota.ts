// `levelten quota`: what the account of a space, or of one principal in it, counts.
import { documentName } from '../../engine/base/ids.ts';
import { readFolder } from '../folder.ts';
import type { AccountState } from '../operator.ts';
import { accountName } from '../quotas.ts';
import type { Arguments } from './arguments.ts';
import { required } from './arguments.ts';
import { askHead } from './history.ts';
import { print } from './print.ts';

/** The authority of principals in development mode. */
const authority = 'dev';

export async function quotaCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const space = required(args.words[0], 'SPACE', 'levelten quota board, or levelten quota board --as alice');
  documentName(`${space}/key`);
  const who = args.as === undefined ? undefined : { agent: args.as, authority };
  const name = documentName(accountName(space, who)).name;
  const { documents, bytes, claims } = (await askHead(folder, name, 'quota', {})) as AccountState;
  const open = claims === 0 ? '' : `; ${claims} claims are not settled yet, and may become less`;
  const whose = who === undefined ? space : `${args.as} in ${space}`;
  print(
    args,
    { space, who: who ?? null, documents, bytes, claims },
    `${whose}: ${documents} documents, ${bytes} bytes${open}`,
  );
}
