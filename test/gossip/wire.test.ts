// The bytes of gossip: what is said is what is heard, and whatever else arrives is refused with one code.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { type Instance, makeInstance, roles } from '../../chain/gossip/instances.ts';
import type { GossipKind, GossipMessage, Known } from '../../chain/gossip/messages.ts';
import { bytesOf, decodeGossip, encodeGossip, gossipKindNumbers } from '../../chain/gossip/wire.ts';
import { hintBytesMax, hintsMax, instancesMax, instanceTextBytesMax } from '../../engine/base/limits.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';
import { instanceOf } from './kit.ts';

const plain = { noNullPrototype: true };
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
const hash = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const part = fc.oneof(fc.constant('x'.repeat(instanceTextBytesMax)), fc.stringMatching(/^[\x21-\x7e]{0,12}$/));
const instance: fc.Arbitrary<Instance> = fc
  .record({
    id: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
    boot: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
    roles: fc.subarray([...roles], { minLength: 1 }),
    region: part,
    address: part,
    appHash: part,
  })
  .map(makeInstance);
const knowns: fc.Arbitrary<Known[]> = fc
  .uniqueArray(fc.record({ instance, counter: u32, ageMs: u32 }, plain), {
    selector: ({ instance: { key } }) => key,
    maxLength: 4,
  })
  .map((list) => list.sort((a, b) => (a.instance.key < b.instance.key ? -1 : 1)));
const gone = fc.array(hash, { maxLength: 3 });
const counters = fc.array(u32, { maxLength: 6 }).map((list) => Uint32Array.from(list));
const version = { chain: u16, epoch: u32, minor: u32 };
const versions = fc.option(fc.array(fc.record(version, plain), { maxLength: 3 }), { nil: undefined });
const bytes = fc.oneof(fc.constant(new Uint8Array(hintBytesMax)), fc.uint8Array({ maxLength: 9 }));
const hints = fc.array(fc.record({ ...version, bytes }, plain), { maxLength: 3 });
const rising = (max: number) =>
  fc.uniqueArray(fc.integer({ min: 0, max }), { maxLength: 4 }).map((list) => list.sort((a, b) => a - b));

const difference = { set: hash, counters, missing: knowns, gone };
const bodies: Readonly<Record<GossipKind, object>> = {
  hello: { set: hash, sender: hash, counter: u32, digest: hash, appeared: knowns, gone, rumours: hints },
  found: { ...difference, rumours: hints, versions },
  unknown: { set: hash, appeared: knowns, gone, rumours: hints, versions },
  reverse: difference,
  counters: { set: hash, counters, missing: knowns },
  full: { instances: knowns },
  rest: difference,
  hints: { hints, wanted: rising(0xffff) },
};

function messageOf(kind: string, body: object): fc.Arbitrary<GossipMessage> {
  const one = fc.record({ kind: fc.constant(kind), ...body }, plain) as unknown as fc.Arbitrary<GossipMessage>;
  if (kind !== 'found' && kind !== 'reverse') return one;
  // What is wanted is of the set.
  return fc.tuple(one, rising(5)).map(([message, places]) => {
    const count = 'counters' in message ? message.counters.length : 0;
    return { ...message, wanted: places.filter((place) => place < count) } as GossipMessage;
  });
}

const kinds = Object.entries(bodies);
const anyMessage = fc.oneof(...kinds.map(([kind, body]) => messageOf(kind, body)));
const copyOf = (message: GossipMessage) => Uint8Array.from(encodeGossip(message));

function checkDecode(given: Uint8Array): boolean {
  const found = codeOr(() => decodeGossip(given));
  if ('code' in found) {
    if (found.code !== 'CHAIN_PROTOCOL') throw new Error(`refused with ${found.code}`);
    return false;
  }
  const again = Buffer.from(encodeGossip(found.value));
  if (!again.equals(given)) throw new Error(`${found.value.kind} encodes to ${again.toString('hex')}`);
  return true;
}

for (const [kind, body] of kinds) {
  t.test(`[W1] ${kind}: what is said is what is heard, in as many bytes as were counted`, async (t) => {
    const property = fc.property(messageOf(kind, body), (message) => {
      const said = copyOf(message);
      return said.length === bytesOf(message) && isDeepStrictEqual(decodeGossip(said), message);
    });
    fc.assert(property, { ...fuzz, numRuns: 200 });
    t.pass();
  });
}

t.test('[W2] any bytes are gossip that encodes to the same bytes, or CHAIN_PROTOCOL', async (t) => {
  const ofKind = fc
    .tuple(fc.integer({ min: 39, max: 48 }), fc.uint8Array({ maxLength: 80 }))
    .map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  for (const some of [fc.uint8Array({ maxLength: 64 }), ofKind])
    fc.assert(
      fc.property(some, (one) => void checkDecode(one)),
      fuzz,
    );
  t.pass();
});

t.test('[W2] spoiled gossip is gossip that encodes to the same bytes, or CHAIN_PROTOCOL', async (t) => {
  const counts = { messages: 0, refused: 0 };
  const property = fc.property(spoiled(anyMessage.map(copyOf)), (one) => {
    counts[checkDecode(one) ? 'messages' : 'refused'] += 1;
  });
  fc.assert(property, { ...fuzz, numRuns: 10_000 });
  t.ok(counts.messages > 500 && counts.refused > 500, JSON.stringify(counts));
});

t.test('[W2] what no honest peer says is refused, each for its own reason', async (t) => {
  const known = (id: string): Known => ({ instance: instanceOf(id), counter: 1, ageMs: 0 });
  const [a, b] = [known('a'), known('b')];
  const difference = { set: '00'.repeat(8), counters: Uint32Array.of(1), missing: [], gone: [] };
  const many = (count: number, size: number) => {
    const version = { chain: 0, epoch: 0, minor: 0 };
    return Array.from({ length: count }, () => ({ ...version, bytes: new Uint8Array(size) }));
  };
  const forged = (parts: object): Known => ({ ...a, instance: { ...a.instance, ...parts } });
  const cases: [what: string, message: GossipMessage, reason: RegExp][] = [
    ['instances that fall', { kind: 'full', instances: [b, a] }, /do not rise/],
    ['an instance twice', { kind: 'full', instances: [a, a] }, /do not rise/],
    ['an id that is none', { kind: 'full', instances: [forged({ id: '../a' })] }, /not a host id/],
    ['a boot that is none', { kind: 'full', instances: [forged({ boot: '' })] }, /not a boot/],
    ['a region with a space', { kind: 'full', instances: [forged({ region: 'a b' })] }, /not a part/],
    ['an address too long', { kind: 'full', instances: [forged({ address: 'x'.repeat(129) })] }, /text of 129/],
    ['no role', { kind: 'full', instances: [forged({ roles: [] })] }, /not the roles/],
    ['a place past the set', { kind: 'reverse', ...difference, wanted: [1] }, /not in the set/],
    ['a place twice', { kind: 'reverse', ...difference, counters: new Uint32Array(3), wanted: [1, 1] }, /do not rise/],
    ['a hint too long', { kind: 'hints', hints: many(1, hintBytesMax + 1), wanted: [] }, /hint of 4097 bytes/],
    ['too many hints', { kind: 'hints', hints: many(hintsMax + 1, 0), wanted: [] }, /1025 items where 1024 may be/],
    [
      'too many counters',
      { kind: 'rest', ...difference, counters: new Uint32Array(instancesMax + 1) },
      /4097 items where 4096 may be/,
    ],
  ];
  for (const [what, message, reason] of cases)
    t.throws(() => decodeGossip(encodeGossip(message)), { code: 'CHAIN_PROTOCOL', message: reason }, what);
  const full = copyOf({ kind: 'full', instances: [a] });
  const mask = full.indexOf(1, 8);
  t.throws(() => decodeGossip(full.with(mask, 8)), { code: 'CHAIN_PROTOCOL', message: /not roles: 8/ });
  t.throws(() => decodeGossip(Uint8Array.of(45, 255, 255)), { message: /65535 items do not fit/ });
  t.throws(() => decodeGossip(Uint8Array.of(39)), { message: /unknown kind of gossip 39/ });
  t.throws(() => makeInstance({ ...a.instance, roles: ['host', 'host'] }), { code: 'CHAIN_PROTOCOL' });
});

t.test('[W1] kind numbers never change, and stand apart from those of chains', async (t) => {
  t.same(Object.values(gossipKindNumbers), [40, 41, 42, 43, 44, 45, 46, 47]);
});
