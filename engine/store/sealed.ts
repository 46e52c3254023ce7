// What every value on a disk shares: a checksum at its end, a version at its beginning, and one code where either is wrong.
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import { checksumOf } from '../base/checksum.ts';
import { CodedError } from '../base/errors.ts';

export const checksumBytes = 4;

export function withChecksum(writer: ByteWriter): Uint8Array {
  writer.u32(checksumOf(writer.done()));
  return writer.done();
}

export function checkSum(bytes: Uint8Array, what: string): void {
  const body = bytes.subarray(0, bytes.length - checksumBytes);
  const stored = new ByteReader(bytes.subarray(body.length)).u32();
  if (checksumOf(body) !== stored) throw new CodedError('ENGINE_CORRUPT', `the ${what} has a wrong checksum`);
}

/** A value of version 1: what `read` makes of all that stands between version and checksum. */
export function openSmall<T>(bytes: Uint8Array, what: string, read: (reader: ByteReader) => T): T {
  return openVersioned(bytes, what, 1, read);
}

/** A value of a version up to this one. Rot is told from a version to come by the checksum, which stands at the end in every version. */
export function openVersioned<T>(
  bytes: Uint8Array,
  what: string,
  versionMax: number,
  read: (reader: ByteReader) => T,
): T {
  if (bytes.length < 5) throw new CodedError('ENGINE_CORRUPT', `the ${what} entry is too short`);
  checkSum(bytes, what);
  const version = bytes[0] ?? 0;
  if (version < 1 || version > versionMax)
    throw new CodedError(
      'ENGINE_FORMAT',
      `${what} version ${version} is not known: it was written by another levelten`,
    );
  return reading(what, () => {
    const reader = new ByteReader(bytes.subarray(1, bytes.length - checksumBytes));
    const value = read(reader);
    reader.end();
    return value;
  });
}

/** What the reader of bytes calls a wrong message is, on a disk, corruption. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const isOfBytes = (cause instanceof CodedError && cause.code === 'CHAIN_PROTOCOL') || cause instanceof SyntaxError;
    if (!isOfBytes) throw cause;
    throw new CodedError('ENGINE_CORRUPT', `the ${what} is not one: ${cause.message}`, { cause });
  }
}
