// One document of a definition in memory, for the tests of whoever wrote it: the same code that a host runs, with a clock that stands still, and
// ids that follow from a seed. Nothing waits and nothing is mocked; what a chain of hosts adds is for createTestCluster.
//
// After each step it holds what must hold: the document's own rules; that what is stored of it makes the same document again; and that each view,
// kept by deltas, is the one that somebody would get who opens the document now, in another process.
import { AssertionFailed } from '../../engine/base/assert.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import { documentName } from '../../engine/base/ids.ts';
import { returnMs } from '../../engine/base/limits-life.ts';
import { answerJson } from '../../engine/document/answer.ts';
import type { AnswerValue, ViewerStateOf } from '../../engine/document/define.ts';
import type { Described } from '../../engine/document/definition/describe.ts';
import type {
  Env,
  Happened,
  LookRefused,
  Resident,
  SendRequest,
  Sent,
  ShowRefused,
  TaskResult,
  ViewDelta,
} from '../../engine/document/document.ts';
import {
  applyDelete,
  applyMigration,
  applyRewind,
  applySend,
  applyShows,
  applyUndo,
  checkResident,
  closeView,
  createResident,
  happen,
  isWaiting,
  replaySections,
  restoreResident,
  settleTask,
  shownTo,
  takeFailures,
  takeShown,
  turnView,
  undoChannel,
  waitingTasks,
  wakeMsOf,
} from '../../engine/document/document.ts';
import { FormerReader, UpdateReader } from '../../engine/document/life/history.ts';
import { encodeSnapshot } from '../../engine/document/life/snapshot.ts';
import { operator } from '../history.ts';
import { seededBytes } from './chance.ts';
import { deliverGranted, openGranted } from './granted.ts';
import type { Seat } from './seat.ts';
import { saidBy, tell, tellShown, wrongIn } from './seat.ts';
import type {
  AnswerOf,
  ChannelName,
  Failure,
  MessageOf,
  StateOf,
  Testable,
  TestOptions,
  TestReply,
  Waiting,
  Who,
} from './types.ts';
import { principalOf, refusing, replyOf, resultOf, TestBroken, TestRefused, waitingOf, whatFailed } from './types.ts';
import { differenceOf, differenceOfStored, frozen } from './values.ts';
import { afterDeploy, describeTest } from './verdict.ts';
import { TestViewer } from './viewer.ts';

const nowMsUsual = Date.parse('2025-01-01T00:00:00.000Z');

/** A document of this definition in memory, that nobody has opened yet. */
export function testDocument<D extends Testable>(definition: D, options: TestOptions = {}): TestDocument<D> {
  return new TestDocument(definition, options);
}

/** A document in memory, with a clock that stands still and ids that follow from a seed. After each step what must hold is checked: TestBroken. */
export class TestDocument<D extends Testable> {
  /** `test/KEY`. */
  readonly name: DocumentName;
  #definition: D;
  /** With what the definitions before it may have left behind. */
  #described: Described;
  readonly #seed: number;
  readonly #randomBytes16: () => Uint8Array;
  readonly #updates: Uint8Array[] = [];
  readonly #seats = new Map<TestViewer<D>, Seat>();
  readonly #failures: Failure[] = [];
  #letters = 0;
  #resident: Resident;
  #nowMs: number;

  constructor(definition: D, { key = 'one', nowMs = nowMsUsual, seed = 1 }: TestOptions) {
    this.name = documentName(`test/${key}`).name;
    this.#definition = definition;
    this.#described = describeTest(definition);
    this.#seed = seed;
    this.#randomBytes16 = seededBytes(seed);
    this.#resident = createResident(definition, this.name);
    this.#nowMs = nowMs;
  }

  /** All that is stored of it, whoever may see it: a frozen copy. */
  get state(): StateOf<D['types']['shape']> {
    return frozen(structuredClone(this.#resident.state)) as StateOf<D['types']['shape']>;
  }

  /** Of its last update; 0 before the first. */
  get seq(): number {
    return this.#resident.seq;
  }

  /** The time that handlers are told, in ms since 1970. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** What handlers, policies and formulas threw so far: none of it reaches a client, but a test may insist that there is none. */
  get failures(): readonly Failure[] {
    return [...this.#failures];
  }

  /**
   * Opens the document, in a session and a view of its own at each call, as in one more tab; `create` begins it by that where it does not exist, and `viewer` is what the view looks at.
   * TestRefused where that is refused.
   */
  as(who: Who, options: { readonly create?: unknown; readonly viewer?: ViewerStateOf<D> } = {}): TestViewer<D> {
    const principal = principalOf(who);
    const { create } = options;
    const request = { who: principal, session: 'new', create, look: saidBy(this.#definition, options.viewer) };
    const { result, ...happened } = openGranted(this.#resident, request, this.#env);
    this.#keep(happened.updates);
    if (result.kind === 'refused') throw new TestRefused(result.code, result.text, happened.failure?.failure);
    this.#tell(happened.deltas);
    const viewer = new TestViewer<D>(principal, {
      doc: this.name,
      send: (from, channel, message) => this.#send(from, channel, message),
      show: (from, channel, message) => this.#show(from, channel, message),
      look: (from, state) => this.#look(from, state),
      close: (from) => this.#close(from),
    });
    viewer.onLooked(request.look);
    const { viewer: inside, session } = result;
    this.#seats.set(viewer, { session, viewer: inside, kind: inside.kind.id, n: 0 });
    viewer.onView(result);
    const shown = shownTo(this.#resident, inside);
    if (shown !== '') viewer.onShown(shown);
    this.#check(`${principal.agent} opened it`);
    return viewer;
  }

  /** Ends the document for `who`, where the definition lets him: all views are over, and whoever opens it next begins it anew. TestRefused. */
  delete(who: Who): void {
    refusing(() => this.#keep([applyDelete(this.#resident, principalOf(who), this.#env, true).update]));
    for (const viewer of [...this.#seats.keys()]) viewer.close();
  }

  /** Whether `as` would be refused. Nothing is opened: it is tried on a copy. */
  mayOpen(who: Who): boolean {
    const env = { nowMs: this.#nowMs, randomBytes16: seededBytes(this.#seed) };
    return openGranted(this.#replayed(), { who: principalOf(who), session: 'new' }, env).result.kind === 'opened';
  }

  /** Moves the clock on, by whole ms (else RangeError). What becomes due on the way happens, each thing at its time: timers, rounds, who is missed. */
  advance(ms: number): void {
    if (!Number.isSafeInteger(ms) || ms < 0)
      throw new RangeError(`time goes on by whole milliseconds, and not by ${ms}`);
    const end = this.#nowMs + ms;
    for (;;) {
      const at = wakeMsOf(this.#resident, this.#nowMs);
      if (at === undefined || at > end) break;
      this.#nowMs = Math.max(this.#nowMs, at);
      this.#take(happen(this.#resident, this.#env), 'time went by');
    }
    this.#nowMs = end;
  }

  /** Effects and messages to other documents that were asked for, and of which the document has heard nothing yet. */
  get waiting(): readonly Waiting[] {
    return waitingTasks(this.#resident).map(waitingOf);
  }

  /** Has the document hear what came of an effect, by its number: its value, or the error that it failed with. */
  settle(n: number, value: AnswerValue | Error): void {
    this.#settle(n, 'effect', resultOf(value));
  }

  /** Has the document hear how another one answered to its message, by the number of that: an answer, or a refusal. */
  reply(n: number, reply: TestReply): void {
    this.#settle(n, 'message', replyOf(reply));
  }

  /** Has another document, `space/key`, send this one a message, and returns the answer. TestRefused. */
  receive<Name extends ChannelName<D>>(from: string, channel: Name, message: MessageOf<D, Name>): AnswerOf<D, Name> {
    this.#letters += 1;
    const letter = { from, incarnation: '0'.repeat(32), n: this.#letters, channel, message: answerJson(message) };
    const { reply, ...happened } = deliverGranted(this.#resident, letter, this.#env);
    this.#take(happened, `${from} sent ${channel}`);
    if (reply.code !== '') throw new TestRefused(reply.code, reply.text, happened.failure?.failure);
    return JSON.parse(reply.json) as AnswerOf<D, Name>;
  }

  #settle(n: number, kind: Waiting['kind'], result: TaskResult): void {
    if (!this.waiting.some((one) => one.n === n && one.kind === kind)) throw new Error(`no ${kind} ${n} waits`);
    this.#take(settleTask(this.#resident, n, result, this.#env), `${kind} ${n} was done`);
  }

  /** What happened to it without a viewer. */
  #take({ updates, deltas, failure }: Happened, after: string): void {
    this.#keep(updates);
    if (failure !== undefined) this.#fail('event', failure.where, failure.failure);
    this.#tell(deltas);
    this.#check(after);
  }

  /**
   * As if its host had died, and another went on with what is stored: all updates are replayed into a new document, and all viewers open it
   * again. TestBroken where anything is not what it was.
   */
  restart(): void {
    const before = this.#resident;
    const after = this.#replayed();
    const difference = differenceOfStored(before, after);
    if (difference !== undefined) throw this.#broken('it was replayed', difference);
    after.hours.expect(this.#nowMs + returnMs);
    this.#resident = after;
    this.#reopenAll();
    this.#check('a restart');
  }

  /** Sets the document to its state after update `seq`, by one more update, as an operator may. TestRefused, as HISTORY_GONE. */
  rewind(seq: number): void {
    refusing(() => {
      const reader = new FormerReader(seq);
      reader.begin(undefined, this.#updates);
      const acted = applyRewind(this.#resident, reader.former(), operator, this.#env);
      this.#keep([acted.update]);
      this.#tell(acted.deltas);
    });
    this.#check(`it was rewound to ${seq}`);
  }

  /**
   * The next version of its code takes its place, as by `levelten deploy`: the document is migrated, and its viewers are shown it anew. TestRefused
   * with DEPLOY_REFUSED where the state of documents is another and the version is not; with MIGRATION_FAILED or DOCUMENT_NEWER as its viewers
   * would be. What comes back is this same document, with the types of the new code.
   */
  deploy<E extends Testable>(definition: E): TestDocument<E> {
    const described = afterDeploy(this.#described, definition);
    const deployed = this as unknown as TestDocument<E>;
    const resident = deployed.#replayed(definition);
    refusing(() => {
      if (isWaiting(resident)) this.#keep([applyMigration(resident, this.#env).update]);
    });
    deployed.#definition = definition;
    this.#described = described;
    this.#resident = resident;
    this.#reopenAll(true);
    this.#check('other code was deployed');
    return deployed;
  }

  get #env(): Env {
    return { nowMs: this.#nowMs, randomBytes16: this.#randomBytes16 };
  }

  #send(viewer: TestViewer<D>, channel: string, message: unknown): Sent {
    const seat = this.#seatOf(viewer);
    const { session, n: last } = seat;
    const request = { who: viewer.who, session, n: last + 1, done: last, channel, message };
    const sent = channel === undoChannel ? this.#undo(request, message) : applySend(this.#resident, request, this.#env);
    const { update, deltas, result, failure } = sent;
    if (update !== undefined) {
      seat.n += 1;
      this.#keep([update]);
    }
    if (failure !== undefined) this.#fail('channel', channel, failure);
    viewer.onResult(result);
    this.#tell(deltas);
    this.#check(`${viewer.who.agent} sent ${channel}`);
    return sent;
  }

  #show(viewer: TestViewer<D>, channel: string, message: unknown): ShowRefused | undefined {
    this.#seatOf(viewer);
    const [refused] = applyShows(this.#resident, [{ who: viewer.who, channel, message }]);
    this.#tellShown();
    this.#check(`${viewer.who.agent} showed something in ${channel}`);
    return refused;
  }

  #look(viewer: TestViewer<D>, state: unknown): LookRefused | undefined {
    const seat = this.#seatOf(viewer);
    const turned = turnView(this.#resident, seat.viewer, state);
    const refused = 'kind' in turned ? turned : undefined;
    if (!('kind' in turned)) {
      seat.viewer = turned.viewer;
      viewer.onLooked(state);
      if (turned.json !== '') viewer.onDelta(this.seq, turned.json);
    } else if (turned.failure !== undefined) this.#fail('viewer state', '', turned.failure);
    this.#check(`${viewer.who.agent} looked elsewhere`);
    return refused;
  }

  #undo(request: SendRequest, message: unknown): Sent {
    const reader = new UpdateReader((message as { seq: number }).seq);
    reader.begin(undefined, this.#updates);
    return applyUndo(this.#resident, request, reader.update, this.#env);
  }

  #close(viewer: TestViewer<D>): void {
    closeView(this.#resident, this.#seatOf(viewer).viewer, this.#nowMs);
    this.#seats.delete(viewer);
    this.#tellShown();
    this.#check(`${viewer.who.agent} closed it`);
  }

  #seatOf(viewer: TestViewer<D>): Seat {
    const seat = this.#seats.get(viewer);
    if (seat === undefined) throw new Error(`${viewer.who.agent} does not view ${this.name}`);
    return seat;
  }

  #reopenAll(mayDiffer = false): void {
    for (const [viewer, seat] of this.#seats) this.#reopen(viewer, seat, mayDiffer);
    // What is shown is stored nowhere, so clients show it again.
    for (const viewer of this.#seats.keys()) viewer.showAgain();
  }

  #reopen(viewer: TestViewer<D>, seat: Seat, mayDiffer = false): void {
    const request = { who: viewer.who, session: seat.session, look: viewer.said };
    const { updates, deltas, result } = openGranted(this.#resident, request, this.#env);
    const what = `${viewer.who.agent} opened it again`;
    if (result.kind === 'refused') throw this.#broken(what, `that was refused: ${result.code}: ${result.text}`);
    const difference = differenceOf(JSON.parse(result.json), viewer.view as never);
    if (difference !== undefined && !mayDiffer) throw this.#broken(what, `the view is another: ${difference}`);
    this.#keep(updates);
    seat.viewer = result.viewer;
    seat.kind = result.viewer.kind.id;
    viewer.onView(result);
    if (result.lookRefused !== undefined) viewer.onLookRefused(result.lookRefused);
    this.#tell(deltas);
  }

  /** Updates are parts of larger buffers, which would be kept with them. */
  #keep(updates: readonly Uint8Array[]): void {
    for (const update of updates) this.#updates.push(new Uint8Array(update));
  }

  #tell(deltas: readonly ViewDelta[]): void {
    tell(this.#seats, deltas, this.seq);
    this.#tellShown();
  }

  #tellShown(): void {
    tellShown(this.#seats, takeShown(this.#resident));
  }

  #replayed(definition: D = this.#definition): Resident {
    const resident = createResident(definition, this.name);
    replaySections(resident, this.#updates);
    return resident;
  }

  #check(after: string): void {
    this.#noteFailures();
    const resident = this.#resident;
    try {
      checkResident(resident);
    } catch (cause) {
      if (!(cause instanceof AssertionFailed)) throw cause;
      throw this.#broken(after, cause.message, cause);
    }
    // Another document in memory, so that nothing that this one remembers of its policies and formulas is used.
    const fresh =
      resident.incarnation === '' ? resident : restoreResident(this.#definition, this.name, encodeSnapshot(resident));
    const wrong = wrongIn(this.#seats, resident, fresh);
    if (wrong !== undefined) throw this.#broken(after, wrong);
    // The check asked everything again: what threw has been noted.
    takeFailures(resident);
  }

  #fail(what: Failure['what'], name: string, error: unknown): void {
    this.#failures.push({ what, name, error, count: 1, seq: this.seq });
  }

  #noteFailures(): void {
    const failures = takeFailures(this.#resident);
    if (failures === undefined) return;
    const { name, failure: error, count } = failures;
    const what = whatFailed(this.#definition, name);
    this.#failures.push({ what, name, error, count, seq: this.seq });
  }

  #broken(after: string, finding: string, cause?: unknown): TestBroken {
    return new TestBroken(`${this.name} at ${this.seq}, after ${after}: ${finding}`, cause);
  }
}
