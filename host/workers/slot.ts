// A place at which documents run: one thread at a time, and what is to be given to it. While a task is with the thread, what is asked gathers for
// the next one, so that a busy thread costs few messages. A thread that stays at one command for too long is ended, and another takes its place;
// so is one that dies. Its documents are lost then, and whoever holds them begins them anew.
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { assert } from '../../engine/base/assert.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import {
  commandsQueuedMax,
  handlerLooks,
  handlerMsMax,
  taskCommandsMax,
  threadStartMsMax,
  threadStartsMax,
} from '../../engine/base/limits.ts';
import type { Asked, Command, Lost, Ran, Running } from '../running.ts';
import type { Entry, Results, Task, ThreadData } from './document-wire.ts';
import { packStored, unpackRan, unpackThrown } from './document-wire.ts';

export type SlotParts = {
  readonly file: string;
  readonly appHash: string;
  /** For objects of one thread. */
  readonly heapMbMax: number;
  readonly nowMs: () => number;
  readonly fatal: (cause: unknown) => void;
  /** The application threw something while nothing was asked of it. */
  readonly onStray: (failure: unknown) => void;
  /** A thread has gone, with so many documents; `document` is to be blamed, where one was at work. */
  readonly onEnded: (documents: number, document: string | undefined) => void;
};

/** `asked` of those that have a result. */
type Posted = { readonly entry: Entry; readonly document: PooledDocument; readonly asked: Asked | undefined };

type Thread = { readonly pool: Piscina<Task, Results>; readonly at: Int32Array; readonly clock: NodeJS.Timeout };

const lookMs = handlerMsMax / handlerLooks;

export class Slot {
  readonly #parts: SlotParts;
  readonly documents = new Map<number, PooledDocument>();
  #gathering: Posted[] = [];
  #flight: { readonly number: number; readonly posted: readonly Posted[] } | undefined;
  #thread: Thread | undefined;
  #isDue = false;
  #isClosed = false;
  #task = 0;
  /** So many commands more are given one by one: a thread ended behind some, and nobody knows which of them it was. */
  #singly = 0;
  /** Threads that went one after the other and had done nothing. */
  #idleEnds = 0;
  /** Where the thread was seen last, and how often it was seen there since. */
  #seen = { task: 0, entry: 0, looks: 0 };

  constructor(parts: SlotParts) {
    this.#parts = parts;
  }

  /** What has no result yet. */
  get waiting(): number {
    return this.#gathering.length + (this.#flight?.posted.length ?? 0);
  }

  get threads(): Piscina['threads'] {
    return this.#thread?.pool.threads ?? [];
  }

  begin(id: number, name: DocumentName, onLost: (lost: Lost) => void): PooledDocument {
    const document = new PooledDocument(this, id, name, onLost);
    this.documents.set(id, document);
    this.#post({ entry: { kind: 'begin', id, name }, document, asked: undefined });
    return document;
  }

  ask(document: PooledDocument, asked: Asked): void {
    const command = packed(asked.command);
    this.#post({ entry: { kind: 'ask', id: document.id, nowMs: this.#parts.nowMs(), command }, document, asked });
  }

  close(document: PooledDocument, viewer: number): void {
    this.#post({
      entry: { kind: 'close', id: document.id, nowMs: this.#parts.nowMs(), viewer },
      document,
      asked: undefined,
    });
  }

  drop(document: PooledDocument): void {
    this.documents.delete(document.id);
    this.#post({ entry: { kind: 'drop', id: document.id }, document, asked: undefined });
  }

  async end(): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    clearInterval(thread.clock);
    await thread.pool.destroy();
  }

  /** With all that is asked in one message of a link. */
  #post(posted: Posted): void {
    if (this.#isClosed) return;
    this.#gathering.push(posted);
    if (this.#flight !== undefined || this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#give();
    });
  }

  #give(): void {
    if (this.#flight !== undefined || this.#gathering.length === 0 || this.#isClosed) return;
    this.#thread ??= this.#start();
    const thread = this.#thread;
    const posted = this.#gathering.splice(0, this.#singly > 0 ? 1 : taskCommandsMax);
    this.#singly = Math.max(this.#singly - 1, 0);
    this.#task = (this.#task % 0x7fff_ffff) + 1;
    this.#flight = { number: this.#task, posted };
    const entries = posted.map(({ entry }) => entry);
    // Copied, not handed over: what comes back undone is given again.
    thread.pool.run({ number: this.#task, entries }).then(
      (results) => this.#onResults(thread, results),
      () => this.#onEnded(thread, this.#entryOf(thread)),
    );
  }

  #start(): Thread {
    const progress = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
    const { file, appHash, heapMbMax } = this.#parts;
    const pool: Thread['pool'] = new Piscina({
      filename: fileURLToPath(new URL('document-worker.js', import.meta.url)),
      minThreads: 1,
      maxThreads: 1,
      // Timers and promises of the application go on between tasks, as they do in the loop of a host.
      atomics: 'disabled',
      workerData: { file, appHash, progress } satisfies ThreadData,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    });
    const clock = setInterval(() => this.#look(thread), lookMs);
    clock.unref();
    const thread: Thread = { pool, at: new Int32Array(progress), clock };
    // It may go while nothing is asked of it.
    pool.on('error', () => this.#onEnded(thread, this.#entryOf(thread)));
    pool.on('workerDestroy', () => this.#onEnded(thread, this.#entryOf(thread)));
    return thread;
  }

  /** A pause of this process is one look, however long it was. */
  #look(thread: Thread): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    const entry = this.#entryOf(thread);
    const isSame = this.#seen.task === flight.number && this.#seen.entry === entry;
    this.#seen = { task: flight.number, entry, looks: isSame ? this.#seen.looks + 1 : 0 };
    const looksMax = isOurs(entry, flight.posted) ? threadStartMsMax / lookMs : handlerLooks;
    if (this.#seen.looks >= looksMax) this.#onEnded(thread, entry);
  }

  /** Where in its task the thread is: see ThreadData. 0 where it has none, or has not come to it. */
  #entryOf({ at }: Thread): number {
    return this.#flight !== undefined && Atomics.load(at, 0) === this.#flight.number ? Atomics.load(at, 1) : 0;
  }

  #onResults(thread: Thread, { rans, taken, bytes, strays, crash }: Results): void {
    const flight = this.#flight;
    if (this.#thread !== thread || flight === undefined) return;
    this.#flight = undefined;
    this.#idleEnds = 0;
    for (const stray of strays) this.#parts.onStray(unpackThrown(stray));
    if (crash !== undefined) return this.#parts.fatal(unpackThrown(crash));
    this.#gathering.unshift(...flight.posted.slice(taken));
    // The thread goes on while its results are looked at.
    this.#give();
    let from = 0;
    const take = (length: number): Uint8Array => {
      from += length;
      return bytes.subarray(from - length, from);
    };
    let next = 0;
    try {
      for (const { document, asked } of flight.posted.slice(0, taken)) {
        if (asked === undefined) continue;
        const ran = rans[next];
        next += 1;
        assert(ran !== undefined, 'there is a result for each that was asked');
        document.onRan(asked, unpackRan(ran, take));
      }
    } catch (cause) {
      this.#parts.fatal(cause);
    }
  }

  #onEnded(thread: Thread, entry: number): void {
    if (this.#thread !== thread || this.#isClosed) return;
    const blamed = blamedIn(this.#flight?.posted ?? [], entry);
    if (entry < 0 && blamed === undefined) this.#singly = commandsQueuedMax;
    const documents = [...this.documents.values()];
    this.#thread = undefined;
    this.#flight = undefined;
    this.#gathering = [];
    this.documents.clear();
    clearInterval(thread.clock);
    thread.pool.destroy().catch(this.#parts.fatal);
    this.#parts.onEnded(documents.length, blamed?.document.name);
    this.#idleEnds += blamed === undefined ? 1 : 0;
    if (this.#idleEnds >= threadStartsMax) {
      return this.#parts.fatal(new CodedError('APP_INVALID', 'threads that run the application end by themselves'));
    }
    const due = Atomics.load(thread.at, 2);
    for (const document of documents) document.onEnded(blamed?.asked, due);
  }
}

/** Whether no code of the application is at work: what we do takes as long as a document is large. */
function isOurs(entry: number, posted: readonly Posted[]): boolean {
  return entry >= 0 && !runsApplication(posted[entry - 1]);
}

const kindsOfApplication: ReadonlySet<Command['kind']> = new Set([
  ...(['open', 'reopen', 'look', 'send', 'show', 'undo', 'rewind', 'delete'] as const),
  ...(['tick', 'settle', 'letter'] as const),
]);

function runsApplication(posted: Posted | undefined): boolean {
  return posted?.asked !== undefined && kindsOfApplication.has(posted.asked.command.kind);
}

/** Behind several commands it may be any of them. */
function blamedIn(posted: readonly Posted[], entry: number): Posted | undefined {
  if (entry >= 0) return posted[entry - 1];
  const [one, ...others] = posted.slice(0, -entry).filter(runsApplication);
  return others.length === 0 ? one : undefined;
}

function packed(command: Command): Command {
  return 'stored' in command ? { ...command, stored: packStored(command.stored) } : command;
}

/** A document that runs at a slot, as its desk has it. */
export class PooledDocument implements Running {
  readonly id: number;
  readonly name: DocumentName;
  readonly #slot: Slot;
  readonly #onLost: (lost: Lost) => void;
  #pending: Asked[] = [];
  #isOver = false;
  seq = 0;
  weight = 0;

  constructor(slot: Slot, id: number, name: DocumentName, onLost: (lost: Lost) => void) {
    this.#slot = slot;
    this.id = id;
    this.name = name;
    this.#onLost = onLost;
  }

  get pending(): number {
    return this.#pending.length;
  }

  ask(command: Command, then: (ran: Ran) => void): void {
    assert(!this.#isOver, `${this.name} is here`);
    const asked = { command, then };
    this.#pending.push(asked);
    this.#slot.ask(this, asked);
  }

  close(viewer: number): void {
    if (!this.#isOver) this.#slot.close(this, viewer);
  }

  drop(): readonly Asked[] {
    if (this.#isOver) return [];
    this.#isOver = true;
    this.#slot.drop(this);
    return this.#pending.splice(0);
  }

  onRan(asked: Asked, ran: Ran): void {
    if (this.#isOver) return;
    assert(this.#pending.shift() === asked, `results of ${this.name} come in order`);
    this.seq = ran.seq;
    this.weight = ran.weight;
    asked.then(ran);
  }

  onEnded(blamed: Asked | undefined, due: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const pending = this.#pending;
    this.#pending = [];
    this.#onLost({ pending, stopped: pending.find((asked) => asked === blamed), due });
  }
}
