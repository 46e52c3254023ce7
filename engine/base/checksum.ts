// The two sums of the log: a cheap one that finds flipped bits, and a strong one that ties each record to all before it.
import { createHash, hash as digest } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Hash } from './ids.ts';

/** CRC-32 (IEEE 802.3, as in zlib) of `bytes`. Finds rot; says nothing about intent. */
export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes);
}

/** The same of two byte strings, one behind the other. */
export function checksumOfTwo(first: Uint8Array, second: Uint8Array): number {
  return crc32(second, crc32(first));
}

/** The rolling hash after a record: the first 16 bytes of SHA-256 over its bytes, which hold the hash before it. */
export function rollingHashOf(recordBytes: Uint8Array): Hash {
  return digest('sha256', recordBytes, 'hex').slice(0, 32) as Hash;
}

/** The first 8 bytes of SHA-256 over UTF-8 `text`, as 16 hex digits: placement compares these as text. */
export function weightOf(text: string): string {
  return digest('sha256', text, 'hex').slice(0, 16);
}

/** The SHA-256 of a file's bytes in hex: how hosts compare the applications they run. */
export function contentHashOf(bytes: Uint8Array): string {
  return digest('sha256', bytes, 'hex');
}

/** The first 16 bytes of SHA-256 over two byte strings, one behind the other, in hex. */
export function digestOf(first: Uint8Array, second: Uint8Array): string {
  return createHash('sha256').update(first).update(second).digest('hex').slice(0, 32);
}
