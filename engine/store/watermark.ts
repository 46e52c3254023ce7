// What a host knows of its store outside of LevelDB: how many writes were durable, lately. A store that has fewer has lost some, however
// well it looks. Two slots are written in turn, so that a crash spoils one at most.
//
//   file := slot at 0 | slot at 4096
//   slot := version u8 = 1 | storeId text | serial u64 | checksum u32
import { ByteWriter } from '../base/bytes.ts';
import { CodedError } from '../base/errors.ts';
import { openSmall, withChecksum } from './sealed.ts';

const version = 1;
const slotBytes = 64;
/** Each slot has a disk's sector of its own. */
export const slotEvery = 4096;

/** `serial`: that many writes of the store were durable when this was written. */
export type Watermark = { readonly storeId: string; readonly serial: number };

/** Always of the same length: `storeId` is 32 hex digits. */
export function encodeSlot({ storeId, serial }: Watermark): Uint8Array {
  const writer = new ByteWriter(slotBytes);
  writer.u8(version);
  writer.text(storeId);
  writer.u64(serial);
  return withChecksum(writer);
}

/** The higher of the two slots of a file. ENGINE_CORRUPT where neither is whole. */
export function readWatermark(file: Uint8Array): Watermark {
  return newestSlot(file).watermark;
}

/** The slot that is not needed: the next write may spoil it. */
export function spareSlot(file: Uint8Array): 0 | 1 {
  return newestSlot(file).slot === 0 ? 1 : 0;
}

function newestSlot(file: Uint8Array): { readonly slot: 0 | 1; readonly watermark: Watermark } {
  const slots = ([0, 1] as const).flatMap((slot) => {
    return decodeSlot(file.subarray(slot * slotEvery, slot * slotEvery + slotBytes)).map((watermark) => ({
      slot,
      watermark,
    }));
  });
  const [first, second] = slots;
  if (first === undefined) throw new CodedError('ENGINE_CORRUPT', 'the watermark is not readable');
  return second !== undefined && second.watermark.serial > first.watermark.serial ? second : first;
}

function decodeSlot(bytes: Uint8Array): Watermark[] {
  if (bytes.length < 3) return [];
  const textBytes = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);
  try {
    const read = openSmall(bytes.subarray(0, 1 + 2 + textBytes + 8 + 4), 'watermark', (reader) => {
      return { storeId: reader.text(), serial: reader.u64() };
    });
    return [read];
  } catch (cause) {
    if (cause instanceof CodedError) return [];
    throw cause;
  }
}
