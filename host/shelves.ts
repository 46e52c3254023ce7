// The documents of a desk: read from the store when somebody asks for one, in memory while they are used, and read again where memory was lost.
import { CodedError } from '../engine/base/errors.ts';
import type { DocumentName } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import { documentQueueMax, renewedAtOnce, unreadableToldMax } from '../engine/base/limits.ts';
import { returnMs } from '../engine/base/limits-life.ts';
import type { Stored } from '../engine/store/documents.ts';
import { indexToEnd, readDocument } from '../engine/store/documents.ts';
import { Audience } from './audience.ts';
import type { DeskParts } from './desk-parts.ts';
import type { Asked, Command, Lost, Ran, Running } from './running.ts';
import { unrun } from './running.ts';
import type { Kept, Loading, Shelf, Waiting } from './shelf.ts';
import { isOfVersions, isUnreadable, powersOf, tenantOf } from './shelf.ts';

export type ShelvesParts = Pick<
  DeskParts,
  'store' | 'chain' | 'index' | 'runner' | 'memory' | 'fatal' | 'full' | 'wallMs' | 'onFailure' | 'onUnreadable'
> & {
  readonly isSettled: (serial: number) => boolean;
  /** Calls back when all that was made so far is committed. */
  readonly whenCommitted: (then: () => void) => void;
  /** A document was made of what is stored, and may have been changed by that: it is there, and that is to be written before anybody sees it. */
  readonly onLoaded: (name: string, ran: Ran) => void;
  /** Those who view a document that is to be read again: they come first. */
  readonly viewers: (name: string) => Waiting[];
};

const restsText = 'the document stopped its thread again and again, and rests';
const stoppedText = 'the code of the application did not end, or ended its thread';

export class Shelves {
  readonly #parts: ShelvesParts;
  readonly #shelves = new Map<string, Shelf>();
  #indexing: Promise<void> = Promise.resolve();
  /** Documents that code of this version cannot serve. */
  readonly #told = new Set<string>();
  #isStopped = false;
  /** After a failover everybody comes back, some of them late. */
  readonly #returnByMs: number;

  constructor(parts: ShelvesParts) {
    this.#parts = parts;
    this.#returnByMs = parts.wallMs() + returnMs;
  }

  get size(): number {
    return this.#shelves.size;
  }

  get(name: string): Shelf | undefined {
    return this.#shelves.get(name);
  }

  kept(name: string): Kept | undefined {
    const shelf = this.#shelves.get(name);
    return shelf?.kind === 'resident' ? shelf : undefined;
  }

  /** What was made and is not committed is forgotten with the rest. */
  stop(): void {
    this.#isStopped = true;
    for (const shelf of this.#shelves.values()) {
      if (shelf.kind === 'resident') this.#parts.memory.gone(shelf.tenant);
      shelf.document?.drop();
    }
    this.#shelves.clear();
  }

  with(name: string, { run, refuse, isErasing = false, isOperator = false }: Waiting): void {
    if (!isOperator && this.#parts.runner.rests(name)) return refuse('DOCUMENT_RESTS', restsText);
    const shelf = this.#shelves.get(name);
    const waits = shelf?.kind === 'loading' ? shelf.waiting.length : (shelf?.document.pending ?? 0);
    if (waits >= documentQueueMax) return refuse('DOCUMENT_BUSY', 'too much waits for the document');
    if (shelf?.kind === 'resident') return run(shelf);
    const one: Waiting = { run, refuse, isErasing };
    if (shelf !== undefined) shelf.waiting.push(one);
    else this.#begin(name, [one]);
  }

  /**
   * Other code runs from now on: what is in memory with the code before it is given up and read again, as where a thread has gone, so that nothing is lost
   * and whoever views stays. A few at a time, with a pause between. Resolves with how many were, when none is there any more.
   */
  async renew(pause: () => Promise<void>): Promise<number> {
    this.#told.clear();
    const before = [...this.#shelves].map(([name, { document }]) => ({ name, document }));
    let count = 0;
    for (const { name, document } of before) {
      // What begins since runs the new code.
      if (document === undefined || this.#shelves.get(name)?.document !== document) continue;
      this.#onLost(name, { pending: document.drop(), stopped: undefined, due: 0 });
      count += 1;
      if (count % renewedAtOnce === 0) await pause();
    }
    return count;
  }

  /** Resolves when the index reaches to the end of the log. */
  indexed(): Promise<void> {
    const { store, chain, index } = this.#parts;
    this.#indexing = this.#indexing.then(() => indexToEnd(store, chain, index, () => this.#isStopped));
    return this.#indexing;
  }

  /** After a stop the log may be cut under what is being read: nobody waits for it any more. */
  failed(cause: unknown): void {
    if (!this.#isStopped) this.#parts.fatal(cause);
  }

  #begin(name: string, waiting: Waiting[]): Loading {
    const shelf: Loading = { kind: 'loading', waiting, document: undefined };
    this.#shelves.set(name, shelf);
    this.#load(name, shelf).catch((cause) => this.#notLoaded(name, shelf, cause));
    return shelf;
  }

  async #load(text: string, shelf: Loading): Promise<void> {
    const { name, space } = documentName(text);
    if (!this.#parts.runner.has(space)) throw new CodedError('SPACE_UNKNOWN', `there is no space ${space}`);
    const stored = await this.#read(name);
    if (!this.#isStopped)
      this.#make(name, shelf, { kind: 'load', stored, full: this.#parts.full(), returnByMs: this.#returnByMs });
  }

  #make(name: DocumentName, shelf: Loading, command: Command & { readonly kind: 'load' | 'ruin' }): void {
    const document = this.#parts.runner.begin(name, (lost) => this.#onLost(name, lost));
    shelf.document = document;
    document.ask(command, (ran) => {
      const { outcome } = ran;
      if (outcome.kind !== 'failed') return this.#loaded(name, shelf, document, ran);
      document.drop();
      const erasing = shelf.waiting.filter(({ isErasing }) => isErasing);
      if (erasing.length === 0) return this.#notLoaded(name, shelf, outcome.error);
      // What stands for it until it is ended. The others are refused.
      const { code, message } = outcome.error;
      for (const { refuse, isErasing } of shelf.waiting) if (isErasing !== true) refuse(code, message);
      shelf.waiting = erasing;
      this.#make(name, shelf, { ...command, kind: 'ruin' });
    });
  }

  #loaded(text: string, { waiting }: Loading, document: Running, ran: Ran): void {
    if (this.#shelves.get(text)?.kind !== 'loading') throw new CodedError('ENGINE_CORRUPT', `${text} was loaded twice`);
    const tenant = tenantOf(this.#shelves, text, document, this.#parts);
    const kept: Kept = { kind: 'resident', document, audience: new Audience(), serial: 0, tenant };
    this.#shelves.set(text, kept);
    this.#parts.onLoaded(text, ran);
    for (const { run } of waiting) run(kept);
    this.#parts.memory.used(tenant);
  }

  #notLoaded(text: string, { waiting }: Loading, cause: unknown): void {
    const isKnown = isUnreadable(cause) || isOfVersions(cause);
    const isRefused = isKnown || (cause instanceof CodedError && isNobodysFault.has(cause.code));
    if (this.#isStopped || !isRefused) return this.failed(cause);
    if (isUnreadable(cause)) this.#parts.onUnreadable(text, cause);
    if (isOfVersions(cause)) this.#tellOnce(text, cause);
    this.#shelves.delete(text);
    for (const { refuse } of waiting) refuse(cause.code, cause.message);
  }

  /** Whoever is refused comes again and again, until other code is deployed. */
  #tellOnce(text: string, cause: CodedError): void {
    if (this.#told.has(text) || this.#told.size >= unreadableToldMax) return;
    this.#told.add(text);
    this.#parts.onFailure(text, 'version', cause);
  }

  /** Every update of a document is in the log and durable while it is not resident: see tenantOf, and #onLost. */
  async #read(name: DocumentName): Promise<Stored> {
    const { store, chain, index } = this.#parts;
    await this.indexed();
    return await readDocument(store, chain, index, name);
  }

  /**
   * A thread has gone, and this document with it; or the code that it ran is another now. Nobody was told of what its updates that were not taken in did, so they have not been. It is
   * read again when the others are committed; viewers see it anew, and what was asked of it is asked again, but for what is to be blamed.
   */
  #onLost(text: string, { pending, stopped, due }: Lost): void {
    const shelf = this.#shelves.get(text);
    if (this.#isStopped || shelf === undefined) return;
    if (shelf.kind === 'loading') {
      shelf.document = undefined;
      if (stopped !== undefined) this.#notLoaded(text, shelf, new CodedError('HANDLER_STOPPED', stoppedText));
      else this.#load(text, shelf).catch((cause) => this.#notLoaded(text, shelf, cause));
      return;
    }
    this.#parts.memory.gone(shelf.tenant);
    const isResting = this.#parts.runner.rests(text);
    const viewers = this.#parts.viewers(text);
    const waiting = isResting ? [] : viewers;
    const again: Loading = { kind: 'loading', waiting, document: undefined };
    this.#shelves.set(text, again);
    // They come back with all that has no answer when it does.
    if (isResting) for (const { refuse } of viewers) refuse('DOCUMENT_RESTS', restsText);
    let isRefused = false;
    for (const asked of pending) {
      const { kind } = asked.command;
      const isDeed = kind === 'rewind' || kind === 'delete';
      if (asked === stopped) {
        this.#blame(text, asked, due, waiting);
        isRefused = isResting;
      } else if ((isRefused && !isDeed) || (isResting && kind === 'open')) {
        asked.then(unrun(asked.command, 'DOCUMENT_RESTS', restsText));
      } else if (kind === 'look') {
        // It names a viewer that is no more.
        asked.then(unrun(asked.command, 'CHAIN_BUSY', 'the document is read again'));
      } else if (kind !== 'reopen') waiting.push(askAgain(asked));
    }
    const settled = (): void => {
      if (this.#isStopped) return;
      // Where nobody waits it has left.
      if (again.waiting.length === 0) this.#shelves.delete(text);
      else this.#load(text, again).catch((cause) => this.#notLoaded(text, again, cause));
    };
    if (this.#parts.isSettled(shelf.serial)) settled();
    else this.#parts.whenCommitted(settled);
  }

  /** A message is refused in its place, and that is written: a repeat of it must not stop another thread. */
  #blame(text: string, asked: Asked, due: number, waiting: Waiting[]): void {
    const { command, then } = asked;
    const code = 'HANDLER_STOPPED';
    if (command.kind === 'send' || command.kind === 'undo') {
      const { request } = command;
      waiting.push(askAgain({ command: { kind: 'refuse', request, code, text: stoppedText }, then }));
      return;
    }
    this.#parts.onFailure(text, command.kind, new CodedError(code, stoppedText));
    if (command.kind === 'tick') waiting.push(askAgain({ command: { kind: 'pass', due }, then }));
    else if (command.kind === 'settle' || command.kind === 'letter') {
      waiting.push(askAgain({ command: { ...command, isStopped: true }, then }));
    } else then(unrun(command, code, stoppedText));
  }
}

const isNobodysFault: ReadonlySet<string> = new Set(['SPACE_UNKNOWN', 'HANDLER_STOPPED', 'ENGINE_FULL']);

function askAgain({ command, then }: Asked): Waiting {
  return {
    run: ({ document }) => document.ask(command, then),
    refuse: (code, text) => then(unrun(command, code, text)),
    ...powersOf(command),
  };
}
