// A store that was set aside, put back because an operator says so: where the power went and the disks had lied, every host finds its store behind
// what was durable, sets it aside, and nobody is left to be filled from. Then what is left of them is better than nothing.
//
// Only a store that is whole is put back: what is behind is, what rotted is not. The one that is there now is set aside in its place.
//
// What it holds does not count by itself: a log that may lack answered writes must not be chosen because its host was quickest. Its marks say so
// (`logEpoch` 0), and each chain waits until an operator forces it (C12), who sees what all hosts hold; the longest log goes on, and the loss is
// recorded. Nor is one put back where most voters never lost theirs: what it promised as a voter since is forgotten, and it could undo what they decided.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../chain/config.ts';
import { CodedError } from '../engine/base/errors.ts';
import { chainId, epoch } from '../engine/base/ids.ts';
import type { Identity } from '../engine/store/entries.ts';
import { decodeIdentity, identityKey } from '../engine/store/entries.ts';
import type { OrderedReader } from '../engine/store/port.ts';
import { Store } from '../engine/store/store.ts';
import { HostFiles } from './host-files.ts';
import { LevelStore } from './level-store.ts';
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
  const storeDir = join(dir, aside, 'store');
  if (!/^aside-\d+$/.test(aside) || !existsSync(storeDir)) {
    throw new CodedError('HOST_OPTIONS', `${host} has set aside no store ${aside}`);
  }
  const lock = await takeLock(dir);
  try {
    const identity = await readStopped(storeDir, async (disk) => {
      const { findings } = await verifyHostStore(disk, { cluster, host }, unpaced);
      const [first] = findings;
      if (first !== undefined) {
        throw new CodedError('HOST_OPTIONS', `${aside} is not whole: ${first.where}: ${first.what}`);
      }
      return await nameOf(disk);
    });
    const serial = await withdraw(storeDir, cluster, identity);
    const files = new HostFiles(dir);
    const former = await files.setAside(`an operator believes ${aside} again, accepting: ${loss}`);
    await files.takeBack(aside, identity, serial);
    return { storeId: identity.storeId, serial, former };
  } finally {
    await lock.release();
  }
}

/** How many of the cluster's voters, as it was made, have a store in this folder that was never set aside: their hosts, other than this one. */
export async function untouchedVoters(folder: string, { voters }: Cluster, self: string): Promise<number> {
  let count = 0;
  for (const { host, storeId } of voters) {
    const dir = join(folder, host);
    const name = await readFile(join(dir, 'identity')).catch(() => undefined);
    if (host === self || name === undefined || decodeIdentity(name).storeId !== storeId) continue;
    const names = await readdir(dir);
    const notes = names.filter((one) => one.startsWith('aside-')).map((one) => join(dir, one, 'believed'));
    if (!notes.some((note) => existsSync(note))) count += 1;
  }
  return count;
}

/** Makes every log of a store one that counts only where an operator says so. Returns the serial of the store. */
async function withdraw(storeDir: string, cluster: Cluster, identity: Identity): Promise<number> {
  const disk = await LevelStore.open(storeDir, false);
  try {
    const chains = Array.from({ length: cluster.chains }, (_, chain) => chainId(chain));
    const store = await Store.open(disk, chains, identity);
    const counting = chains.filter((chain) => store.marks(chain).logEpoch > 0);
    const synced = new Promise<void>((resolve, reject) =>
      store.listen({ onSynced: () => resolve(), onFailed: reject }),
    );
    for (const chain of counting) store.append(chain, [], { logEpoch: epoch(0) });
    store.flush();
    if (counting.length > 0) await synced;
    return store.serial;
  } finally {
    await disk.close();
  }
}

async function nameOf(disk: OrderedReader): Promise<Identity> {
  const name = await disk.get(identityKey);
  if (name === undefined) throw new CodedError('HOST_OPTIONS', 'it does not say whose it is');
  return decodeIdentity(name);
}
