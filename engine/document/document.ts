// The door of the room: one document in memory, at the head of its chain. Nothing here waits, and nothing here speaks
// to the world: what time it is and what is random come in as values, updates and deltas go out as bytes and text, and
// the host lets them out of the house when they are committed.
//
// A resident runs ahead of the disk. If what it did is not to be (the epoch changed underneath), the host forgets the
// whole resident and replays the log into a new one: there is no way back from here.
//
// What is refused before a handler runs writes nothing and takes no number: session errors, CHANNEL_UNKNOWN and
// MESSAGE_INVALID. The sender gives the refused send's number to its next message, and those that it had sent behind
// it, each refused with SESSION_GAP, the numbers after that. What a handler refuses or fails at, and an update that is
// too big, is written with an empty redo and takes its number, so that a repeat gets the same refusal.
import { assert } from '../base/assert.ts';
import type { ErrorCode } from '../base/errors.ts';
import { CodedError } from '../base/errors.ts';
import type { DocumentName, Principal } from '../base/ids.ts';
import { documentName } from '../base/ids.ts';
import { documentLengthMax, updateBytesMax, updateLengthMax } from '../base/limits.ts';
import type { Json } from '../base/merge-patch.ts';
import { isJsonObject } from '../base/merge-patch.ts';
import type { Definition } from './definition/definition.ts';
import { knownMemoryOf } from './draft/table-memory.ts';
import { isPrincipal, isReservedKey } from './draft/values.ts';
import type { Env, Outcome, Refusal } from './handle.ts';
import { runHandler, validate } from './handle.ts';
import { hexOf } from './life/hex.ts';
import { lengthOf } from './life/length.ts';
import type { Past } from './life/past.ts';
import { createPast, takeSections } from './life/past.ts';
import type { Answer, Session } from './life/sessions.ts';
import { checkSessions, judge, record, register, sessionOf } from './life/sessions.ts';
import { decodeSnapshot } from './life/snapshot.ts';
import { encodeUpdate, lifeIn, noMessage } from './life/update.ts';
import type { Inside, Resident } from './resident.ts';
import type { Failures } from './view/policies.ts';
import type { ViewDelta, Viewer } from './view/viewer.ts';
import { Viewers } from './view/viewers.ts';

export { definitionOf, isApp } from './define.ts';
export type { Definition } from './definition/definition.ts';
export type { Env } from './handle.ts';
export type { Acted, Former } from './operate.ts';
export { applyDelete, applyRewind } from './operate.ts';
export type { Resident } from './resident.ts';
export type { ShowRefused, ShowRequest } from './show.ts';
export { applyShows, shownTo, takeShown } from './show.ts';
export type { ViewShown } from './view/ephemera.ts';
export type { Failures } from './view/policies.ts';
export type { ViewDelta, Viewer } from './view/viewer.ts';

/** `session`: '' = only to view, 'new' = with a session to send in, else 32 hex digits of one to go on with. */
export type OpenRequest = { readonly who: Principal; readonly session: string };

export type Opened = {
  /** In order; to be written before any of the rest leaves. */
  readonly updates: readonly Uint8Array[];
  /** To viewers that were there before. */
  readonly deltas: readonly ViewDelta[];
  readonly result:
    | {
        readonly kind: 'opened';
        readonly viewer: Viewer;
        /** '' where none was asked for. */
        readonly session: string;
        readonly incarnation: string;
        readonly seq: number;
        /** The whole view. */
        readonly json: string;
      }
    | { readonly kind: 'refused'; readonly code: string; readonly text: string };
};

export type SendRequest = {
  readonly who: Principal;
  readonly session: string;
  /** The number of this message in its session, from 1 without gaps. */
  readonly n: number;
  /** The sender has all answers up to this one. */
  readonly done: number;
  readonly channel: string;
  readonly message: unknown;
};

export type Sent = {
  /** Undefined: nothing is to be written. A part of a larger buffer: to be copied, never transferred. */
  readonly update: Uint8Array | undefined;
  readonly deltas: readonly ViewDelta[];
  /** `seq` is that of the update, the first one's for a repeat; where nothing was written, the document's. */
  readonly result:
    | { readonly kind: 'answered'; readonly n: number; readonly seq: number; readonly json: string }
    | {
        readonly kind: 'refused';
        readonly n: number;
        readonly seq: number;
        readonly code: string;
        readonly text: string;
      };
  /** What the application's code threw, for its log and never for a client; undefined where nothing was. */
  readonly failure: unknown;
};

/**
 * A document that does not exist, until updates are replayed into it or somebody invents it: above `seq`, as one that was deleted may have
 * gone so far.
 */
export function createResident(definition: Definition, name: DocumentName, seq = 0): Resident {
  return residentOf(definition, name, { ...createPast(), seq });
}

/** A document as a snapshot has it. ENGINE_CORRUPT where that cannot be. */
export function restoreResident(definition: Definition, name: DocumentName, snapshot: Uint8Array): Resident {
  return residentOf(definition, name, decodeSnapshot(snapshot));
}

function residentOf(definition: Definition, name: DocumentName, past: Past): Resident {
  return { ...past, definition, name, viewers: new Viewers(definition.plan, past.state) };
}

/**
 * Takes the next updates of the document's history in. ENGINE_CORRUPT where they cannot be read, do not follow, or
 * break the rules of sessions; the resident is then to be thrown away. Nobody may be viewing yet.
 */
export function replaySections(resident: Resident, sections: readonly Uint8Array[]): void {
  assert(resident.viewers.size === 0, `${resident.name} is replayed before it is viewed`);
  takeSections(resident, sections);
}

/** Whether what these updates began with has ended in them. ENGINE_CORRUPT where they cannot be read. */
export function isDeletedIn(sections: readonly Uint8Array[]): boolean {
  return lifeIn(sections).deletedSeq > 0;
}

export function replaySection(resident: Resident, bytes: Uint8Array): void {
  replaySections(resident, [bytes]);
}

/** Lets a principal view the document, and begins it where it may. Refusals: SESSION_EXPIRED, DOCUMENT_UNKNOWN. */
export function openView(resident: Resident, request: OpenRequest, env: Env): Opened {
  const { who } = request;
  assert(isPrincipal(who), 'the proxy checks who it is');
  const isNew = request.session === 'new';
  if (!isNew && request.session !== '' && sessionOf(resident.sessions, request.session, who) === undefined) {
    return openRefused('SESSION_EXPIRED', 'this session is not known here: ask for a new one');
  }
  const inside: Inside = resident;
  const updates: Uint8Array[] = [];
  if (inside.incarnation === '') {
    if (!mayInvent(inside, who)) return openRefused('DOCUMENT_UNKNOWN', 'there is no such document');
    updates.push(invent(inside, who, env));
  }
  let session = request.session;
  if (isNew) {
    const id = freshId(env);
    updates.push(encodeUpdate({ ...noMessage, kind: 'session', seq: inside.seq + 1, atMs: env.nowMs, who, id }));
    session = hexOf(id);
    register(inside.sessions, session, inside.seq + 1, { agent: who.agent, authority: who.authority });
    inside.seq += 1;
  }
  const { viewer, json } = inside.viewers.open(who);
  const { incarnation, seq } = inside;
  return {
    updates,
    // Beginning a document and registering a session change nothing that anyone views; presence will.
    deltas: [],
    result: { kind: 'opened', viewer, session, incarnation, seq, json },
  };
}

function mayInvent(resident: Resident, who: Principal): boolean {
  const { invent } = resident.definition.plan;
  if (invent === undefined) return false;
  try {
    const { key } = documentName(resident.name);
    const answer: unknown = invent({ who: { agent: who.agent, authority: who.authority }, key });
    // A promise is no yes, and nobody else would hear of it when it fails.
    if (answer instanceof Promise) answer.catch(() => undefined);
    return answer === true;
  } catch {
    return false;
  }
}

function invent(resident: Inside, who: Principal, env: Env): Uint8Array {
  const id = freshId(env);
  resident.incarnation = hexOf(id);
  resident.seq += 1;
  return encodeUpdate({ ...noMessage, kind: 'invent', seq: resident.seq, atMs: env.nowMs, who, id });
}

/** One view less of this viewer. */
export function closeView(resident: Resident, viewer: Viewer): void {
  resident.viewers.close(viewer);
}

/**
 * Applies one message, exactly once (C15): see the table in sessions.ts, and the top of this file for what writes
 * nothing.
 */
export function applySend(resident: Resident, send: SendRequest, env: Env): Sent {
  const { n } = send;
  const verdict = judge(resident.sessions, send.who, send.session, n, send.done);
  if (verdict.kind === 'repeat') return sentWith(undefined, [], n, verdict.answer, undefined);
  if (verdict.kind === 'refused') return unwritten(resident, n, verdict.code, verdict.text, undefined);
  const channel = resident.definition.plan.channels.get(send.channel);
  if (channel === undefined) return unwritten(resident, n, 'CHANNEL_UNKNOWN', 'there is no such channel', undefined);
  const valid = validate(channel, send.message);
  if ('kind' in valid) return unwritten(resident, n, valid.code, valid.text, valid.failure);
  const { plan } = resident.definition;
  const { session } = verdict;
  let outcome = runHandler(plan, resident.state, channel, valid.value, session.who, resident.seq + 1, env);
  const excess = outcome.kind === 'done' ? excessOf(resident, outcome) : undefined;
  if (excess !== undefined && outcome.kind === 'done') {
    outcome.rollback();
    outcome = excess;
  }
  const update = encodeSend(resident, session, send, outcome, env);
  assert(update.length <= updateBytesMax, `an update of ${update.length} bytes, of at most ${updateBytesMax}`);
  return written(resident, session, send, outcome, update);
}

/**
 * Writes a refusal in place of what the handler would have done, and runs none of the application's code: for a handler that was stopped from
 * outside. Whatever would have been answered without the handler is.
 */
export function refuseSend(resident: Resident, send: SendRequest, code: ErrorCode, text: string, env: Env): Sent {
  const verdict = judge(resident.sessions, send.who, send.session, send.n, send.done);
  if (verdict.kind === 'repeat') return sentWith(undefined, [], send.n, verdict.answer, undefined);
  if (verdict.kind === 'refused') return unwritten(resident, send.n, verdict.code, verdict.text, undefined);
  const outcome: Refusal = { kind: 'refused', code, text, failure: new CodedError(code, text) };
  return written(resident, verdict.session, send, outcome, encodeSend(resident, verdict.session, send, outcome, env));
}

/** What an outcome is refused for after its handler ran. `undo` does not count: its size would tell that of hidden values. */
function excessOf(resident: Resident, { redo, undo, answer }: Outcome & { kind: 'done' }): Refusal | undefined {
  const length = lengthOf(redo);
  if (length + answer.length > updateLengthMax) return refusal('UPDATE_TOO_BIG', 'an update', updateLengthMax);
  const growth = length - lengthOf(undo);
  const isOver = growth > 0 && resident.length + growth > documentLengthMax;
  return isOver ? refusal('DOCUMENT_TOO_BIG', 'a document', documentLengthMax) : undefined;
}

function refusal(code: ErrorCode, what: string, lengthMax: number): Refusal {
  const text = `${what} has at most ${lengthMax} characters as JSON`;
  return { kind: 'refused', code, text, failure: new CodedError(code, text) };
}

function encodeSend(resident: Resident, session: Session, send: SendRequest, outcome: Outcome, env: Env): Uint8Array {
  const isDone = outcome.kind === 'done';
  return encodeUpdate({
    kind: 'send',
    seq: resident.seq + 1,
    atMs: env.nowMs,
    who: session.who,
    id: noMessage.id,
    session: session.seq,
    n: send.n,
    done: send.done,
    channel: send.channel,
    code: isDone ? '' : outcome.code,
    text: isDone ? '' : outcome.text,
    redo: isDone ? outcome.redo : noMessage.redo,
    undo: isDone ? outcome.undo : noMessage.undo,
    answer: isDone ? outcome.answer : '',
  });
}

function written(resident: Inside, session: Session, send: SendRequest, outcome: Outcome, update: Uint8Array): Sent {
  resident.seq += 1;
  if (outcome.kind === 'done') resident.length += lengthOf(outcome.redo) - lengthOf(outcome.undo);
  const { seq } = resident;
  const isDone = outcome.kind === 'done';
  const answer: Answer = isDone
    ? { seq, code: '', text: '', json: outcome.answer }
    : { seq, code: outcome.code, text: outcome.text, json: '' };
  record(resident.sessions, session, send.n, send.done, answer);
  const deltas = isDone ? resident.viewers.deltas(outcome) : [];
  return sentWith(update, deltas, send.n, answer, isDone ? undefined : outcome.failure);
}

function sentWith(
  update: Uint8Array | undefined,
  deltas: readonly ViewDelta[],
  n: number,
  { seq, code, text, json }: Answer,
  failure: unknown,
): Sent {
  const result =
    code === '' ? ({ kind: 'answered', n, seq, json } as const) : ({ kind: 'refused', n, seq, code, text } as const);
  return { update, deltas, result, failure };
}

function unwritten(resident: Resident, n: number, code: string, text: string, failure: unknown): Sent {
  return { update: undefined, deltas: [], result: { kind: 'refused', n, seq: resident.seq, code, text }, failure };
}

/** What `who` sees now, computed anew. */
export function viewOf(resident: Resident, who: Principal): Json {
  return resident.viewers.viewOf(who);
}

/** Of its policies and formulas, since this was asked last: for the application's log, and never for a client. */
export function takeFailures(resident: Resident): Failures | undefined {
  return resident.viewers.takeFailures();
}

/** Asserts what holds between any two calls. Asks every policy about every viewer: for tests and samples. */
export function checkResident(resident: Resident): void {
  const { seq, incarnation, state, sessions, viewers } = resident;
  assert(seq > 0 || incarnation === '', `a document at ${seq} has incarnation ${JSON.stringify(incarnation)}`);
  assert(
    incarnation !== '' || Object.keys(state).length + sessions.byId.size + viewers.size === 0,
    'what does not exist holds nothing',
  );
  checkSessions(sessions, seq);
  checkState(state);
  assert(resident.length === lengthOf(state), `a length of ${resident.length} for one of ${lengthOf(state)}`);
  viewers.check();
}

function checkState(value: Json | undefined): void {
  assert(value !== null && value !== undefined, 'the state holds no null');
  if (!isJsonObject(value)) return;
  knownMemoryOf(value)?.check();
  for (const [key, part] of Object.entries(value)) {
    assert(!isReservedKey(key), `the state holds the key ${key}`);
    checkState(part);
  }
}

function freshId(env: Env): Uint8Array {
  const id = env.randomBytes16();
  assert(id.length === 16, `${id.length} random bytes of 16`);
  return new Uint8Array(id);
}

function openRefused(code: string, text: string): Opened {
  return { updates: [], deltas: [], result: { kind: 'refused', code, text } };
}
