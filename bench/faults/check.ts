// The verdict on a run: what clients were told, held against every copy of what is stored.
//
// | violation               | when                                                                                     |
// | ----------------------- | ---------------------------------------------------------------------------------------- |
// | lost                    | answered, and missing from a copy                                                        |
// | doubled                 | in two places of one copy                                                                |
// | reordered               | behind a value that its client sent later; not where its answer said, place or seq; or   |
// |                         | before a value that was answered before this one was sent, whoever sent it               |
// | reportedFailedButStored | refused with a code that says that nothing happened, and in a copy                       |
// | invented                | in a copy, and nobody sent it: to this document, as this client                          |
// | stale                   | a view without a value that was answered before the view was asked for; or with less     |
// |                         | than what its viewer had been shown before                                               |
//
// A value is counted once for each kind, whatever the number of copies that show it.
import type { Copy, ReadRecord, SendRecord, StoredValue, Violation, ViolationKind } from './record.ts';

type Places = ReadonlyMap<string, readonly StoredValue[]>;
type Indexed = { readonly copy: Copy; readonly byValue: Places };

export function checkRun(sends: readonly SendRecord[], copies: readonly Copy[]): Violation[] {
  const indexed = copies.map((copy) => ({ copy, byValue: indexOf(copy) }));
  const sent = new Map(sends.map((send) => [send.value, send]));
  const found = new Findings(sent, indexed);
  for (const send of sends) {
    checkLost(send, indexed, found);
    checkFailed(send, indexed, found);
  }
  for (const { copy, byValue } of indexed) {
    checkDoubled(copy, byValue, found);
    checkAnswers(sends, copy, byValue, found);
    for (const [doc, values] of copy.documents) {
      const firsts = values.filter((stored) => byValue.get(stored.value)?.[0] === stored);
      checkInvented(copy, doc, firsts, sent, found);
      checkClientOrder(copy, firsts, sent, found);
      checkRealTime(copy, firsts, sent, found);
    }
  }
  return found.list;
}

/** `reads` of one viewer are in the order in which it was shown them. */
export function checkReads(sends: readonly SendRecord[], reads: readonly ReadRecord[]): Violation[] {
  const heights = heightsOf(sends);
  const shown = new Map<string, number>();
  const found: Violation[] = [];
  for (const { viewer, doc, trial, askedAtMs, seenAtMs, count } of reads) {
    const value = `${viewer} ${doc}`;
    const before = shown.get(value) ?? 0;
    const answered = askedAtMs === undefined ? 0 : heightBefore(heights.get(doc) ?? [], askedAtMs);
    shown.set(value, Math.max(before, count));
    if (count >= before && count >= answered) continue;
    const lacks = count < before ? `had been shown ${before}` : `place ${answered} was answered before it asked`;
    const text = `stale: ${viewer} was shown ${count} values of ${doc} at ${seenAtMs.toFixed(1)} ms, and ${lacks}`;
    found.push({ kind: 'stale', value, trial, text: `${text} (trial ${trial})` });
  }
  return found;
}

/** From a moment on, the highest place that had been answered. */
type Height = { readonly atMs: number; readonly place: number };

function heightsOf(sends: readonly SendRecord[]): Map<string, Height[]> {
  const answers = sends.flatMap(({ doc, outcome }) => (outcome.kind === 'answered' ? [{ doc, ...outcome }] : []));
  const heights = new Map<string, Height[]>();
  for (const { doc, place: text, atMs } of answers.sort((a, b) => a.atMs - b.atMs)) {
    const list = heights.get(doc) ?? [];
    heights.set(doc, list);
    const place = Number(text);
    if (place > (list.at(-1)?.place ?? 0)) list.push({ atMs, place });
  }
  return heights;
}

function heightBefore(heights: readonly Height[], atMs: number): number {
  let [low, high] = [0, heights.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((heights[middle] as Height).atMs < atMs) low = middle + 1;
    else high = middle;
  }
  return heights[low - 1]?.place ?? 0;
}

/** Longest time between two answers that follow each other, in ms. */
export function longestGapMs(sends: readonly SendRecord[]): number {
  const times = sends
    .flatMap(({ outcome }) => (outcome.kind === 'answered' ? [outcome.atMs] : []))
    .sort((a, b) => a - b);
  let longest = 0;
  for (let index = 1; index < times.length; index += 1) {
    longest = Math.max(longest, (times[index] as number) - (times[index - 1] as number));
  }
  return longest;
}

class Findings {
  readonly list: Violation[] = [];
  readonly #sent: ReadonlyMap<string, SendRecord>;
  readonly #indexed: readonly Indexed[];
  readonly #known = new Set<string>();

  constructor(sent: ReadonlyMap<string, SendRecord>, indexed: readonly Indexed[]) {
    this.#sent = sent;
    this.#indexed = indexed;
  }

  add(kind: ViolationKind, value: string, what: string): void {
    const key = `${kind} ${value}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const send = this.#sent.get(value);
    this.list.push({ kind, value, trial: send?.trial, text: `${kind}: ${value} ${what}; ${this.#describe(value)}` });
  }

  #describe(value: string): string {
    const places = this.#indexed.map(({ copy, byValue }) => `${copy.name}: ${placesText(byValue.get(value))}`);
    const send = this.#sent.get(value);
    return `${send === undefined ? 'sent by nobody' : describeSend(send)}; ${places.join(', ')}`;
  }
}

function describeSend({ client, doc, trial, sentAtMs, outcome }: SendRecord): string {
  const sent = `sent by ${client} to ${doc} at ${sentAtMs.toFixed(1)} ms (trial ${trial})`;
  if (outcome.kind === 'unsettled') return `${sent}, never settled`;
  const at = `at ${outcome.atMs.toFixed(1)} ms`;
  if (outcome.kind === 'refused') return `${sent}, refused ${at} with ${outcome.code} (${outcome.retry})`;
  return `${sent}, answered ${at} with seq ${outcome.seq}, place ${Number(outcome.place)}`;
}

function placesText(places: readonly StoredValue[] | undefined): string {
  if (places === undefined) return 'nowhere';
  return places
    .map(({ place, seq }) => `place ${Number(place)}${seq === undefined ? '' : ` seq ${seq}`}`)
    .join(' and ');
}

function indexOf(copy: Copy): Places {
  const byValue = new Map<string, StoredValue[]>();
  for (const values of copy.documents.values()) {
    for (const stored of values) {
      const known = byValue.get(stored.value);
      if (known === undefined) byValue.set(stored.value, [stored]);
      else known.push(stored);
    }
  }
  return byValue;
}

function checkLost({ value, outcome }: SendRecord, indexed: readonly Indexed[], found: Findings): void {
  if (outcome.kind !== 'answered') return;
  const missing = indexed.filter(({ byValue }) => !byValue.has(value)).map(({ copy }) => copy.name);
  if (missing.length > 0) found.add('lost', value, `was answered and is not in ${missing.join(', ')}`);
}

function checkFailed({ value, outcome }: SendRecord, indexed: readonly Indexed[], found: Findings): void {
  if (outcome.kind !== 'refused' || outcome.retry === 'maybe') return;
  const holding = indexed.filter(({ byValue }) => byValue.has(value)).map(({ copy }) => copy.name);
  if (holding.length > 0) found.add('reportedFailedButStored', value, `is in ${holding.join(', ')}`);
}

function checkDoubled(copy: Copy, byValue: Places, found: Findings): void {
  for (const [value, places] of byValue) {
    if (places.length > 1) found.add('doubled', value, `stands ${places.length} times in ${copy.name}`);
  }
}

/** An answer names the place and the seq of its value. Of a doubled one, it may be either. */
function checkAnswers(sends: readonly SendRecord[], copy: Copy, byValue: Places, found: Findings): void {
  for (const { value, outcome } of sends) {
    const places = byValue.get(value);
    if (outcome.kind !== 'answered' || places === undefined) continue;
    const { seq, place } = outcome;
    const isTrue = places.some((one) => one.place === place && (one.seq === undefined || one.seq === seq));
    if (!isTrue) found.add('reordered', value, `is not in ${copy.name} where its answer says`);
  }
}

function checkInvented(
  copy: Copy,
  doc: string,
  values: readonly StoredValue[],
  sent: ReadonlyMap<string, SendRecord>,
  found: Findings,
): void {
  for (const { value, client } of values) {
    const send = sent.get(value);
    if (send?.doc !== doc || send.client !== client)
      found.add('invented', value, `is in ${doc} of ${copy.name} as ${client}'s`);
  }
}

function checkClientOrder(
  copy: Copy,
  values: readonly StoredValue[],
  sent: ReadonlyMap<string, SendRecord>,
  found: Findings,
): void {
  const last = new Map<string, SendRecord>();
  for (const { value } of values) {
    const send = sent.get(value);
    if (send === undefined) continue;
    const before = last.get(send.client);
    if (before !== undefined && before.number > send.number) {
      found.add('reordered', value, `stands behind ${before.value}, sent later by the same client, in ${copy.name}`);
    } else last.set(send.client, send);
  }
}

/** From the end: nothing may stand before a value that was answered before it was sent. */
function checkRealTime(
  copy: Copy,
  values: readonly StoredValue[],
  sent: ReadonlyMap<string, SendRecord>,
  found: Findings,
): void {
  let earliest: { readonly value: string; readonly atMs: number } | undefined;
  for (const { value } of [...values].reverse()) {
    const send = sent.get(value);
    if (send === undefined) continue;
    if (earliest !== undefined && earliest.atMs < send.sentAtMs) {
      found.add('reordered', value, `stands before ${earliest.value}, answered before this was sent, in ${copy.name}`);
    }
    const { outcome } = send;
    if (outcome.kind === 'answered' && outcome.atMs < (earliest?.atMs ?? Number.POSITIVE_INFINITY)) {
      earliest = { value, atMs: outcome.atMs };
    }
  }
}
