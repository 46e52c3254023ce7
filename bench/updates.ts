// The updates that loads and laid logs are made of: a document begins, somebody comes, and writes 200 bytes at a time. So it is folded
// and loaded like any other.
import type { Update } from '../engine/document/life/update.ts';
import { encodeUpdate, noMessage } from '../engine/document/life/update.ts';

const redo = { v: 'x'.repeat(200) };
const who = { agent: 'alice', authority: 'bench' };
const beginning = (['invent', 'session'] as const).map((kind, index) => {
  return Uint8Array.from(
    encodeUpdate({ kind, seq: index + 1, atMs: 123456, who, ...noMessage, id: new Uint8Array(16) }),
  );
});

/** Of one literal: an object that begins as a copy of another costs six times as much to make and encode (measured). */
function sendOf(seq: number): Update {
  return { kind: 'send', seq, atMs: 123456, who, ...noMessage, session: 2, n: seq - 2, done: seq - 3, redo };
}

/** Update `seq` of a document, from 1. */
export function updateOf(seq: number): Uint8Array {
  return seq > 2 ? encodeUpdate(sendOf(seq)) : (beginning[seq - 1] as Uint8Array);
}
