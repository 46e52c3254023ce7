// What a proxy and a host say to each other, over one `ws` per pair. A WebSocket message is one msgpack array of messages:
// all that one side had to say in one turn. Values in it (views, deltas, answers) are JSON text made once at the head, so that
// the proxy passes bytes on and decodes nothing.
//
//   batch    := [message ...]
//   toHost   := [1, view, document, agent, authority, session]     open; session is '' | 'new' | 32 hex digits
//             | [2, view, n, done, channel, message]               send
//             | [3, view]                                          close
//             | [4, request, question, args]                       ask (status, log): admin only
//             | [5, proxy, bytes]                                  gossip, as chain/gossip/wire.ts lays it out
//             | [6, view, document, agent, authority, session, arg] open; one that does not exist is created by `arg`
//             | [7, view, channel, message]                        show, in an ephemeral channel; null: nothing any more
//             | [8, view, n, state]                                look: what this view looks at, said under number n
//             | [9, view, document, agent, authority, session, n, state, create]  open, by what it looks at; create is [] | [arg]
//   toProxy  := [1, [[chain, epoch, serving] ...]]                 routes: what this host heads; always the whole list
//             | [2, view, kind, session, incarnation, seq, json]   opened: the first view, and which kind of viewer this is
//             | [3, view, n, seq, json]                            answer
//             | [4, view, n, seq, code, text]                      refused; n = 0 refuses the open
//             | [5, kind, seq, json]                               delta, for all views of this kind on this link
//             | [6, view, code]                                    dropped: the head let this view go; open it again
//             | [7, request, json]                                 reply to ask
//             | [8, bytes]                                         gossip
//             | [9, view, kind, seq, json]                         delta, for this view alone, which is of `kind` from now on; '' = nothing to show.
//                                                                A delta of its kind of the same seq is not for it
//             | [10, kind, view, json]                             shown, to all views of this kind on this link, or, where kind is 0, to this view;
//                                                                what PROTOCOL.md calls `shown`, a list
//             | [11, view, channel, code, text]                    a show is refused
//             | [12, view, n, code, text]                          what was said under number n is not looked at
//
// `view` is a number the proxy chose, unique on its link; `kind` one that the host chose, unique on its link. APPEND ONLY.
import { Packr, Unpackr } from 'msgpackr';
import { CodedError } from '../engine/base/errors.ts';

export const toHost = {
  open: 1,
  send: 2,
  close: 3,
  ask: 4,
  gossip: 5,
  create: 6,
  show: 7,
  look: 8,
  openAt: 9,
} as const;
export const toProxy = {
  routes: 1,
  opened: 2,
  answer: 3,
  refused: 4,
  delta: 5,
  dropped: 6,
  reply: 7,
  gossip: 8,
  viewDelta: 9,
  shown: 10,
  showRefused: 11,
  lookRefused: 12,
} as const;

export type ToHost =
  | readonly [1, view: number, document: string, agent: string, authority: string, session: string]
  | readonly [2, view: number, n: number, done: number, channel: string, message: unknown]
  | readonly [3, view: number]
  | readonly [4, request: number, question: string, args: Readonly<Record<string, unknown>>]
  | readonly [5, proxy: string, bytes: Uint8Array]
  | readonly [6, view: number, document: string, agent: string, authority: string, session: string, arg: unknown]
  | readonly [7, view: number, channel: string, message: unknown]
  | readonly [8, view: number, n: number, state: unknown]
  | readonly [
      9,
      view: number,
      document: string,
      agent: string,
      authority: string,
      session: string,
      n: number,
      state: unknown,
      create: unknown,
    ];

export type Route = readonly [chain: number, epoch: number, serving: boolean];

export type ToProxy =
  | readonly [1, routes: readonly Route[]]
  | readonly [2, view: number, kind: number, session: string, incarnation: string, seq: number, json: string]
  | readonly [3, view: number, n: number, seq: number, json: string]
  | readonly [4, view: number, n: number, seq: number, code: string, text: string]
  | readonly [5, kind: number, seq: number, json: string]
  | readonly [6, view: number, code: string]
  | readonly [7, request: number, json: string]
  | readonly [8, bytes: Uint8Array]
  | readonly [9, view: number, kind: number, seq: number, json: string]
  | readonly [10, kind: number, view: number, json: string]
  | readonly [11, view: number, channel: string, code: string, text: string]
  | readonly [12, view: number, n: number, code: string, text: string];

/** Where proxies knock on a host's port. */
export const frontPath = '/front';

// Clients choose the keys of their messages: `toJSON` is one like any other, and must not be called.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

type Shapes = readonly (string | undefined)[];
const toHostShapes: Shapes = [undefined, 'nssss', 'nnnsa', 'n', 'nso', 'sb', 'nssssa', 'nsa', 'nna', 'nssssnaa'];
const toProxyShapes: Shapes = [
  undefined,
  'a',
  'nnssns',
  'nnns',
  'nnnss',
  'nns',
  'ns',
  'ns',
  'b',
  'nnns',
  'nns',
  'nsss',
  'nnss',
];

/** The bytes of one turn's messages. They are a copy: the encoder keeps nothing. */
export function encodeBatch(messages: readonly (ToHost | ToProxy)[]): Uint8Array {
  return packr.pack(messages);
}

/** CHAIN_PROTOCOL unless every message has the shape the grammar gives it. */
export function decodeToHost(bytes: Uint8Array): ToHost[] {
  return decode(bytes, toHostShapes) as ToHost[];
}

/** CHAIN_PROTOCOL unless every message has the shape the grammar gives it. */
export function decodeToProxy(bytes: Uint8Array): ToProxy[] {
  return decode(bytes, toProxyShapes) as ToProxy[];
}

function decode(bytes: Uint8Array, shapes: Shapes): unknown[] {
  let messages: unknown;
  try {
    messages = unpackr.unpack(bytes);
  } catch (cause) {
    throw new CodedError('CHAIN_PROTOCOL', 'a link message does not decode', { cause });
  }
  if (!Array.isArray(messages)) throw new CodedError('CHAIN_PROTOCOL', 'a link message is not a batch');
  for (const message of messages) checkShape(message, shapes);
  return messages;
}

/** One letter a part: n = safe integer from 0, s = string, o = object, b = bytes, a = anything. */
function checkShape(message: unknown, shapes: Shapes): void {
  const shape = Array.isArray(message) ? shapes[message[0] as number] : undefined;
  const parts = message as unknown[];
  if (shape === undefined || parts.length !== shape.length + 1) {
    throw new CodedError('CHAIN_PROTOCOL', 'a link message of unknown kind or length');
  }
  for (let index = 0; index < shape.length; index += 1) {
    if (!fits(shape.charCodeAt(index), parts[index + 1])) {
      throw new CodedError(
        'CHAIN_PROTOCOL',
        `part ${index + 1} of link message ${String(parts[0])} has the wrong type`,
      );
    }
  }
}

function fits(letter: number, part: unknown): boolean {
  if (letter === 110) return Number.isSafeInteger(part) && (part as number) >= 0;
  if (letter === 115) return typeof part === 'string';
  if (letter === 98) return part instanceof Uint8Array;
  if (letter === 111) return typeof part === 'object' && part !== null && !Array.isArray(part);
  return true;
}
