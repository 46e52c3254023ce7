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
import type { Json } from '../base/merge-patch.ts';
import { isJsonObject } from '../base/merge-patch.ts';
import type { Definition, Look } from './definition/definition.ts';
import { knownMemoryOf } from './draft/table-memory.ts';
import { isReservedKey } from './draft/values.ts';
import type { Env } from './env.ts';
import { busyText, changed, sceneOf } from './events.ts';
import type { Outcome, Refusal } from './handle.ts';
import { fitted, runHandler, validate } from './handle.ts';
import { Hours } from './hours.ts';
import type { Task } from './life/agenda.ts';
import { tasksOf } from './life/agenda.ts';
import { lengthOf } from './life/length.ts';
import type { Past } from './life/past.ts';
import { createPast, takeSections } from './life/past.ts';
import type { Answer, Session } from './life/sessions.ts';
import { checkSessions, judge, record } from './life/sessions.ts';
import { decodeSnapshot } from './life/snapshot.ts';
import type { Update } from './life/update.ts';
import { encodeUpdate, lifeIn, noMessage } from './life/update.ts';
import type { Inside, Resident } from './resident.ts';
import { undoOf } from './undo.ts';
import { noLook } from './view/look.ts';
import type { Failures } from './view/policies.ts';
import type { ViewDelta } from './view/viewer.ts';
import { Viewers } from './view/viewers.ts';

export { quotaChannel } from './context.ts';
export { isApp } from './define.ts';
export type { Definition, EffectResult } from './definition/definition.ts';
export { definitionOf } from './definition-of.ts';
export type { Env } from './env.ts';
export type { Happened, Letter, Reply, TaskResult } from './events.ts';
export { documentPrincipal, happen, passOver, settleTask, wakeMsOf } from './events.ts';
export type { Task } from './life/agenda.ts';
export { wakeKey } from './life/agenda.ts';
export type { LookRefused, Opened, OpenRequest, Ungranted } from './open.ts';
export { closeView, deliver, openView, turnView } from './open.ts';
export type { Acted, Former } from './operate.ts';
export { applyDelete, applyMigration, applyRewind, checkDelete, isWaiting } from './operate.ts';
export type { Resident } from './resident.ts';
export type { ShowRefused, ShowRequest } from './show.ts';
export { applyShows, shownTo, takeShown } from './show.ts';
export { deleteChannel, undoChannel } from './undo.ts';
export type { ViewShown } from './view/ephemera.ts';
export type { Failures } from './view/policies.ts';
export type { Turned, ViewDelta, Viewer } from './view/viewer.ts';

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
  /** To be carried out when it is committed. */
  readonly tasks: readonly Task[];
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
  const { plan } = definition;
  const { state } = past;
  return {
    ...past,
    definition,
    name,
    viewers: new Viewers(plan, state),
    hours: new Hours(plan, state),
    migratedSeq: 0,
  };
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
  if (!resident.hours.hasRoom(env.nowMs)) return unwritten(resident, n, 'DOCUMENT_BUSY', busyText, undefined);
  const { session } = verdict;
  const ran = runHandler(sceneOf(resident, env), channel, valid.value, session.who);
  const { outcome, update } = fitted(ran, (one) => encodeSend(resident, session, send, one, env));
  return written(resident, session, send, outcome, update);
}

/** A send that undoes `former`, an update of this document as it is kept; undefined where it is not. */
export function applyUndo(resident: Resident, send: SendRequest, former: Update | undefined, env: Env): Sent {
  const verdict = judge(resident.sessions, send.who, send.session, send.n, send.done);
  if (verdict.kind === 'repeat') return sentWith(undefined, [], send.n, verdict.answer, undefined);
  if (verdict.kind === 'refused') return unwritten(resident, send.n, verdict.code, verdict.text, undefined);
  if (!resident.hours.hasRoom(env.nowMs)) return unwritten(resident, send.n, 'DOCUMENT_BUSY', busyText, undefined);
  const { session } = verdict;
  // It may have been looked up before other code was deployed.
  const kept = former !== undefined && former.seq > resident.migratedSeq ? former : undefined;
  const undone = undoOf(resident.definition.plan, resident, session.who, kept);
  const { outcome, update } = fitted(undone, (one) => encodeSend(resident, session, send, one, env));
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
  const { seq } = resident;
  const isDone = outcome.kind === 'done';
  const answer: Answer = isDone
    ? { seq, code: '', text: '', json: outcome.answer }
    : { seq, code: outcome.code, text: outcome.text, json: '' };
  record(resident.sessions, session, send.n, send.done, answer);
  if (!isDone) resident.hours.took();
  const deltas = isDone ? changed(resident, outcome.redo, outcome.undo) : [];
  const sent = sentWith(update, deltas, send.n, answer, isDone ? undefined : outcome.failure);
  return isDone && outcome.tasks.length > 0 ? { ...sent, tasks: outcome.tasks } : sent;
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
  return { update, deltas, tasks: none, result, failure };
}

const none: readonly Task[] = [];

function unwritten(resident: Resident, n: number, code: string, text: string, failure: unknown): Sent {
  return {
    update: undefined,
    deltas: [],
    tasks: none,
    result: { kind: 'refused', n, seq: resident.seq, code, text },
    failure,
  };
}

/** What it asked for and has not been told of: to be carried out when all of it is committed. */
export function waitingTasks(resident: Resident): readonly Task[] {
  return tasksOf(resident.state);
}

/** What `who` sees now, computed anew. `look`: what his view looks at; who has said nothing, unless given. */
export function viewOf(resident: Resident, who: Principal, look?: Look): Json {
  return resident.viewers.viewOf(who, look ?? resident.definition.plan.look?.initial ?? noLook);
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
