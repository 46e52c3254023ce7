// A store that was set aside, put back because an operator says so: where the power went and the disks had lied, every host finds its store behind
// what was durable, sets it aside, and nobody is left to be filled from. Then what is left of them is better than nothing.
//
// Only a store that is whole is put back: what is behind is, what rotted is not. The one that is there now is set aside in its place.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../chain/config.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { Identity } from '../engine/store/entries.ts';
import { decodeIdentity, identityKey } from '../engine/store/entries.ts';
import type { OrderedReader } from '../engine/store/port.ts';
import { decodeTally, tallyKey } from '../engine/store/tally.ts';
import { HostFiles } from './host-files.ts';
import { takeLock } from './lock.ts';
import { readStopped } from './stopped-store.ts';
import { unpaced, verifyHostStore } from './verify.ts';

export type Believing = {
  readonly cluster: Cluster;
  readonly host: string;
  /** The host's folder, and the name of the folder in it that was set aside. */
  readonly dir: string;
  readonly aside: string;
  /** What the operator accepts to lose. */
  readonly loss: string;
};

/** What is believed again, through which write; and where the store that was here before is now. */
export type BelievedAgain = {
  readonly storeId: string;
  readonly serial: number;
  readonly former: string | undefined;
};

/** ENGINE_LOCKED where the host runs; HOST_OPTIONS where there is no such store, or a walk finds anything wrong with it. */
export async function believeAgain({ cluster, host, dir, aside, loss }: Believing): Promise<BelievedAgain> {
  if (!/^aside-\d+$/.test(aside) || !existsSync(join(dir, aside, 'store'))) {
    throw new CodedError('HOST_OPTIONS', `${host} has set aside no store ${aside}`);
  }
  const lock = await takeLock(dir);
  try {
    const found = await readStopped(join(dir, aside, 'store'), async (disk) => {
      const { findings } = await verifyHostStore(disk, { cluster, host }, unpaced);
      const [first] = findings;
      if (first !== undefined) {
        throw new CodedError('HOST_OPTIONS', `${aside} is not whole: ${first.where}: ${first.what}`);
      }
      return await nameOf(disk);
    });
    const files = new HostFiles(dir);
    const former = await files.setAside(`an operator believes ${aside} again, accepting: ${loss}`);
    await files.takeBack(aside, found.identity, found.serial);
    return { storeId: found.identity.storeId, serial: found.serial, former };
  } finally {
    await lock.release();
  }
}

async function nameOf(disk: OrderedReader): Promise<{ readonly identity: Identity; readonly serial: number }> {
  const [name, tally] = [await disk.get(identityKey), await disk.get(tallyKey)];
  if (name === undefined) throw new CodedError('HOST_OPTIONS', 'it does not say whose it is');
  return { identity: decodeIdentity(name), serial: tally === undefined ? 0 : decodeTally(tally).serial };
}
