// A walk over everything that a stopped host's disk holds, for what no opening needed to read. Here it is the bench's own reading, document
// by document; a command that does more takes its place in `verifyStopped`, and nothing else changes.

import { CodedError } from '../../engine/base/errors.ts';
import { type ChainId, chainId } from '../../engine/base/ids.ts';
import { readFolder } from '../../host/folder.ts';
import { readStored } from '../stored.ts';
import type { Finding } from './findings.ts';

/** undefined where all of it is as it should be. */
export async function verifyStopped(dir: string, host: string): Promise<Finding | undefined> {
  const folder = await readFolder(dir);
  const chains: ChainId[] = Array.from({ length: folder.cluster.chains }, (_, chain) => chainId(chain));
  try {
    await readStored(folder, host, chains, () => {});
    return undefined;
  } catch (cause) {
    const code = cause instanceof CodedError ? cause.code : 'no code';
    return { host, by: 'verify', code, message: cause instanceof Error ? cause.message : String(cause) };
  }
}
