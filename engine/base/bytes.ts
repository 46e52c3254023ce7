// Reading and writing bytes, big-endian. The writer allocates once; the reader checks every length before it trusts it, so
// that hostile bytes cost an error and never memory.
import { assert } from './assert.ts';
import { CodedError } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteWriter {
  readonly #buffer: Buffer;
  #at = 0;

  /** `sizeMax` is the most that will be written. */
  constructor(sizeMax: number) {
    this.#buffer = Buffer.allocUnsafe(sizeMax);
  }

  u8(value: number): void {
    this.#at = this.#buffer.writeUInt8(value, this.#at);
  }
  u16(value: number): void {
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }
  u32(value: number): void {
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
  }
  /** A safe integer from 0, in 8 bytes. */
  u64(value: number): void {
    this.#at = this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), this.#at);
    this.#at = this.#buffer.writeUInt32BE(value >>> 0, this.#at);
  }
  /** A safe integer from 0, 7 bits a byte, lowest first; the top bit says that more follow. At most 8 bytes. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }
  /** Length (u16) and UTF-8. */
  text(value: string): void {
    const length = this.#buffer.write(value, this.#at + 2);
    assert(length <= 0xffff && length === Buffer.byteLength(value), 'a text fits its frame');
    this.u16(length);
    this.#at += length;
  }
  /** Printable ASCII, without its length. */
  ascii(value: string): void {
    this.#at += this.#buffer.write(value, this.#at, 'latin1');
  }
  hex(value: string): void {
    this.#at += this.#buffer.write(value, this.#at, 'hex');
  }
  bytes(value: Uint8Array): void {
    assert(this.#at + value.length <= this.#buffer.length, 'bytes fit their frame');
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  get size(): number {
    return this.#at;
  }
  /** What was written so far; shares memory with the writer. */
  done(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
}

/** Every method throws CHAIN_PROTOCOL where the bytes end too soon. What it returns shares memory with them. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#at;
  }
  u8(): number {
    return this.#buffer.readUInt8(this.#skip(1));
  }
  u16(): number {
    return this.#buffer.readUInt16BE(this.#skip(2));
  }
  u32(): number {
    return this.#buffer.readUInt32BE(this.#skip(4));
  }
  u64(): number {
    const at = this.#skip(8);
    const value = this.#buffer.readUInt32BE(at) * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new CodedError('CHAIN_PROTOCOL', 'a number is past 2^53');
    return value;
  }
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        const isShortest = byte !== 0 || count === 0;
        if (!isShortest || !Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new CodedError('CHAIN_PROTOCOL', 'a number is past 2^53, or longer than it needs to be');
  }
  /** One byte, 0 or 1. */
  flag(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new CodedError('CHAIN_PROTOCOL', `a flag of ${byte} is not 0 or 1`);
    return byte === 1;
  }
  text(bytesMax = 0xffff): string {
    const length = this.u16();
    if (length > bytesMax)
      throw new CodedError('CHAIN_PROTOCOL', `a text of ${length} bytes is longer than ${bytesMax}`);
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw new CodedError('CHAIN_PROTOCOL', 'a text is not UTF-8', { cause });
    }
  }
  ascii(length: number): string {
    const at = this.#skip(length);
    return this.#buffer.toString('latin1', at, at + length);
  }
  hex(length: number): string {
    const at = this.#skip(length);
    return this.#buffer.toString('hex', at, at + length);
  }
  take(length: number): Buffer {
    const at = this.#skip(length);
    return this.#buffer.subarray(at, at + length);
  }
  rest(): Buffer {
    return this.take(this.#buffer.length - this.#at);
  }
  /** `count` items of at least `bytesMin` each: refused where they cannot fit what is left, before anything is allocated. */
  count(count: number, bytesMin: number): number {
    if (count * bytesMin > this.#buffer.length - this.#at)
      throw new CodedError('CHAIN_PROTOCOL', `${count} items do not fit`);
    return count;
  }
  end(): void {
    if (this.#at !== this.#buffer.length) throw new CodedError('CHAIN_PROTOCOL', 'bytes are left over');
  }

  #skip(length: number): number {
    const at = this.#at;
    if (at + length > this.#buffer.length) throw new CodedError('CHAIN_PROTOCOL', 'the bytes end too soon');
    this.#at = at + length;
    return at;
  }
}

/** What `read` makes of exactly these bytes. Whatever is wrong with them is CHAIN_PROTOCOL, and says that they are not `what`. */
export function readWhole<T>(bytes: Uint8Array, what: string, read: (reader: ByteReader) => T): T {
  try {
    const reader = new ByteReader(bytes);
    const value = read(reader);
    reader.end();
    return value;
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError('CHAIN_PROTOCOL', `not ${what}: ${cause.message}`, { cause });
  }
}
