// What a message did to a document: the unit of its history. Updates are msgpack values one after the other, so that a
// section of a batch is decoded by itself.
//
//   section := update*
//   update  := [ kind u8, seq u53, atMs f64, agent str, authority str, id bin(16) | session u53, n u53, done u53, channel str,
//                code str, text str, redo map, undo map, answer str ]
//
//   kind      1 invent   the document begins; `id` is its incarnation, random
//             2 session  a session begins; `id` names it, random; bound to (agent, authority)
//             3 send     a message, number `n` of the session that update `session` registered, whose sender has the answers up to `done`
//             4 rewind   the state becomes again what it was after update `n`; sessions stay as they are
//             5 delete   the document ends, its sessions with it. What stands before it is of no document any more
//             6 event    something that nobody sent: a timer, somebody who comes or goes, what became of an effect; `channel` says what
//   seq       one more for each update; that of an invent is above any that was deleted before, 1 where none was
//   atMs      the time that the handler saw, in ms since 1970
//   code      '' = done; else a refusal, whose answer is ''. Its redo and undo are empty, but that an event that failed is over
//   redo      merge patch (RFC 7396) from the state before to the state after; undo: the way back
//   answer    JSON, as first given
//
// Slots that a kind does not use hold 0, '' or {}. APPEND ONLY: the numbers are on disk and travel between versions. A
// retired kind keeps its number.
import { Packr } from 'msgpackr';
import { CodedError } from '../../base/errors.ts';
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { isReservedKey } from '../draft/values.ts';

export type UpdateKind = 'invent' | 'session' | 'send' | 'rewind' | 'delete' | 'event';

export type Update = {
  readonly kind: UpdateKind;
  readonly seq: number;
  readonly atMs: number;
  readonly who: Principal;
  /** 16 bytes of an invent or a session; else none. */
  readonly id: Uint8Array;
  /** The seq of the update that registered the session of a send; else 0. */
  readonly session: number;
  readonly n: number;
  readonly done: number;
  readonly channel: string;
  readonly code: string;
  readonly text: string;
  readonly redo: JsonObject;
  readonly undo: JsonObject;
  readonly answer: string;
};

const noBytes = new Uint8Array(0);

/** What most updates leave empty. */
export const noMessage = {
  id: noBytes,
  session: 0,
  n: 0,
  done: 0,
  channel: '',
  code: '',
  text: '',
  redo: {},
  undo: {},
  answer: '',
} as const;

const kindNumbers = { invent: 1, session: 2, send: 3, rewind: 4, delete: 5, event: 6 } as const satisfies Record<
  UpdateKind,
  number
>;
const kinds = new Map(Object.entries(kindNumbers).map(([kind, number]) => [number as number, kind as UpdateKind]));
const slots = 14;
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });

export function encodeUpdate(update: Update): Uint8Array {
  return packr.pack([
    kindNumbers[update.kind],
    update.seq,
    update.atMs,
    update.who.agent,
    update.who.authority,
    hasId(update.kind) ? update.id : update.session,
    update.n,
    update.done,
    update.channel,
    update.code,
    update.text,
    update.redo,
    update.undo,
    update.answer,
  ]);
}

/** The updates of a document that there is, or of none: those behind the last delete. */
export type Life = {
  /** Of that delete; 0 where there is none. */
  readonly deletedSeq: number;
  readonly updates: readonly Update[];
};

/** What `sections`, in order, say of the last document of this name: what stands before a delete is passed over unread. */
export function lifeIn(sections: readonly Uint8Array[]): Life {
  const updates = sections.flatMap(decodeSection);
  const at = updates.findLastIndex(({ kind }) => kind === 'delete');
  return { deletedSeq: updates[at]?.seq ?? 0, updates: at < 0 ? updates : updates.slice(at + 1) };
}

/** Updates that follow each other, as they stand in a section. */
export type LifePiece = { readonly seqFirst: number; readonly count: number; readonly updates: Uint8Array };

/** The updates of `sections` behind their last delete, in order: each piece is closed behind the update that takes it past `bytesMax`. */
export function piecesOfLife(sections: readonly Uint8Array[], bytesMax: number): LifePiece[] {
  const pieces: LifePiece[] = [];
  for (const section of sections) {
    if (section.length === 0) continue;
    let [from, seqFirst, count] = [0, 0, 0];
    packr.unpackMultiple(section, (value: unknown, _start?: number, end = 0) => {
      const [kind, seq] = value as [number, number];
      if (kind === kindNumbers.delete) {
        pieces.length = 0;
        [from, count] = [end, 0];
        return;
      }
      if (count === 0) seqFirst = seq;
      count += 1;
      if (end - from < bytesMax && end < section.length) return;
      pieces.push({ seqFirst, count, updates: section.subarray(from, end) });
      [from, count] = [end, 0];
    });
  }
  return pieces;
}

function hasId(kind: UpdateKind): boolean {
  return kind === 'invent' || kind === 'session';
}

/** Takes a section apart. ENGINE_CORRUPT for anything that `encodeUpdate` does not write. */
export function decodeSection(bytes: Uint8Array): Update[] {
  return bytes.length === 0 ? [] : unpack(bytes).map(updateOf);
}

function unpack(bytes: Uint8Array): unknown[] {
  try {
    return packr.unpackMultiple(bytes) ?? [];
  } catch (cause) {
    throw new CodedError('ENGINE_CORRUPT', 'a section is not msgpack', { cause });
  }
}

function updateOf(value: unknown): Update {
  if (!Array.isArray(value) || value.length !== slots) throw corrupt(`it has not ${slots} slots`);
  const [kindNumber, seq, atMs, agent, authority, from, n, done, channel, code, text, redo, undo, answer] =
    value as unknown[];
  const kind = kinds.get(kindNumber as number);
  if (kind === undefined) throw corrupt('its kind is unknown');
  const isNamed = hasId(kind);
  if (isNamed && !(from instanceof Uint8Array && from.length === 16)) throw corrupt('its id is not 16 bytes');
  if (typeof atMs !== 'number' || !Number.isFinite(atMs)) throw corrupt('its time is not a number');
  return {
    kind,
    seq: count(seq, 'seq'),
    atMs,
    who: { agent: string(agent, 'agent'), authority: string(authority, 'authority') },
    id: isNamed ? (from as Uint8Array) : noBytes,
    session: isNamed ? 0 : count(from, 'session'),
    n: count(n, 'n'),
    done: count(done, 'done'),
    channel: string(channel, 'channel'),
    code: string(code, 'code'),
    text: string(text, 'text'),
    redo: patch(redo, 'redo'),
    undo: patch(undo, 'undo'),
    answer: string(answer, 'answer'),
  };
}

function count(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw corrupt(`its ${name} is not a count`);
  return value as number;
}

function string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw corrupt(`its ${name} is not a string`);
  return value;
}

function patch(value: unknown, name: string): JsonObject {
  if (!isPatch(value) || !isJsonObject(value)) throw corrupt(`its ${name} is not a merge patch`);
  return value;
}

/** msgpack can say more than JSON (dates, big integers, bytes), and a key could be `__proto__`. */
function isPatch(value: unknown): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isPatch);
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const [key, part] of Object.entries(value)) {
    if (isReservedKey(key) || !isPatch(part)) return false;
  }
  return true;
}

/** A whole state: a patch that removes nothing. */
export function isState(value: unknown): value is JsonObject {
  return isPatch(value) && isJsonObject(value) && !holdsNull(value);
}

function holdsNull(value: Json): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return false;
  return isJsonObject(value) && Object.values(value).some(holdsNull);
}

function corrupt(text: string): CodedError {
  return new CodedError('ENGINE_CORRUPT', `an update cannot be read: ${text}`);
}
