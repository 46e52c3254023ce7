import fc from 'fast-check';
import { test } from 'tap';
import { messageDepthMax, messageValuesMax } from '../../engine/base/limits.ts';
import { viewerStateLengthMax } from '../../engine/base/limits-shown.ts';
import type { ClientFrame } from '../../proxy/client-wire.ts';
import { decodeFrame, FrameRefused } from '../../proxy/client-wire.ts';
import { decodeToHost, encodeBatch, toHost } from '../../proxy/link-wire.ts';

function codeOf(line: string): string {
  try {
    return decodeFrame(line).t;
  } catch (error) {
    if (error instanceof FrameRefused) return `${error.code} ${error.message}`;
    throw error;
  }
}

function sendOf(message: string): string {
  return `{"t":"send","doc":"board/main","n":2,"done":1,"channel":"write","message":${message}}`;
}

function showOf(message: string): string {
  return `{"t":"ephemeral","doc":"board/main","channel":"cursor","message":${message}}`;
}

function lookOf(value: string): string {
  return `{"t":"viewer","doc":"board/main","n":3,"value":${value}}`;
}

test('[F7] what PROTOCOL.md shows is taken', async (t) => {
  const session = 'a'.repeat(32);
  const frames: [string, ClientFrame][] = [
    ['{"t":"hello","as":"alice"}', { t: 'hello', as: 'alice' }],
    [
      '{"t":"open","doc":"board/main"}',
      { t: 'open', doc: 'board/main', session: '', create: undefined, viewer: undefined },
    ],
    [
      '{"t":"open","doc":"board/main","session":"new"}',
      { t: 'open', doc: 'board/main', session: 'new', create: undefined, viewer: undefined },
    ],
    [
      `{"t":"open","doc":"board/main","session":"${session}","x":1}`,
      { t: 'open', doc: 'board/main', session, create: undefined, viewer: undefined },
    ],
    [
      '{"t":"open","doc":"board/main","session":"new","create":{"title":"x"}}',
      { t: 'open', doc: 'board/main', session: 'new', create: { title: 'x' }, viewer: undefined },
    ],
    [sendOf('null'), { t: 'send', doc: 'board/main', n: 2, done: 1, channel: 'write', message: null }],
    [showOf('{"x":1}'), { t: 'ephemeral', doc: 'board/main', channel: 'cursor', message: { x: 1 } }],
    [
      '{"t":"open","doc":"board/main","viewer":{"page":2}}',
      { t: 'open', doc: 'board/main', session: '', create: undefined, viewer: { page: 2 } },
    ],
    [lookOf('{"page":2}'), { t: 'viewer', doc: 'board/main', n: 3, value: { page: 2 } }],
    ['{"t":"viewer","doc":"board/main","value":null}', { t: 'viewer', doc: 'board/main', n: 0, value: null }],
    ['{"t":"close","doc":"board/main"}\r', { t: 'close', doc: 'board/main' }],
    ['{"t":"ping","id":7}', { t: 'ping', id: 7 }],
    ['{"t":"of a later version"}', { t: 'unknown' }],
  ];
  for (const [line, frame] of frames) t.same(decodeFrame(line), frame, line);
});

test('[F7] what is wrong is refused with its path, and with the send it was', async (t) => {
  const refused: [string, RegExp][] = [
    ['', /^FRAME_INVALID/],
    ['[]', /^FRAME_INVALID/],
    ['null', /^FRAME_INVALID/],
    ['{"t":1}', /^FRAME_INVALID \/t /],
    ['{"__proto__":{},"t":"ping","id":1}', /^FRAME_INVALID \/__proto__/],
    ['{"t":"hello"}', /^AUTH_REQUIRED \/as/],
    ['{"t":"hello","as":"a b"}', /^AUTH_REQUIRED \/as/],
    [`{"t":"hello","as":"${'a'.repeat(129)}"}`, /^AUTH_REQUIRED \/as/],
    ['{"t":"open","doc":7}', /^FRAME_INVALID \/doc/],
    ['{"t":"open","doc":"../etc"}', /^DOCUMENT_NAME \/doc/],
    ['{"t":"open","doc":"board/main","session":"NEW"}', /^FRAME_INVALID \/session/],
    [sendOf('1').replace('"n":2', '"n":0'), /^FRAME_INVALID \/n/],
    [sendOf('1').replace('"n":2', '"n":1.5'), /^FRAME_INVALID \/n/],
    [sendOf('1').replace('"done":1', '"done":2'), /^FRAME_INVALID \/done/],
    [sendOf('1').replace('"write"', '""'), /^FRAME_INVALID \/channel/],
    [sendOf('1').replace(',"message":1', ''), /^FRAME_INVALID \/message/],
    [sendOf('{"a":{"__proto__":{}}}'), /^FRAME_INVALID \/message\/a\/__proto__/],
    [sendOf('{"a":[1e999]}'), /^FRAME_INVALID \/message\/a\/0/],
    [sendOf('{"a":"\\ud800"}'), /^FRAME_INVALID \/message\/a/],
    ['{"t":"ping","id":-1}', /^FRAME_INVALID \/id/],
    [showOf('1').replace('"cursor"', '7'), /^FRAME_INVALID \/channel/],
    [showOf('1').replace('board/main', '../etc'), /^DOCUMENT_NAME \/doc/],
    [showOf('1').replace(',"message":1', ''), /^FRAME_INVALID \/message/],
    [showOf('{"a":"\\ud800"}'), /^FRAME_INVALID \/message\/a/],
    [lookOf('1').replace(':3', ':-1'), /^FRAME_INVALID \/n/],
    [lookOf('1').replace('board/main', '../etc'), /^DOCUMENT_NAME \/doc/],
    [lookOf('1').replace(',"value":1', ''), /^FRAME_INVALID \/value/],
    [lookOf('{"a":1e999}'), /^FRAME_INVALID \/value\/a/],
    [lookOf(`"${'x'.repeat(viewerStateLengthMax - 1)}"`), /^FRAME_INVALID \/value has at most/],
    ['{"t":"open","doc":"board/main","viewer":{"a":1e999}}', /^FRAME_INVALID \/viewer\/a/],
  ];
  for (const [line, shape] of refused) t.match(codeOf(line), shape, line);
  try {
    decodeFrame(sendOf('1e999'));
    t.fail('it was taken');
  } catch (error) {
    t.match(error, { doc: 'board/main', n: 2 });
  }
  // As a refusal of the document it would end what is open.
  for (const [line, about] of [
    [showOf('1e999'), { doc: 'board/main', channel: 'cursor' }],
    [showOf('1').replace('board/main', '../etc'), { doc: undefined, channel: undefined }],
    [lookOf('1e999'), { doc: 'board/main', n: 3, isLook: true }],
    [lookOf('1').replace('board/main', '../etc'), { doc: undefined }],
  ] as const) {
    try {
      decodeFrame(line);
      t.fail('it was taken');
    } catch (error) {
      t.match(error, about);
    }
  }
});

test('[F7] depth and count of values are bounded, exactly', async (t) => {
  const nested = (depth: number) => sendOf('['.repeat(depth) + ']'.repeat(depth));
  t.equal(codeOf(nested(messageDepthMax)), 'send');
  t.match(codeOf(nested(messageDepthMax + 1)), /^FRAME_INVALID .*too deep/);
  t.match(codeOf(nested(30_000)), /^FRAME_INVALID .*too deep/);
  const wide = (values: number) => sendOf(`[${Array.from({ length: values - 1 }, () => 0).join(',')}]`);
  t.equal(codeOf(wide(messageValuesMax)), 'send');
  t.match(codeOf(wide(messageValuesMax + 1)), /^FRAME_INVALID/);
});

test('[F7] any text becomes a frame or a coded refusal, never another error', async (t) => {
  const valid = fc.constantFrom(
    '{"t":"hello","as":"alice"}',
    `{"t":"open","doc":"board/main","session":"${'0f'.repeat(16)}"}`,
    sendOf('{"text":"hi","list":[1,2.5,null,true],"nested":{"a":{"b":"c"}}}'),
    showOf('{"x":1}'),
    lookOf('{"x":1}'),
    '{"t":"close","doc":"board/main"}',
    '{"t":"ping","id":7}',
  );
  const cut = fc.record({ frame: valid, at: fc.nat(120), length: fc.nat(8), text: fc.oneof(fc.string(), fc.json()) });
  const mutated = cut.map(({ frame, at, length, text }) => frame.slice(0, at) + text + frame.slice(at + length));
  const shaped = fc
    .record(
      {
        t: fc.constantFrom('hello', 'open', 'send', 'ephemeral', 'viewer', 'close', 'ping'),
        as: fc.anything(),
        doc: fc.oneof(fc.constant('board/main'), fc.anything()),
        session: fc.anything(),
        n: fc.oneof(fc.constant(2), fc.anything()),
        done: fc.oneof(fc.constant(1), fc.anything()),
        channel: fc.oneof(fc.constant('write'), fc.string({ unit: 'binary' })),
        message: fc.jsonValue(),
        value: fc.jsonValue(),
        viewer: fc.jsonValue(),
        id: fc.anything(),
      },
      { requiredKeys: ['t'] },
    )
    .map((value) => {
      try {
        return JSON.stringify(value);
      } catch {
        return '{}'; // bigint and the like
      }
    });
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(fc.string(), mutated, shaped), (line) => {
      seen.add(codeOf(line).split(' ')[0] ?? '');
    }),
    { numRuns: 20_000, seed: 1 },
  );
  for (const outcome of [
    'hello',
    'open',
    'send',
    'ephemeral',
    'close',
    'ping',
    'FRAME_INVALID',
    'AUTH_REQUIRED',
    'DOCUMENT_NAME',
  ]) {
    t.ok(seen.has(outcome), `the fuzzer has met ${outcome}`);
  }
});

test('[F7] what is taken from a client goes to a host as it is, whatever its keys are called', async (t) => {
  const send = (message: unknown): void => {
    const frame = decodeFrame(sendOf(JSON.stringify(message)));
    if (frame.t !== 'send') throw new Error('a send is a send');
    const batch = encodeBatch([[toHost.send, 1, frame.n, frame.done, frame.channel, frame.message]]);
    t.same(decodeToHost(batch)[0]?.[5], message, JSON.stringify(message));
  };
  const odd = ['toJSON', 'constructor', 'valueOf', 'then', 'length', 'hasOwnProperty', '', '0'];
  for (const key of odd) {
    for (const other of odd) send({ [key]: 1, [other]: { [key]: 'x', [other]: [] } });
  }
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...odd), fc.jsonValue(), { noNullPrototype: true }), (message) => {
      // Minus zero is a number of JSON's text, but not of its values.
      const said = JSON.parse(JSON.stringify(message)) as unknown;
      if (!JSON.stringify(said).includes('__proto__')) send(said);
    }),
    { numRuns: 100 },
  );
});
