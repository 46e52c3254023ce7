// Records and messages of a world in memory, in their real bytes.
import type { Entry, Message } from '../../chain/messages.ts';
import { decodeMessage, encodeMessage } from '../../chain/wire.ts';
import type { Epoch, HostId, Position } from '../../engine/base/ids.ts';
import { chainId } from '../../engine/base/ids.ts';
import { encodeActivation, encodeBatch, openRecord } from '../../engine/store/format.ts';
import { made } from './made.ts';

export const chain = chainId(0);

type Place = { readonly epoch: Epoch; readonly received: Position };

const entries = new Map<string, Entry>();

/** The same text at the same place is the same record: it is made once. */
export function makeBatch({ epoch, received: after }: Place, text: string, seqFirst: number): Entry {
  const section = { name: 'space/key', seqFirst, updates: [Buffer.from(text)] };
  return once(`${epoch} ${after.lsn} ${after.hash} ${text}`, () => encodeBatch({ chain, epoch, after }, [section]));
}

/** The first record of an epoch. */
export function makeActivation({ epoch, received: after }: Place, order: readonly HostId[]): Entry {
  return once(`${epoch} ${after.lsn} ${after.hash} > ${order.join()}`, () => {
    return encodeActivation({ chain, epoch, after }, order);
  });
}

function once(key: string, make: () => Entry): Entry {
  let entry = entries.get(key);
  if (entry === undefined) {
    entry = make();
    entries.set(key, entry);
    made.set(entry.hash, entry);
  }
  return entry;
}

/** As it arrives. */
export function travelled(message: Message): Message {
  return decodeMessage(Uint8Array.from(encodeMessage(message)), openRecord);
}
