// The bytes of registers, between hosts and on disk: what is said is what is heard, and whatever else arrives is refused with one code.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { type Ballot, ballotCounterMax } from '../../chain/register/ballot.ts';
import { decodeCell, decodeVoterList, encodeCell, encodeVoterList } from '../../chain/register/cell.ts';
import type { RegisterMessage } from '../../chain/register/messages.ts';
import { firstVoters, type Voter } from '../../chain/register/voters.ts';
import { decodeRegisterMessage, encodeRegisterMessage, isRegisterKind } from '../../chain/register/wire.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { linkFrameBytesMax, nonceBytesMax, registerItemsMax, registerValueBytesMax } from '../../engine/base/limits.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';

const plain = { noNullPrototype: true };
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
const text = fc.oneof(fc.constant('x'.repeat(nonceBytesMax)), fc.string({ unit: 'binary', maxLength: 32 }));
const host = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
const counter = fc.oneof(fc.constantFrom(1, ballotCounterMax), fc.integer({ min: 1, max: 2 ** 40 }));
const ballot = fc.record({ counter, host, boot: text }, plain);
const value = fc.uint8Array({ maxLength: 40 });
const found = fc.oneof(fc.constant(undefined), fc.record({ ballot, value }, plain));

const asked = fc.oneof(
  fc.record({ kind: fc.constant('prepare'), register: u16, ballot }, plain),
  fc.record({ kind: fc.constant('accept'), register: u16, ballot, value }, plain),
);
const told = fc.oneof(
  fc.record({ kind: fc.constant('promised'), register: u16, ballot, found }, plain),
  fc.record({ kind: fc.constant('accepted'), register: u16, ballot }, plain),
  fc.record({ kind: fc.constant('rejected'), register: u16, ballot, promised: ballot }, plain),
);
const list = fc.constantFrom(1, 3, 5, 7).chain((length) => {
  const names = fc.uniqueArray(host, { minLength: length, maxLength: length });
  const stores = fc.uniqueArray(text, { minLength: length, maxLength: length });
  return fc.tuple(names, stores).map(([hosts, storeIds]) => {
    return hosts.map((one, index): Voter => ({ host: one as HostId, storeId: storeIds[index] ?? '' }));
  });
});
const generation = fc.integer({ min: 1, max: 0xffff_ffff });
const voters = fc.record({ generation, voters: list, joining: fc.oneof(fc.constant(undefined), list) }, plain);

const anyMessage = fc.oneof(
  fc.record({ kind: fc.constant('registerAsk'), generation: u32, items: fc.array(asked, { maxLength: 4 }) }, plain),
  fc.record(
    { kind: fc.constant('registerTell'), generation: u32, storeId: text, items: fc.array(told, { maxLength: 4 }) },
    plain,
  ),
  fc.record({ kind: fc.constant('votersNews'), voters }, plain),
) as unknown as fc.Arbitrary<RegisterMessage>;

t.test('[W1] every message of registers is heard as it was said', async (t) => {
  const property = fc.property(anyMessage, (message) => {
    const bytes = encodeRegisterMessage(message);
    return isRegisterKind(bytes[0]) && isDeepStrictEqual(decodeRegisterMessage(bytes), message);
  });
  t.doesNotThrow(() => fc.assert(property, fuzz));
  t.notOk(isRegisterKind(12) || isRegisterKind(undefined));
});

t.test('[W2] any bytes are a message of registers that encodes to them, or CHAIN_PROTOCOL', async (t) => {
  const counts = { messages: 0, refused: 0 };
  const bytes = fc.oneof(spoiled(anyMessage.map((one) => Uint8Array.from(encodeRegisterMessage(one)))), value);
  const property = fc.property(bytes, (bytes) => {
    const heard = codeOr(() => decodeRegisterMessage(bytes));
    counts['code' in heard ? 'refused' : 'messages'] += 1;
    if ('code' in heard) return heard.code === 'CHAIN_PROTOCOL';
    return Buffer.compare(encodeRegisterMessage(heard.value), bytes) === 0;
  });
  t.doesNotThrow(() => fc.assert(property, { ...fuzz, numRuns: 20_000 }));
  t.ok(counts.messages > 500 && counts.refused > 500, JSON.stringify(counts));
});

t.test('[W2] what no honest voter says is refused, each for its own reason', async (t) => {
  const one = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 97, 0, 1, 98];
  const ask = (count: number, ...items: number[]) => [32, 0, 0, 0, 1, count >> 8, count & 0xff, ...items];
  const tell = (count: number, ...items: number[]) => [33, 0, 0, 0, 1, 0, 1, 115, 0, count, ...items];
  const voter = (name: number, store: number) => [0, 1, name, 0, 1, store];
  const cases: [what: string, bytes: number[], reason: RegExp][] = [
    ['nothing', [], /end too soon/],
    ['a message of chains', [1, 0, 0, 0, 0, 0, 1], /unknown message kind 1/],
    ['more registers than bytes', ask(0xffff, 1), /65535 items do not fit/],
    ['more registers than a message may hold', ask(193, ...new Array(193 * 15).fill(0)), /193 registers in one/],
    ['a question that is none', ask(1, 0, 1, 3, ...one), /nothing is asked by 3/],
    ['an answer that is none', tell(1, 0, 1, 4, ...one), /nothing is told by 4/],
    ['a ballot of nobody', ask(1, 0, 1, 1, ...one.with(7, 0)), /counter of 0/],
    ['a ballot past counting', ask(1, 0, 1, 1, ...one.with(1, 2)), /not in 1/],
    ['a ballot of no host', ask(1, 0, 1, 1, ...one.with(10, 95)), /not a host id/],
    ['a value that is too long', ask(1, 0, 1, 2, ...one, 0, 1, 0, 0), /value of 65536 bytes/],
    ['a value that is cut', ask(1, 0, 1, 2, ...one, 0, 0, 1, 0), /end too soon/],
    ['a value found by 2', tell(1, 0, 1, 1, ...one, 2), /flag of 2/],
    ['a byte too many', [...ask(0), 0], /left over/],
    ['two voters', [34, 1, 0, 0, 0, 1, 2, ...voter(97, 98), ...voter(98, 99), 0], /2 voters are not 1, 3, 5 or 7/],
    ['one host twice', [34, 1, 0, 0, 0, 1, 3, ...voter(97, 1), ...voter(97, 2), ...voter(98, 3), 0], /host is listed/],
    [
      'one store twice',
      [34, 1, 0, 0, 0, 1, 3, ...voter(97, 1), ...voter(99, 1), ...voter(98, 3), 0],
      /store is listed/,
    ],
    ['generation 0', [34, 1, 0, 0, 0, 0, 1, ...voter(97, 98), 0], /begin with 1/],
  ];
  for (const [what, bytes, reason] of cases)
    t.throws(() => decodeRegisterMessage(Uint8Array.from(bytes)), { code: 'CHAIN_PROTOCOL', message: reason }, what);
});

t.test('[W2] the largest message fits a link, and its values outlive the frame', async (t) => {
  const ballot: Ballot = { counter: ballotCounterMax, host: 'h'.repeat(32) as HostId, boot: 'b'.repeat(nonceBytesMax) };
  const value = new Uint8Array(registerValueBytesMax).fill(7);
  const item = { kind: 'promised', register: 1, ballot, found: { ballot, value } } as const;
  const items = new Array<typeof item>(registerItemsMax).fill(item);
  const bytes = encodeRegisterMessage({ kind: 'registerTell', generation: 1, storeId: 's', items });
  t.ok(bytes.length < linkFrameBytesMax, `${bytes.length} bytes`);
  const heard = decodeRegisterMessage(bytes);
  bytes.fill(0);
  t.ok(isDeepStrictEqual(heard, { kind: 'registerTell', generation: 1, storeId: 's', items }));
  const many = { kind: 'registerAsk', generation: 1, items: new Array(registerItemsMax + 1).fill(item) } as const;
  t.throws(() => encodeRegisterMessage(many as unknown as RegisterMessage), /fit a message/);
});

t.test('[C14] what a voter keeps is read as it was, or the host stops with ENGINE_CORRUPT', async (t) => {
  const cell = fc.record({ promised: ballot, accepted: found }, plain).map(({ promised, accepted }) => {
    const top = { ...promised, counter: ballotCounterMax, host: 'z'.repeat(32), boot: '\uffff' };
    return { promised: accepted === undefined ? promised : top, accepted };
  }) as unknown as fc.Arbitrary<Parameters<typeof encodeCell>[0]>;
  const [cells, lists] = [cell.map(encodeCell), voters.map(encodeVoterList)];
  const same = fc.property(cell, (one) => isDeepStrictEqual(decodeCell(encodeCell(one)), one));
  t.doesNotThrow(() => fc.assert(same, fuzz));
  for (const [decode, bytes] of [
    [decodeCell, cells],
    [decodeVoterList, lists],
  ] as const) {
    const property = fc.property(bytes, spoiled(bytes), (good, bad) => {
      const [read, spoilt] = [codeOr(() => decode(good)), codeOr(() => decode(bad))];
      return 'value' in read && ('value' in spoilt || spoilt.code === 'ENGINE_CORRUPT');
    });
    t.doesNotThrow(() => fc.assert(property, fuzz));
  }
  const below = { promised: { counter: 1, host: 'a' as HostId, boot: 'b' } };
  const lies = encodeCell({
    ...below,
    accepted: { ballot: { ...below.promised, counter: 2 }, value: new Uint8Array(1) },
  });
  t.throws(() => decodeCell(lies), { code: 'ENGINE_CORRUPT', message: /more was accepted than promised/ });
  const rotten = Uint8Array.from(encodeVoterList(firstVoters([{ host: 'a' as HostId, storeId: 's' }])));
  rotten[3] = 9;
  t.throws(() => decodeVoterList(rotten), { code: 'ENGINE_CORRUPT', message: /checksum differs/ });
});
