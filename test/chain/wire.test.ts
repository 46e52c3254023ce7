// The bytes between members: what is said is what is heard, and whatever else arrives is refused with one code.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { decodeConfiguration, encodeConfiguration } from '../../chain/configuration.ts';
import type { Message } from '../../chain/messages.ts';
import { decodeMessage, encodeMessage } from '../../chain/wire.ts';
import type { ChainId, Epoch, Hash, HostId, Lsn } from '../../engine/base/ids.ts';
import { hostsMax, nonceBytesMax } from '../../engine/base/limits.ts';
import { encodeBatch, openRecord } from '../../engine/store/format.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';

const plain = { noNullPrototype: true };
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
const u53 = fc.oneof(fc.constantFrom(0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const hash = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const position = fc.record({ lsn: u53, hash }, plain);
const host = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
const nonce = fc.oneof(
  fc.constant('x'.repeat(nonceBytesMax)),
  fc.constant('\ufeffn'),
  fc.string({ unit: 'binary', maxLength: 32 }),
);
const entry = fc
  .tuple(
    u16,
    u32,
    fc.integer({ min: 0, max: 2 ** 52 }),
    hash,
    fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }),
  )
  .map(([chain, epoch, lsn, previous, updates]) => {
    const after = { lsn: lsn as Lsn, hash: previous as Hash };
    return encodeBatch({ chain: chain as ChainId, epoch: epoch as Epoch, after }, [
      { name: 's/k', seqFirst: 1, updates },
    ]);
  });

const seat = fc.record({ host, storeId: nonce, boot: nonce, role: fc.constantFrom('serving', 'syncing') }, plain);
const ran = { epoch: u32, minor: u32, nonce, members: fc.array(seat, { maxLength: 4 }), start: position };
const configuration = fc.record(
  {
    ...{ chain: u16, region: nonce, phase: fc.constantFrom('pending', 'active'), ...ran },
    previous: fc.option(fc.record(ran, plain), { nil: undefined }),
    loss: fc.option(nonce, { nil: undefined }),
  },
  plain,
);

const bodies: Readonly<Record<Message['kind'], object>> = {
  append: { committed: u53, entry },
  ack: { position },
  resume: { position },
  seal: { nonce },
  sealed: { nonce, storeId: nonce, logEpoch: u32, position },
  transfer: { nonce, source: host, position },
  transferred: { nonce, storeId: nonce },
  fetch: { after: position },
  chunk: {
    after: position,
    isShared: fc.boolean(),
    isLive: fc.boolean(),
    start: position,
    entries: fc.array(entry, { maxLength: 3 }),
  },
  fetchPage: { cursor: nonce },
  page: {
    page: fc.record(
      {
        cursor: nonce,
        next: nonce,
        start: position,
        sum: hash,
        bytes: fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
      },
      plain,
    ),
  },
  configured: { value: configuration },
  barrier: { token: u53 },
  passed: { token: u53 },
  refused: { nonce },
};

function messageOf(kind: string, body: object): fc.Arbitrary<Message> {
  return fc
    .record({ kind: fc.constant(kind), chain: u16, epoch: u32, ...body }, plain)
    .map(ofOneEpoch) as unknown as fc.Arbitrary<Message>;
}

/** What is told of a chain's register is of that chain, and of the epoch that it is told in. */
function ofOneEpoch(message: object): object {
  if (!('value' in message) || !('chain' in message) || !('epoch' in message)) return message;
  const { chain, epoch, value } = message;
  return { ...message, value: { ...(value as object), chain, epoch } };
}

const kinds = Object.entries(bodies);
const anyMessage = fc.oneof(...kinds.map(([kind, body]) => messageOf(kind, body)));
const copyOf = (message: Message) => Uint8Array.from(encodeMessage(message));

/** A message that encodes to the same bytes, or CHAIN_PROTOCOL. True where it was a message. */
function checkDecode(bytes: Uint8Array): boolean {
  const found = codeOr(() => decodeMessage(bytes, openRecord));
  if ('code' in found) {
    if (found.code !== 'CHAIN_PROTOCOL') throw new Error(`refused with ${found.code}`);
    return false;
  }
  const again = Buffer.from(encodeMessage(found.value));
  if (!again.equals(bytes)) throw new Error(`${found.value.kind} encodes to ${again.toString('hex')}`);
  return true;
}

for (const [kind, body] of kinds) {
  t.test(`[W1] ${kind}: what is said is what is heard`, async (t) => {
    const property = fc.property(messageOf(kind, body), (message) =>
      isDeepStrictEqual(decodeMessage(copyOf(message), openRecord), message),
    );
    fc.assert(property, { ...fuzz, numRuns: 100 });
    t.pass();
  });
}

t.test('[W2] any bytes are a message that encodes to the same bytes, or CHAIN_PROTOCOL', async (t) => {
  const random = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.uint8Array({ maxLength: 80 }));
  const ofKind = random.map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  for (const bytes of [fc.uint8Array({ maxLength: 64 }), ofKind]) {
    fc.assert(
      fc.property(bytes, (one) => void checkDecode(one)),
      fuzz,
    );
  }
  t.pass();
});

t.test('[W2] spoiled messages are messages that encode to the same bytes, or CHAIN_PROTOCOL', async (t) => {
  const counts = { messages: 0, refused: 0 };
  const property = fc.property(spoiled(anyMessage.map(copyOf)), (bytes) => {
    counts[checkDecode(bytes) ? 'messages' : 'refused'] += 1;
  });
  fc.assert(property, { ...fuzz, numRuns: 20_000 });
  t.ok(counts.messages > 500 && counts.refused > 500, JSON.stringify(counts));
});

t.test(
  '[W2] a configuration by itself, as a hint or a register has it, is one that encodes to the same bytes, or CHAIN_PROTOCOL',
  async (t) => {
    const counts = { configurations: 0, refused: 0 };
    const whole = configuration.map((value) => Uint8Array.from(encodeConfiguration(value as never)));
    const property = fc.property(fc.oneof(spoiled(whole), fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const found = codeOr(() => decodeConfiguration(bytes));
      counts['value' in found ? 'configurations' : 'refused'] += 1;
      if ('code' in found) return found.code === 'CHAIN_PROTOCOL';
      return Buffer.from(encodeConfiguration(found.value)).equals(bytes);
    });
    fc.assert(property, { ...fuzz, numRuns: 5_000 });
    t.ok(counts.configurations > 100 && counts.refused > 500, JSON.stringify(counts));
  },
);

t.test('[W2] what no honest member says is refused, each for its own reason', async (t) => {
  const head = (kind: number) => [kind, 0, 0, 0, 0, 0, 1];
  const zeros = (count: number) => new Array<number>(count).fill(0);
  const text = (value: string | Buffer) => [value.length >> 8, value.length & 0xff, ...Buffer.from(value as string)];
  const chunk = [...head(18), ...zeros(24)];
  const start = zeros(24);
  const cases: [what: string, bytes: number[], reason: RegExp][] = [
    ['nothing', [], /end too soon/],
    ...[7, 9, 10, 11, 16, 21].map((kind): [string, number[], RegExp] => [
      'no kind',
      head(kind),
      /unknown message kind/,
    ]),
    ['kind 0', head(0), /unknown message kind 0/],
    ['a byte too many', [...head(2), ...zeros(24), 0], /left over/],
    ['an lsn past 2^53', [...head(2), 0, 0x20, ...zeros(22)], /past 2\^53/],
    [
      'a chunk that counts 2^32 - 1 records',
      [...chunk, 1, 1, ...start, 255, 255, 255, 255],
      /4294967295 items do not fit/,
    ],
    [
      'a chunk with a record of 2^32 - 1 bytes',
      [...chunk, 1, 1, ...start, 0, 0, 0, 1, 255, 255, 255, 255],
      /end too soon/,
    ],
    ['a chunk that is shared by 2', [...chunk, 2, 0, ...start, 0, 0, 0, 0], /is not 0 or 1/],
    ['a chunk that is live by 2', [...chunk, 0, 2, ...start, 0, 0, 0, 0], /is not 0 or 1/],
    ['a nonce that is not UTF-8', [...head(4), ...text(Buffer.from([0xc0, 0x80]))], /UTF-8|end too soon/],
    ['a nonce that is too long', [...head(4), ...text('n'.repeat(nonceBytesMax + 1))], /text of 129 bytes/],
    ['a store id that is too long', [...head(5), ...text('n'), ...text('s'.repeat(600)), ...zeros(28)], /text of 600/],
    ['a source that is no host', [...head(6), ...text('n'), ...text('../x'), ...zeros(24)], /not a host id/],
    ['a configuration of 65535', configuredOf(1, 65_535, 0), /items do not fit/],
    ['a configuration of more hosts than there can be', configuredOf(1, hostsMax + 1, hostsMax + 1), /65 hosts/],
    ['a configuration of another epoch', configuredOf(2, 0, 0), /of epoch 2 of chain 0 came for another/],
    ['a record that is none', [...head(1), ...zeros(8), ...zeros(44)], /wrong checksum/],
  ];
  for (const [what, bytes, reason] of cases) {
    const decode = () => decodeMessage(Uint8Array.from(bytes), openRecord);
    t.throws(decode, { code: 'CHAIN_PROTOCOL', message: reason }, what);
  }
  function configuredOf(epoch: number, count: number, there: number): number[] {
    const seats = Array.from({ length: there }, (_, index) => [
      ...text(`h${index}`),
      ...text(''),
      ...text(''),
      1,
    ]).flat();
    const active = [0, 0, 0, epoch, ...zeros(4), ...text('n'), count >> 8, count & 0xff, ...seats, ...zeros(24)];
    return [...head(13), 1, 1, 0, 0, ...text(''), ...active, 0, 0];
  }
});

t.test('[W2] a configuration of 16 hosts with the longest names has room', async (t) => {
  const members = Array.from({ length: 16 }, (_, index) => {
    const host = `${index}`.padStart(32, 'h') as HostId;
    return { host, storeId: 's'.repeat(32), boot: 'b'.repeat(32), role: 'serving' } as const;
  });
  const [chain, epoch] = [0 as ChainId, 1 as Epoch];
  const start = { lsn: 0 as Lsn, hash: '0'.repeat(32) as Hash };
  const active = { epoch, minor: 0, nonce: 'n'.repeat(nonceBytesMax), members, start };
  const value = { chain, region: 'r', phase: 'pending', ...active, previous: active, loss: undefined } as const;
  const message = { kind: 'configured', chain, epoch, value } as const;
  t.same(decodeMessage(encodeMessage(message), openRecord), message);
});
