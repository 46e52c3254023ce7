// Entries of other versions of the format than the one that is written today.
import { ByteWriter } from '../../engine/base/bytes.ts';
import { withChecksum } from '../../engine/store/sealed.ts';

/** A small entry or a record as another version would have written it, if nothing but the number had changed: the checksum is right. */
export function ofVersion(version: number, entry: Uint8Array): Uint8Array {
  const writer = new ByteWriter(entry.length);
  writer.u8(version);
  writer.bytes(entry.subarray(1, -4));
  return withChecksum(writer);
}
