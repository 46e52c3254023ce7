// Every send that was answered is in the log once, where its answer says, behind what its client sent before it and behind what
// was answered before it was sent. What was refused for good is not there; of what is unknown there is one copy or none.
import type { Update } from '../../engine/document/life/update.ts';
import type { Documents } from './check-logs.ts';
import type { SendRecord } from './history.ts';
import type { World } from './world.ts';

type Stored = { readonly seq: number; readonly client: string; readonly place: string };

export function checkAnswers(world: World, documents: Documents): void {
  for (const doc of world.docs) {
    const stored = index(world, doc, documents.get(doc) ?? []);
    const sends = world.history.sends.filter((send) => send.doc === doc);
    for (const send of sends) checkSend(world, send, stored.get(send.value), documents.get(doc) ?? []);
    checkClientOrder(world, sends, stored);
    checkRealTime(world, sends);
    const sent = new Set(sends.map(({ value }) => value));
    for (const value of stored.keys()) if (!sent.has(value)) found(world, `${value} is in ${doc}, and nobody sent it`);
  }
}

/** Every value that the log puts in, with where: once. */
function index(world: World, doc: string, updates: readonly Update[]): Map<string, Stored> {
  const stored = new Map<string, Stored>();
  for (const { seq, redo } of updates) {
    for (const [place, entry] of Object.entries((redo['entries'] ?? {}) as Record<string, unknown>)) {
      const { client, value } = entry as { client: string; value: string };
      const former = stored.get(value);
      if (former !== undefined) found(world, `${value} is in ${doc} at seq ${former.seq} and at ${seq}`);
      stored.set(value, { seq, client, place });
    }
  }
  return stored;
}

function checkSend(world: World, send: SendRecord, stored: Stored | undefined, updates: readonly Update[]): void {
  const { value, doc, outcome, channel } = send;
  if (channel !== 'add') return checkRefused(world, send, stored, updates);
  if (outcome.kind === 'answered') {
    if (stored === undefined) return found(world, `${value} was answered at seq ${outcome.seq} and is not in ${doc}`);
    if (stored.seq !== outcome.seq || stored.place !== outcome.place || stored.client !== send.client) {
      found(
        world,
        `${value} was answered at seq ${outcome.seq}, ${outcome.place}; it is at ${stored.seq}, ${stored.place}`,
      );
    }
  } else if (outcome.kind === 'refused' && outcome.retry !== 'maybe' && stored !== undefined) {
    found(world, `${value} was refused with ${outcome.code} and is in ${doc} at seq ${stored.seq}`);
  } else if (outcome.kind === 'unsettled') found(world, `${value} was never settled`);
}

/** A handler's refusal is in the log too, with nothing in it; one before the handler is not. */
function checkRefused(world: World, send: SendRecord, stored: Stored | undefined, updates: readonly Update[]): void {
  const { value, outcome } = send;
  const codeDue = send.channel === 'refuse' ? 'NOT_TODAY' : 'MESSAGE_INVALID';
  if (stored !== undefined) found(world, `${value} was rolled back and is at seq ${stored.seq}`);
  if (outcome.kind === 'answered') found(world, `${value} was answered, and must be refused`);
  if (outcome.kind === 'unsettled') found(world, `${value} was never settled`);
  if (outcome.kind === 'refused' && outcome.retry !== 'maybe' && outcome.code !== codeDue) {
    found(world, `${value} was refused with ${outcome.code}; that should be ${codeDue}`);
  }
  for (const { code, redo } of updates) {
    if (code !== '' && Object.keys(redo).length > 0) found(world, `a refusal changed ${send.doc}`);
  }
}

function checkClientOrder(world: World, sends: readonly SendRecord[], stored: ReadonlyMap<string, Stored>): void {
  const last = new Map<string, { number: number; seq: number }>();
  for (const { client, value, number } of sends) {
    const place = stored.get(value);
    if (place === undefined) continue;
    const before = last.get(client);
    if (before !== undefined && before.seq > place.seq) {
      found(world, `${value} is at seq ${place.seq}, before number ${before.number} of its client at ${before.seq}`);
    }
    last.set(client, { number, seq: place.seq });
  }
}

/** What was answered before another was sent stands before it. */
function checkRealTime(world: World, sends: readonly SendRecord[]): void {
  const answers = sends
    .flatMap(({ value, outcome }) => (outcome.kind === 'answered' ? [{ value, ...outcome }] : []))
    .sort((a, b) => a.atMs - b.atMs);
  let next = 0;
  let highest = { value: '', seq: 0 };
  for (const { value, sentMs, outcome } of sends) {
    for (; (answers[next]?.atMs ?? Number.POSITIVE_INFINITY) < sentMs; next += 1) {
      const answer = answers[next];
      if (answer !== undefined && answer.seq > highest.seq) highest = answer;
    }
    if (outcome.kind === 'answered' && outcome.seq <= highest.seq) {
      found(
        world,
        `${value} is at seq ${outcome.seq}; before it was sent ${highest.value} was answered at ${highest.seq}`,
      );
    }
  }
}

function found(world: World, text: string): void {
  world.history.find('answers', text);
}
