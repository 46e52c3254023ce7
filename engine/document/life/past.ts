// What a document's updates have made of it: a function of them alone, whoever applies them, whenever. Head, fold and restore
// share it; nothing here knows a definition.
import { CodedError } from '../../base/errors.ts';
import { samePrincipal } from '../../base/ids.ts';
import type { JsonObject } from '../../base/merge-patch.ts';
import { hexOf } from './hex.ts';
import { lengthOf } from './length.ts';
import { mergeInPlace } from './merge-in-place.ts';
import type { Sessions } from './sessions.ts';
import { createSessions, record, register } from './sessions.ts';
import type { Update } from './update.ts';
import { lifeIn } from './update.ts';

export type Past = {
  /** Of the last update. It goes on where the document was deleted and begins anew, and is never behind what was deleted. */
  seq: number;
  /** 32 hex digits, '' while it does not exist. */
  incarnation: string;
  readonly state: JsonObject;
  /** Of the state as JSON, about: see length.ts. */
  length: number;
  readonly sessions: Sessions;
};

/** Of a document that does not exist. */
export function createPast(): Past {
  return { seq: 0, incarnation: '', state: {}, length: 2, sessions: createSessions() };
}

/**
 * Takes the next updates in. ENGINE_CORRUPT where they cannot be read, do not follow, or break the rules of sessions; the past
 * is then to be thrown away.
 */
export function takeSections(past: Past, sections: readonly Uint8Array[]): void {
  const { deletedSeq, updates } = lifeIn(sections);
  if (deletedSeq > 0) {
    // It may stand alone, with what it ended already gone from the disk: a fold can stop between the two.
    if (deletedSeq <= past.seq) throw corrupt(`a delete at ${deletedSeq} follows ${past.seq}`);
    end(past, deletedSeq);
  }
  for (const update of updates) takeUpdate(past, update);
}

export function takeUpdate(past: Past, update: Update): void {
  if ((update.kind === 'invent') !== (past.incarnation === '')) throw corrupt('it is invented first, and once');
  // One that begins may leave room for what was deleted before it.
  const isNext = update.kind === 'invent' ? update.seq > past.seq : update.seq === past.seq + 1;
  if (!isNext) throw corrupt(`update ${update.seq} follows ${past.seq}`);
  switch (update.kind) {
    case 'invent':
      past.incarnation = hexOf(update.id);
      change(past, update.redo, update.undo);
      break;
    case 'session':
      if (past.sessions.byId.has(hexOf(update.id))) throw corrupt('a session is registered twice');
      register(past.sessions, hexOf(update.id), update.seq, update.who);
      break;
    case 'send': {
      const session = past.sessions.bySeq.get(update.session);
      if (session === undefined || !samePrincipal(session.who, update.who)) throw corrupt('a send is of no session');
      if (update.n !== session.last + 1 || update.done >= update.n) throw corrupt('a send is out of order');
      const { seq, code, text, answer } = update;
      record(past.sessions, session, update.n, update.done, { seq, code, text, json: answer });
      change(past, update.redo, update.undo);
      break;
    }
    case 'rewind':
      if (update.n < 1 || update.n >= update.seq) throw corrupt('it is rewound to what has not been');
      change(past, update.redo, update.undo);
      break;
    case 'event':
      change(past, update.redo, update.undo);
      break;
    case 'delete':
      return end(past, update.seq);
  }
  past.seq = update.seq;
}

/** The document is no more: nothing of it is left but that its seq goes on. */
export function end(past: Past, seq: number): void {
  for (const key of Object.keys(past.state)) delete past.state[key];
  past.sessions.byId.clear();
  past.sessions.bySeq.clear();
  past.sessions.answersLength = 0;
  past.incarnation = '';
  past.length = lengthOf(past.state);
  past.seq = seq;
}

/**
 * Takes the last update of a state back: `undo` is the way. ENGINE_CORRUPT where that is not the last, or made the document begin.
 * Sessions stay as they are: exactly once is no part of what may be rewound.
 */
export function takeBack(past: Past, update: Update): void {
  if (update.seq !== past.seq || update.kind === 'invent')
    throw corrupt(`${update.seq} is not taken back at ${past.seq}`);
  change(past, update.undo, update.redo);
  past.seq -= 1;
}

/** Applies a merge patch to the state, of which `back` is the way back. */
export function change(past: Past, patch: JsonObject, back: JsonObject): void {
  mergeInPlace(past.state, patch);
  past.length += lengthOf(patch) - lengthOf(back);
}

function corrupt(text: string): CodedError {
  return new CodedError('ENGINE_CORRUPT', `a document's history cannot be: ${text}`);
}
