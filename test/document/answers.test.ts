// Answers that a document keeps for those who did not take them: bounded together, so that a snapshot fits a link's frame whoever does what.
import { test } from 'tap';
import type { DocumentName, Principal } from '../../engine/base/ids.ts';
import {
  documentAnswersLengthMax,
  documentLengthMax,
  linkFrameBytesMax,
  principalBytesMax,
  sendsInFlightMax,
  sessionsMax,
} from '../../engine/base/limits.ts';
import { restoreResident } from '../../engine/document/document.ts';
import { lengthOf } from '../../engine/document/life/length.ts';
import { createPast } from '../../engine/document/life/past.ts';
import type { Sessions } from '../../engine/document/life/sessions.ts';
import { checkSessions, createSessions, record, register } from '../../engine/document/life/sessions.ts';
import { decodeSnapshot, encodeSnapshot } from '../../engine/document/life/snapshot.ts';
import { weightOf } from '../../engine/document/life/weight.ts';
import { Prng } from '../prng.ts';
import { base } from './kit.ts';

const idOf = (seq: number): string => seq.toString(16).padStart(32, '0');
const personOf = (number: number): Principal => ({
  agent: `${number}`.padStart(principalBytesMax, 'x'),
  authority: 'test',
});

/** The next send of a session, with an answer of so many units. */
function answer(sessions: Sessions, seq: number, length: number, done = 0, unit = 'x'): void {
  const session = sessions.bySeq.get(seq);
  if (session === undefined) throw new Error(`session ${seq} is not held`);
  record(sessions, session, session.last + 1, done, { seq, code: '', text: '', json: unit.repeat(length) });
}

test('[C15] who keeps most loses the session that he used longest ago, and nobody else', (t) => {
  const sessions = createSessions();
  register(sessions, idOf(1), 1, personOf(1));
  answer(sessions, 1, 100_000);
  for (let seq = 2; seq <= 20; seq += 1) {
    register(sessions, idOf(seq), seq, personOf(2));
    answer(sessions, seq, 100_000);
    checkSessions(sessions, seq);
  }
  t.ok(sessions.bySeq.has(1), 'who has one answer keeps it');
  t.ok(sessions.bySeq.has(20));
  const left = [...sessions.bySeq.keys()].filter((seq) => seq > 1);
  t.same(
    left,
    Array.from({ length: left.length }, (_, index) => 20 - left.length + 1 + index),
    'the newest stay',
  );
  t.ok(left.length >= 7, `${left.length} stay`);
  t.end();
});

test('[C15] whatever is sent, what is kept is counted and bounded, and the session that sends stays', (t) => {
  const prng = new Prng(7);
  const sessions = createSessions();
  let seq = 0;
  for (let turn = 0; turn < 3_000; turn += 1) {
    if (prng.below(4) === 0 || sessions.bySeq.size === 0) {
      seq += 1;
      register(sessions, idOf(seq), seq, personOf(prng.below(5)));
      continue;
    }
    const held = [...sessions.bySeq.values()];
    const session = held[prng.below(held.length)];
    if (session === undefined) continue;
    const isFull = session.last - session.done >= sendsInFlightMax - 1;
    answer(
      sessions,
      session.seq,
      prng.below(8) === 0 ? prng.below(120_000) : prng.below(50),
      isFull ? session.last : session.done,
    );
    t.equal(sessions.byId.get(session.id), session);
    if (turn % 50 === 0) checkSessions(sessions, seq);
  }
  checkSessions(sessions, seq);
  t.end();
});

test('[D17] [C11] the largest document fits a link, sessions and answers with it', (t) => {
  const past = { ...createPast(), seq: 1_000_000, incarnation: idOf(7) };
  // Three bytes a unit is the most that UTF-8 takes.
  past.state['text'] = '\u20ac'.repeat(documentLengthMax - 20);
  past.length = lengthOf(past.state);
  t.ok(past.length <= documentLengthMax && past.length > documentLengthMax - 20);
  for (let seq = 1; seq <= sessionsMax; seq += 1) register(past.sessions, idOf(seq), seq, personOf(seq));
  const each = Math.floor(documentAnswersLengthMax / sessionsMax) - 70;
  for (let seq = 1; seq <= sessionsMax; seq += 1) answer(past.sessions, seq, each, 0, '\u20ac');
  t.equal(past.sessions.byId.size, sessionsMax, 'nobody was forgotten');
  const bytes = encodeSnapshot(past);
  t.ok(bytes.length > 6_000_000 && bytes.length < linkFrameBytesMax - 1024 * 1024, `${bytes.length} bytes`);
  const back = decodeSnapshot(bytes);
  t.equal(back.sessions.answersLength, past.sessions.answersLength);
  checkSessions(back.sessions, past.seq);
  const resident = restoreResident(base, 'space/key' as DocumentName, bytes);
  t.ok(weightOf(resident) > 2 * documentAnswersLengthMax, 'what is kept is part of what a host counts');
  t.end();
});
