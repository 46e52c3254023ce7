// The bytes on a disk: exactly those of test/golden/record.hex, read back as they were written, and never believed.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { epoch as asEpoch, type ChainId, chainId, type Epoch, type Hash, type Lsn } from '../../engine/base/ids.ts';
import * as entries from '../../engine/store/entries.ts';
import * as format from '../../engine/store/format.ts';
import { decodeTally } from '../../engine/store/tally.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';

const place = {
  chain: chainId(3),
  epoch: asEpoch(2),
  after: { lsn: 6 as Lsn, hash: '00112233445566778899aabbccddeeff' as Hash },
};
const batch = format.encodeBatch(place, [
  { name: 'todo/home', seqFirst: 300, updates: [Buffer.from('one'), Buffer.from('two!')] },
  { name: 'chat/a.b', seqFirst: 1, updates: [Buffer.from('hi')] },
]);
const activation = format.encodeActivation(place, ['h2', 'h1']);
const identity = { storeId: '0f'.repeat(16), host: 'h1', cluster: 'c0ffee00c0ffee00' };
const marks = { sealed: asEpoch(7), ran: asEpoch(6), logEpoch: asEpoch(6), nonce: 'h1.b0.7' };

const golden = new Map(
  readFileSync(new URL('../../../test/golden/record.hex', import.meta.url), 'utf8')
    .split(/^== /m)
    .slice(1)
    .map((part) => {
      const [name = '', ...lines] = part.split('\n');
      return [name.replace(' ==', ''), lines.map((line) => line.split('|')[0]?.trim()).join('')];
    }),
);

t.test('[E12] what is written is what the annotated example says, byte for byte', async (t) => {
  t.equal(hexOf(batch.bytes), golden.get('batch'));
  t.equal(hexOf(activation.bytes), golden.get('activation'));
  t.equal(hexOf(entries.encodeIdentity(identity)), golden.get('identity'));
  t.equal(hexOf(entries.encodeMarks(marks)), golden.get('marks'));
  const tally = Buffer.from(golden.get('tally') ?? '', 'hex');
  t.same(decodeTally(tally), { serial: 42, sum: '00112233445566778899aabbccddeeff' });
  const keys = [entries.identityKey, entries.marksKey(place.chain), format.recordKey(place.chain, 7)];
  t.equal(keys.map(hexOf).join(''), golden.get('keys'));
});

t.test('[E3] the checksum is CRC-32 of all before it, the hash the first half of SHA-256 over all', async (t) => {
  for (const { bytes, hash } of [batch, activation]) {
    t.equal(Buffer.from(bytes).readUInt32BE(bytes.length - 4), crc32(bytes.subarray(0, -4)));
    t.equal(hash, createHash('sha256').update(bytes).digest('hex').slice(0, 32));
    t.same(format.openRecord(bytes).hash, hash);
  }
});

const nameOf = fc.stringMatching(/^[a-z]{1,8}\/[A-Za-z0-9._:@-]{1,40}$/);
const seq = fc.oneof(fc.constantFrom(1, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const section = fc.record({
  name: nameOf,
  seqFirst: seq,
  updates: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
});
const placeOf = fc
  .tuple(
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(([chain, epoch, lsn, hash]) => ({
    chain: chain as ChainId,
    epoch: epoch as Epoch,
    after: { lsn: lsn as Lsn, hash: hexOf(hash) as Hash },
  }));
const anyBatch = fc
  .tuple(placeOf, fc.array(section, { maxLength: 5 }))
  .map(([place, sections]) => format.encodeBatch(place, sections));
const anyActivation = fc
  .tuple(placeOf, fc.array(nameOf, { maxLength: 5 }))
  .map(([place, order]) => format.encodeActivation(place, order));

t.test('[E12] a batch is read back as it was made', async (t) => {
  const property = fc.property(placeOf, fc.array(section, { maxLength: 5 }), (place, sections) => {
    const made = format.encodeBatch(place, sections);
    const opened = format.openRecord(made.bytes);
    const { chain, epoch, after } = place;
    const wanted = { kind: 'batch', chain, epoch, lsn: after.lsn + 1, previousHash: after.hash, hash: made.hash };
    const views = format.sectionsOf(opened).map(({ bytes, ...view }) => ({ ...view, bytes: hexOf(bytes) }));
    const given = sections.map(({ name, seqFirst, updates }) => ({
      name,
      seqFirst,
      count: updates.length,
      bytes: updates.map(hexOf).join(''),
    }));
    return isDeepStrictEqual({ ...opened, bytes: 0 }, { ...wanted, bytes: 0 }) && isDeepStrictEqual(views, given);
  });
  fc.assert(property, fuzz);
  const opened = format.openRecord(activation.bytes);
  t.same(
    { kind: opened.kind, lsn: opened.lsn, sections: format.sectionsOf(opened) },
    { kind: 'activation', lsn: 7, sections: [] },
  );
  t.same(format.orderOfActivation(opened), ['h2', 'h1']);
});

t.test(
  '[E12] identity, marks and keys are read back as they were made, and keys sort as their numbers do',
  async (t) => {
    t.same(entries.decodeIdentity(entries.encodeIdentity(identity)), identity);
    t.same(entries.decodeMarks(entries.encodeMarks(marks)), marks);
    const wordy = { ...identity, cluster: '\ufeff\u{1f600}'.repeat(30) };
    t.same(entries.decodeIdentity(entries.encodeIdentity(wordy)), wordy);
    const property = fc.property(seq, seq, (a, b) => {
      const [one, other] = [a, b].map((lsn) => Buffer.from(format.recordKey(chainId(1), lsn)));
      return (
        format.lsnOfKey(one as Buffer) === a &&
        Math.sign(Buffer.compare(one as Buffer, other as Buffer)) === Math.sign(a - b)
      );
    });
    fc.assert(property, fuzz);
    t.ok(Buffer.compare(format.recordKey(chainId(1), Number.MAX_SAFE_INTEGER), format.recordKey(chainId(2), 0)) < 0);
  },
);

t.test('[E3] any one bit of a record that flips is found', async (t) => {
  for (const made of [batch, activation]) {
    for (let bit = 0; bit < made.bytes.length * 8; bit += 1) {
      const bytes = Uint8Array.from(made.bytes);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const found = codeOr(() => format.openRecord(bytes));
      if (!('code' in found) || found.code !== 'ENGINE_CORRUPT') t.fail(`bit ${bit}: ${JSON.stringify(found)}`);
    }
    for (let length = 0; length < made.bytes.length; length += 1)
      t.throws(() => format.openRecord(made.bytes.subarray(0, length)), { code: 'ENGINE_CORRUPT' });
  }
});

t.test(
  '[E3] [E12] spoiled entries are refused as corrupt or as of another version, also where the checksum is right',
  async (t) => {
    const counts = { read: 0, refused: 0 };
    const check = (read: () => unknown): void => {
      const found = codeOr(read);
      if ('code' in found && found.code !== 'ENGINE_CORRUPT' && found.code !== 'ENGINE_FORMAT')
        throw new Error(found.code);
      counts['code' in found ? 'refused' : 'read'] += 1;
    };
    const readers: [fc.Arbitrary<Uint8Array>, (bytes: Uint8Array) => Uint8Array][] = [
      [anyBatch.map(({ bytes }) => bytes), readRecord],
      [anyActivation.map(({ bytes }) => bytes), readRecord],
      [fc.constant(entries.encodeIdentity(identity)), (bytes) => entries.encodeIdentity(entries.decodeIdentity(bytes))],
      [fc.constant(entries.encodeMarks(marks)), (bytes) => entries.encodeMarks(entries.decodeMarks(bytes))],
    ];
    for (const [valid, read] of readers) {
      for (const bytes of [spoiled(valid), spoiled(valid).map(withChecksum)]) {
        const property = fc.property(bytes, (one) =>
          check(() => {
            if (hexOf(read(one)) !== hexOf(one)) throw new Error(`${hexOf(one)} is read as something else`);
          }),
        );
        fc.assert(property, fuzz);
      }
    }
    t.ok(counts.read > 100 && counts.refused > 100, JSON.stringify(counts));
  },
);

/** Reads everything of a record, and gives its bytes: those of a batch are made anew from what was read, where they can be. */
function readRecord(bytes: Uint8Array): Uint8Array {
  const record = format.openRecord(bytes);
  if (record.kind === 'activation') {
    format.orderOfActivation(record);
    return bytes;
  }
  const views = format.sectionsOf(record);
  // How a section's bytes divide into its updates is not known here.
  if (record.lsn === 0 || views.some(({ count }) => count !== 1)) return bytes;
  const after = { lsn: (record.lsn - 1) as Lsn, hash: record.previousHash };
  const sections = views.map(({ name, seqFirst, bytes }) => ({ name, seqFirst, updates: [bytes] }));
  return format.encodeBatch({ chain: record.chain, epoch: record.epoch, after }, sections).bytes;
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) return bytes;
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(crc32(copy.subarray(0, -4)), copy.length - 4);
  return copy;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
