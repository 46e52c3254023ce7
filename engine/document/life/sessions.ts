// Exactly once (C15). The table of sessions is a function of the updates alone: a replica that replays them has the
// same table, the order of forgetting included. So only updates may change it; asking (`judge`) does not.
//
// | the send                                  | verdict                                              |
// | ----------------------------------------- | ---------------------------------------------------- |
// | session not held, or another principal's  | SESSION_EXPIRED: the two look alike                  |
// | n, done not safe integers with 0<=done<n  | FRAME_INVALID                                        |
// | n <= last, answer kept                    | that answer again                                    |
// | n <= last, answer dropped (n <= done)     | SESSION_DONE                                         |
// | n > last + 1                              | SESSION_GAP: send again, in order                    |
// | n - done > sendsInFlightMax               | SESSION_FULL: take answers first                     |
// | answers kept are over answersLengthMax    | SESSION_FULL: likewise                               |
// | n == last + 1                             | apply                                                |
//
// Answers of all sessions are bounded too: where a document keeps too much, whoever keeps most loses the session that he used longest ago,
// and so on. So nobody can push the others out, and a snapshot has a size.
import { assert } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import { samePrincipal } from '../../base/ids.ts';
import {
  answerOverheadLength,
  answersLengthMax,
  answersSpareLength,
  documentAnswersLengthMax,
  sendsInFlightMax,
  sessionsMax,
  sessionsPerPrincipalMax,
} from '../../base/limits.ts';

/** The first answer to a send: what every repeat of it gets. `code` '' = done, and `json` is the handler's answer. */
export type Answer = { readonly seq: number; readonly code: string; readonly text: string; readonly json: string };

export type Session = {
  /** 32 hex digits: a secret, as whoever knows it and has the principal's token may send in its name. */
  readonly id: string;
  /** The seq of the update that registered it: how updates name it, since they need not keep a secret of 16 bytes. */
  readonly seq: number;
  readonly who: Principal;
  /** The number of the last send applied, 0 = none. */
  last: number;
  /** The client has the answers up to here. */
  done: number;
  /** The answers of done + 1 ... last, by number. */
  readonly answers: Map<number, Answer>;
  /** What they are long, each with its overhead. */
  answersLength: number;
};

/** `byId` holds the one unused for longest first; `answersLength` is that of all of them. */
export type Sessions = {
  readonly byId: Map<string, Session>;
  readonly bySeq: Map<number, Session>;
  answersLength: number;
};

export function createSessions(): Sessions {
  return { byId: new Map(), bySeq: new Map(), answersLength: 0 };
}

/** Takes in what a snapshot holds. */
export function addSession(sessions: Sessions, session: Session): void {
  sessions.byId.set(session.id, session);
  sessions.bySeq.set(session.seq, session);
  sessions.answersLength += session.answersLength;
}

export function lengthOfAnswer({ text, json }: Answer): number {
  return text.length + json.length + answerOverheadLength;
}

export type Verdict =
  | { readonly kind: 'apply'; readonly session: Session }
  | { readonly kind: 'repeat'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string };

/** The session, if the table holds it and it is this principal's. */
export function sessionOf(sessions: Sessions, id: string, who: Principal): Session | undefined {
  const session = sessions.byId.get(id);
  return session !== undefined && samePrincipal(session.who, who) ? session : undefined;
}

export function judge(sessions: Sessions, who: Principal, id: string, n: number, done: number): Verdict {
  const session = sessionOf(sessions, id, who);
  if (session === undefined) return refused('SESSION_EXPIRED', 'this session is not known here: ask for a new one');
  if (!Number.isSafeInteger(n) || !Number.isSafeInteger(done) || done < 0 || done >= n) {
    return refused('FRAME_INVALID', 'n and done are integers with 0 <= done < n');
  }
  if (n <= session.last) {
    const answer = session.answers.get(n);
    if (answer !== undefined) return { kind: 'repeat', answer };
    return refused('SESSION_DONE', 'the answer was dropped, as its receipt was confirmed');
  }
  if (n > session.last + 1) return refused('SESSION_GAP', `the next number is ${session.last + 1}`);
  if (n - Math.max(done, session.done) > sendsInFlightMax) {
    return refused('SESSION_FULL', `more than ${sendsInFlightMax} answers would have to be kept`);
  }
  if (lengthKept(session, done) > answersLengthMax) {
    return refused('SESSION_FULL', `answers of more than ${answersLengthMax} characters would have to be kept`);
  }
  return { kind: 'apply', session };
}

/** The length of the answers that stay once those up to `done` are dropped. */
function lengthKept({ answers }: Session, done: number): number {
  let length = 0;
  for (const [n, { json, text }] of answers) if (n > done) length += json.length + text.length;
  return length;
}

/**
 * Takes a session in. Where a principal holds too many it loses its own, so that nobody can push out the others; where the
 * table is full all the same, the session unused for longest is forgotten.
 */
export function register(sessions: Sessions, id: string, seq: number, who: Principal): void {
  const { byId, bySeq } = sessions;
  assert(!byId.has(id) && !bySeq.has(seq), 'the id of a new session is new');
  const own = [...byId.values()].filter((session) => samePrincipal(session.who, who));
  const [oldest] = own.length >= sessionsPerPrincipalMax ? own : byId.size >= sessionsMax ? byId.values() : [];
  if (oldest !== undefined) forget(sessions, oldest);
  addSession(sessions, { id, seq, who, last: 0, done: 0, answers: new Map(), answersLength: 0 });
}

function forget(sessions: Sessions, { id, seq, answersLength }: Session): void {
  sessions.byId.delete(id);
  sessions.bySeq.delete(seq);
  sessions.answersLength -= answersLength;
}

/** Takes the answer of send `n` in, drops those up to `done`, and marks the session as just used. */
export function record(sessions: Sessions, session: Session, n: number, done: number, answer: Answer): void {
  assert(n === session.last + 1, `send ${n} follows ${session.last}`);
  sessions.byId.delete(session.id);
  sessions.answersLength -= session.answersLength;
  while (session.done < done) {
    session.done += 1;
    const dropped = session.answers.get(session.done);
    if (dropped !== undefined) session.answersLength -= lengthOfAnswer(dropped);
    session.answers.delete(session.done);
  }
  session.last = n;
  session.answers.set(n, answer);
  session.answersLength += lengthOfAnswer(answer);
  sessions.answersLength += session.answersLength;
  sessions.byId.set(session.id, session);
  if (sessions.answersLength > documentAnswersLengthMax) forgetAnswers(sessions, session);
}

/** The session that was just used stays: alone it fits. Ties go to whose session was used longest ago. */
function forgetAnswers(sessions: Sessions, used: Session): void {
  const kept = new Map<string, number>();
  const spare = new Map<Session, string>();
  for (const session of sessions.byId.values()) {
    const key = JSON.stringify([session.who.agent, session.who.authority]);
    kept.set(key, (kept.get(key) ?? 0) + session.answersLength);
    if (session !== used && session.answersLength > 0) spare.set(session, key);
  }
  while (sessions.answersLength > documentAnswersLengthMax - answersSpareLength) {
    let most: { readonly session: Session; readonly key: string; readonly length: number } | undefined;
    for (const [session, key] of spare) {
      const length = kept.get(key) ?? 0;
      if (length > (most?.length ?? 0)) most = { session, key, length };
    }
    assert(most !== undefined, 'the answers of one session fit a document');
    kept.set(most.key, most.length - most.session.answersLength);
    spare.delete(most.session);
    forget(sessions, most.session);
  }
}

export function checkSessions(sessions: Sessions, seq: number): void {
  const { byId, bySeq } = sessions;
  assert(byId.size <= sessionsMax, `${byId.size} sessions of ${sessionsMax}`);
  assert(byId.size === bySeq.size, `${byId.size} sessions by id, ${bySeq.size} by seq`);
  const lengths = [...byId.values()].reduce((sum, { answersLength }) => sum + answersLength, 0);
  assert(sessions.answersLength === lengths, `answers of ${lengths}, counted as ${sessions.answersLength}`);
  assert(lengths <= documentAnswersLengthMax, `answers of ${lengths} are kept`);
  for (const [id, session] of byId) {
    assert(id === session.id, 'a session is held under its id');
    assert(bySeq.get(session.seq) === session, 'a session is held under the seq that registered it');
    assert(session.done <= session.last, `answers up to ${session.done} confirmed of ${session.last}`);
    assert(session.answers.size === session.last - session.done, 'the answers kept are those not confirmed');
    const length = [...session.answers.values()].reduce((sum, answer) => sum + lengthOfAnswer(answer), 0);
    assert(session.answersLength === length, `answers of ${length}, counted as ${session.answersLength}`);
    assert(session.answers.size <= sendsInFlightMax, `${session.answers.size} answers kept`);
    for (const [n, answer] of session.answers) {
      assert(n > session.done && n <= session.last, `answer ${n} is of ${session.done + 1} to ${session.last}`);
      assert(answer.seq <= seq, `answer at ${answer.seq} of a document at ${seq}`);
    }
  }
}

function refused(code: string, text: string): Verdict {
  return { kind: 'refused', code, text };
}
