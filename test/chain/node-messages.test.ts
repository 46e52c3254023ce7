// The one door for all that hosts say to each other: each kind to its own grammar, and nothing past it.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { decodeNodeMessage, encodeNodeMessage } from '../../chain/node-messages.ts';
import type { Pulse } from '../../chain/pulse.ts';
import { pulseKind } from '../../chain/pulse.ts';
import { hostsMax } from '../../engine/base/limits.ts';
import { openRecord } from '../../engine/store/format.ts';
import { codeOr, fuzz, spoiled } from '../fuzz.ts';

const host = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
const pulse = fc.record(
  {
    kind: fc.constant('pulse'),
    suspects: fc.array(host, { maxLength: hostsMax }),
    isLeaving: fc.boolean(),
    isFull: fc.boolean(),
  },
  { noNullPrototype: true },
) as unknown as fc.Arbitrary<Pulse>;

/** True where it was a message. */
function checkDecode(bytes: Uint8Array): boolean {
  const found = codeOr(() => decodeNodeMessage(bytes, openRecord));
  if ('code' in found) {
    if (found.code !== 'CHAIN_PROTOCOL') throw new Error(`refused with ${found.code}`);
    return false;
  }
  if (!Buffer.from(encodeNodeMessage(found.value)).equals(bytes)) throw new Error('it encodes to other bytes');
  return true;
}

t.test('[W1] a pulse: what is said is what is heard', async (t) => {
  const property = fc.property(pulse, (message) => {
    const bytes = Uint8Array.from(encodeNodeMessage({ about: 'life', message }));
    return isDeepStrictEqual(decodeNodeMessage(bytes, openRecord), { about: 'life', message });
  });
  fc.assert(property, { ...fuzz, numRuns: 200 });
  t.pass();
});

t.test('[W2] any bytes of any kind are a message that encodes to the same bytes, or CHAIN_PROTOCOL', async (t) => {
  const kind = fc.oneof(fc.nat(255), fc.constantFrom(31, 32, 35, 39, 40, 47, pulseKind, pulseKind + 1));
  const bytes = fc.tuple(kind, fc.uint8Array({ maxLength: 60 })).map(([first, rest]) => Uint8Array.of(first, ...rest));
  fc.assert(
    fc.property(bytes, (one) => void checkDecode(one)),
    { ...fuzz, numRuns: 10_000 },
  );
  t.throws(() => decodeNodeMessage(new Uint8Array(), openRecord), { code: 'CHAIN_PROTOCOL' }, 'not even nothing');
});

t.test('[W2] spoiled pulses are pulses that encode to the same bytes, or CHAIN_PROTOCOL', async (t) => {
  const counts = { pulses: 0, refused: 0 };
  const copies = pulse.map((message) => Uint8Array.from(encodeNodeMessage({ about: 'life', message })));
  const property = fc.property(spoiled(copies), (bytes) => {
    counts[checkDecode(bytes) ? 'pulses' : 'refused'] += 1;
  });
  fc.assert(property, { ...fuzz, numRuns: 5_000 });
  t.ok(counts.pulses > 100 && counts.refused > 500, JSON.stringify(counts));
  const tooMany = hostsMax + 1;
  const names = Array.from({ length: tooMany }, () => [0, 1, 0x61]).flat();
  const crowd = Uint8Array.of(pulseKind, 0, 0, tooMany, ...names);
  t.throws(() => decodeNodeMessage(crowd, openRecord), { code: 'CHAIN_PROTOCOL', message: /65 hosts are suspected/ });
});
