// A document at one moment, as bytes: what its updates made of it. The same updates give the same bytes, in however many steps
// they were folded in; so members can be compared by hash.
//
//   snapshot := one msgpack value
//               [ version u8 = 1, seq u53, incarnation bin(16), length u53, state map, session* ]
//   session  := [ id bin(16), seq u53, agent str, authority str, last u53, done u53, answer* ]     unused for longest first
//   answer   := [ seq u53, code str, text str, json str ]                                        of done + 1 ... last
//
// A later version reads this one, or refuses it by name; a version keeps its number for ever.
import { Packr } from 'msgpackr';
import { assert } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import { historyBlockBytes } from '../../base/limits.ts';
import type { JsonObject } from '../../base/merge-patch.ts';
import { bytesOfHex, hexOf } from './hex.ts';
import type { Past } from './past.ts';
import { createPast, takeSections } from './past.ts';
import type { Answer, Session, Sessions } from './sessions.ts';
import { addSession, createSessions, lengthOfAnswer } from './sessions.ts';
import type { LifePiece } from './update.ts';
import { isState, lifeIn, piecesOfLife } from './update.ts';

export const snapshotVersion = 1;
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false });

export function encodeSnapshot({ seq, incarnation, length, state, sessions }: Past): Uint8Array {
  const rows = [...sessions.byId.values()].map(({ id, seq: from, who, last, done, answers }) => {
    const kept = [...answers.values()].map(({ seq: at, code, text, json }) => [at, code, text, json]);
    return [bytesOfHex(id), from, who.agent, who.authority, last, done, kept];
  });
  return packr.pack([snapshotVersion, seq, bytesOfHex(incarnation), length, state, rows]);
}

/** ENGINE_FORMAT for a version that is not known here; ENGINE_CORRUPT for anything that `encodeSnapshot` does not write. */
export function decodeSnapshot(bytes: Uint8Array): Past {
  const value = unpack(bytes);
  if (!Array.isArray(value)) throw corrupt('it is not a list');
  if (value[0] !== snapshotVersion) {
    throw new CodedError('ENGINE_FORMAT', `snapshot version ${String(value[0])} is not ${snapshotVersion}`);
  }
  const [, seq, incarnation, length, state, sessions] = value as unknown[];
  if (value.length !== 6 || !isState(state) || !Array.isArray(sessions))
    throw corrupt('its parts are not as they are written');
  const past = {
    seq: count(seq),
    incarnation: hexOf(id(incarnation)),
    length: count(length),
    state: state as JsonObject,
    sessions: sessionsOf(sessions),
  };
  if (past.seq === 0) throw corrupt('it is of a document that does not exist');
  return past;
}

/** What became of a document: see FoldResult in engine/store/folding.ts. */
export type FoldedDocument = {
  readonly state: Uint8Array | undefined;
  readonly deleted: { readonly seq: number; readonly pieces: readonly LifePiece[] } | undefined;
};

/** What `sections`, in order, make of the document that `snapshot` holds; of none where that is undefined. */
export function foldDocument(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): FoldedDocument {
  const { deletedSeq: seq } = lifeIn(sections);
  // What stands before a delete is not looked at: it may be why the document had to go.
  const past = snapshot === undefined || seq > 0 ? createPast() : decodeSnapshot(snapshot);
  takeSections(past, sections);
  const state = past.incarnation === '' ? undefined : encodeSnapshot(past);
  return { state, deleted: seq === 0 ? undefined : { seq, pieces: piecesOfLife(sections, historyBlockBytes) } };
}

/** The same, of a document that there is. */
export function foldSections(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): Uint8Array {
  const { state } = foldDocument(snapshot, sections);
  assert(state !== undefined, 'there is such a document');
  return state;
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new CodedError('ENGINE_CORRUPT', 'a snapshot is not msgpack', { cause });
  }
}

function sessionsOf(rows: readonly unknown[]): Sessions {
  const sessions = createSessions();
  for (const row of rows) {
    const session = sessionOf(row);
    if (sessions.byId.has(session.id) || sessions.bySeq.has(session.seq)) throw corrupt('a session is there twice');
    addSession(sessions, session);
  }
  return sessions;
}

function sessionOf(row: unknown): Session {
  if (!Array.isArray(row) || row.length !== 7 || !Array.isArray(row[6])) throw corrupt('a session is not one');
  const [name, seq, agent, authority, last, done, kept] = row as unknown[];
  const who = { agent: string(agent), authority: string(authority) };
  const session = { id: hexOf(id(name)), seq: count(seq), who, last: count(last), done: count(done) };
  const rows = kept as readonly unknown[];
  if (rows.length !== session.last - session.done) throw corrupt('the answers kept are not those that are due');
  const answers = new Map(rows.map((answer, index) => [session.done + 1 + index, answerOf(answer)]));
  const answersLength = [...answers.values()].reduce((sum, answer) => sum + lengthOfAnswer(answer), 0);
  return { ...session, answers, answersLength };
}

function answerOf(row: unknown): Answer {
  if (!Array.isArray(row) || row.length !== 4) throw corrupt('an answer is not one');
  const [seq, code, text, json] = row as unknown[];
  return { seq: count(seq), code: string(code), text: string(text), json: string(json) };
}

function id(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== 16) throw corrupt('an id is not 16 bytes');
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw corrupt('a count is none');
  return value as number;
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw corrupt('a text is none');
  return value;
}

function corrupt(text: string): CodedError {
  return new CodedError('ENGINE_CORRUPT', `a snapshot cannot be read: ${text}`);
}
