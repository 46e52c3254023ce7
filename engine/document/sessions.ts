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
import { assert } from '../base/assert.ts';
import type { Principal } from '../base/ids.ts';
import { samePrincipal } from '../base/ids.ts';
import { answersLengthMax, sendsInFlightMax, sessionsMax, sessionsPerPrincipalMax } from '../base/limits.ts';

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
};

/** `byId` holds the one unused for longest first. */
export type Sessions = { readonly byId: Map<string, Session>; readonly bySeq: Map<number, Session> };

export function createSessions(): Sessions {
  return { byId: new Map(), bySeq: new Map() };
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
export function register({ byId, bySeq }: Sessions, id: string, seq: number, who: Principal): void {
  assert(!byId.has(id) && !bySeq.has(seq), 'the id of a new session is new');
  const own = [...byId.values()].filter((session) => samePrincipal(session.who, who));
  const [oldest] = own.length >= sessionsPerPrincipalMax ? own : byId.size >= sessionsMax ? byId.values() : [];
  if (oldest !== undefined) {
    byId.delete(oldest.id);
    bySeq.delete(oldest.seq);
  }
  const session: Session = { id, seq, who, last: 0, done: 0, answers: new Map() };
  byId.set(id, session);
  bySeq.set(seq, session);
}

/** Takes the answer of send `n` in, drops those up to `done`, and marks the session as just used. */
export function record(sessions: Sessions, session: Session, n: number, done: number, answer: Answer): void {
  assert(n === session.last + 1, `send ${n} follows ${session.last}`);
  while (session.done < done) {
    session.done += 1;
    session.answers.delete(session.done);
  }
  session.last = n;
  session.answers.set(n, answer);
  sessions.byId.delete(session.id);
  sessions.byId.set(session.id, session);
}

export function checkSessions(sessions: Sessions, seq: number): void {
  const { byId, bySeq } = sessions;
  assert(byId.size <= sessionsMax, `${byId.size} sessions of ${sessionsMax}`);
  assert(byId.size === bySeq.size, `${byId.size} sessions by id, ${bySeq.size} by seq`);
  for (const [id, session] of byId) {
    assert(id === session.id, 'a session is held under its id');
    assert(bySeq.get(session.seq) === session, 'a session is held under the seq that registered it');
    assert(session.done <= session.last, `answers up to ${session.done} confirmed of ${session.last}`);
    assert(session.answers.size === session.last - session.done, 'the answers kept are those not confirmed');
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
