// What is done to the files of a stopped store, as bytes and names: which file of LevelDB's, which byte of it. Everything here fails by
// name where there is nothing to damage: a case that damaged nothing shows nothing.
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Files of a LevelDB; the number in the name is that of their making. */
export type FileKind = 'log' | 'ldb' | 'manifest';

const patterns: Readonly<Record<FileKind, RegExp>> = {
  log: /^(\d+)\.log$/,
  ldb: /^(\d+)\.ldb$/,
  manifest: /^MANIFEST-(\d+)$/,
};

/** Those of `names` that are of this kind, oldest first. */
export function filesOf(names: readonly string[], kind: FileKind): string[] {
  const numberOf = (name: string): number => Number(patterns[kind].exec(name)?.[1] ?? -1);
  return names.filter((name) => numberOf(name) >= 0).sort((a, b) => numberOf(a) - numberOf(b));
}

/** The newest file of a kind that holds something. */
export function newestFile(storeDir: string, kind: FileKind): string {
  const files = filesOf(readdirSync(storeDir), kind).map((name) => join(storeDir, name));
  const file = files.filter((path) => statSync(path).size > 0).at(-1);
  if (file === undefined) throw new Error(`${storeDir} has no ${kind} with anything in it`);
  return file;
}

/** The oldest table: it was compacted, or is about to be. */
export function oldestTable(storeDir: string): string {
  const file = filesOf(readdirSync(storeDir), 'ldb').map((name) => join(storeDir, name))[0];
  if (file === undefined) throw new Error(`${storeDir} has no ldb`);
  return file;
}

/**
 *   beginning  within the first record or block
 *   end        within the last record, or the magic number of a table
 */
export type Place = 'beginning' | 'middle' | 'end';

const beginningBytes = 20;
const endBytes = 4;
const footerBytes = 48;

/** Where in a file of so many bytes. Throws where it is too short to have such a place. */
export function offsetOf(place: Place, bytes: number): number {
  const offsets: Record<Place, number> = {
    beginning: beginningBytes,
    middle: Math.floor(bytes / 2),
    end: bytes - endBytes,
  };
  const offset = offsets[place];
  if (offset < 0 || offset >= bytes) throw new Error(`a file of ${bytes} bytes has no ${place} to damage`);
  return offset;
}

/**
 * Where the first entry of a table's index block says how long its key is. The footer at the end of a table begins with four numbers: offset
 * and size of the block of metadata, and of the index.
 */
export function indexOffsetOf(table: Uint8Array): number {
  if (table.length < footerBytes) throw new Error(`a table of ${table.length} bytes has no footer`);
  let at = table.length - footerBytes;
  const numbers = [0, 0, 0].map(() => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = table[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  });
  return (numbers[2] ?? 0) + 1;
}

/** One bit of a table's index, without which nothing else in the table is found. */
export function flipIndex(file: string): string {
  return flipBit(file, indexOffsetOf(readFileSync(file)));
}

/** One bit, where it lies: a process that has the file open sees it. Says which. */
export function flipBit(file: string, offset: number): string {
  const { size } = statSync(file);
  if (offset < 0 || offset >= size) throw new Error(`${file} has no byte ${offset}`);
  const handle = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(handle, byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8() ^ 0x10);
    writeSync(handle, byte, 0, 1, offset);
  } finally {
    closeSync(handle);
  }
  return `bit 4 of byte ${offset} of ${size} in ${nameOf(file)}`;
}

export function flipAt(file: string, place: Place): string {
  return flipBit(file, offsetOf(place, statSync(file).size));
}

/** `keep` is the share that stays, or by how many bytes it gets shorter where it is negative. */
export function truncate(file: string, keep: number): string {
  const bytes = readFileSync(file);
  const left = keep < 0 ? bytes.length + keep : Math.floor(bytes.length * keep);
  if (left < 0 || left >= bytes.length)
    throw new Error(`${file} has ${bytes.length} bytes: it cannot be cut to ${left}`);
  writeFileSync(file, bytes.subarray(0, left));
  return `${nameOf(file)} from ${bytes.length} to ${left} bytes`;
}

export function remove(path: string): string {
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  rmSync(path, { recursive: true });
  return nameOf(path);
}

/**
 * Flips a bit in the middle of `value` wherever a table holds it: LevelDB is opened without compression, and values lie in it as they are.
 */
export function flipValue(storeDir: string, value: Uint8Array): string {
  if (value.length === 0) throw new Error('a value without bytes cannot be hurt');
  const hits = filesOf(readdirSync(storeDir), 'ldb').flatMap((name) => {
    const file = join(storeDir, name);
    const at = readFileSync(file).indexOf(value);
    return at < 0 ? [] : [flipBit(file, at + Math.floor(value.length / 2))];
  });
  if (hits.length === 0) throw new Error(`no table in ${storeDir} holds the value of ${value.length} bytes`);
  return hits.join(', ');
}

export function replaceFolder(target: string, source: string): void {
  rmSync(target, { recursive: true, force: true });
  cpSync(source, target, { recursive: true });
}

export function swapFolders(a: string, b: string): void {
  const aside = `${a}.swapped`;
  renameSync(a, aside);
  renameSync(b, a);
  renameSync(aside, b);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
