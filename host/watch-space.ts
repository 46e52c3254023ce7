// The space on a host's disk, watched from before its store is opened.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { freeBytesCritical, reserveBytes, spaceCheckMs } from '../engine/base/limits.ts';
import { freeBytesOf, giveReserve, makeReserve } from './reserve.ts';
import { Space } from './space.ts';

/** `lowBytes`: with less, new writes are refused. */
type Watch = { readonly dir: string; readonly lowBytes: number; readonly log: Logger };

/** Looks at once: on a full disk a store opens with what the reserve gives. */
export async function watchSpace({ dir, lowBytes, log }: Watch): Promise<Space> {
  const file = join(dir, 'reserve');
  const space = new Space({
    freeBytes: () => freeBytesOf(dir),
    lowBytes,
    criticalBytes: freeBytesCritical,
    reserveBytes,
    checkMs: spaceCheckMs,
    makeReserve: () => makeReserve(file),
    giveReserve: () => giveReserve(dir, file),
    onFull: (isFull, freeBytes) => {
      log.error({ isFull, freeBytes }, isFull ? 'too little space: new writes are refused' : 'there is space again');
    },
    onFailed: (err) => log.error({ err }, 'the space on the disk cannot be looked after'),
  });
  await space.check();
  return space;
}
