// The documents of one chain, on the host that heads it, for as long as it does. Execution runs ahead of durability: a send is
// handled as it arrives, on top of what may not be committed yet. Visibility does not: whatever is derived from a document,
// refusals and views included, goes through the batcher and leaves when everything it may have seen is committed (C18).
// When the chain stops here, all of this is thrown away; the next desk reads its documents from the log.
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { DocumentName } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import { documentQueueMax } from '../engine/base/limits.ts';
import { definitionOf } from '../engine/document/define.ts';
import type { Definition, Env, Resident, ViewDelta } from '../engine/document/document.ts';
import { applySend, closeView, openView, takeFailures } from '../engine/document/document.ts';
import type { BackReader, Stored } from '../engine/store/documents.ts';
import { indexToEnd, readBack, readDocument } from '../engine/store/documents.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import { Audience } from './audience.ts';
import { Batcher } from './batcher.ts';
import type { ChainService } from './chain-service.ts';
import type { Deed, Done } from './deed.ts';
import type { DeskParts } from './desk-parts.ts';
import type { Attached, Front, SendRequest, ViewerDesk } from './front.ts';
import { readableBy, residentOf, ruinOf, type Shelf, tenantOf, type Waiting } from './shelf.ts';

/** For a viewer, or for somebody of this house: both wait for what they have seen. */
type Output = { readonly front: Front; readonly message: ToProxy } | (() => void);

type Refuse = (code: ErrorCode, text: string) => void;

export class Desk implements ChainService, ViewerDesk {
  readonly #parts: DeskParts;
  readonly queue: Batcher<Output>;
  readonly #documents = new Map<string, Shelf>();
  readonly #attached = new Set<Attached>();
  /** Which view speaks for a session: the one that opened it last. */
  readonly #speakers = new Map<string, Attached>();
  /** Who waits for a commit besides viewers. */
  readonly #waiting = new Set<(error: CodedError) => void>();
  #indexing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.queue = new Batcher((outputs) => {
      for (const output of outputs) {
        if (typeof output === 'function') output();
        else output.front.push(output.message);
      }
    });
  }

  get residentCount(): number {
    return this.#documents.size;
  }

  stop(): void {
    this.#isStopped = true;
    for (const { front, view } of this.#attached) {
      front.views.delete(view);
      front.push([toProxy.dropped, view, 'CHAIN_NOT_SERVING']);
    }
    for (const reject of this.#waiting) reject(new CodedError('CONNECTION_LOST', 'the chain is headed here no more'));
    this.#waiting.clear();
    this.#attached.clear();
    this.#speakers.clear();
    for (const shelf of this.#documents.values()) if (shelf.kind === 'resident') this.#parts.memory.gone(shelf.tenant);
    this.#documents.clear();
    this.#parts.wake();
  }

  /** Calls back when all that anybody was answered before is known here to be committed (C18); never where the chain stops before. */
  whenCommitted(then: () => void): void {
    this.queue.emit(then);
    this.#parts.wake();
  }

  /** A viewer comes; `session` is '' for none, 'new', or one it had. */
  open(attached: Attached): void {
    attached.front.views.set(attached.view, attached);
    this.#attached.add(attached);
    if (!this.queue.hasRoom) return this.#refuseUnseen(attached, 0, 'CHAIN_BUSY', 'too much waits for the disk');
    // Who comes without a session only reads.
    const full = attached.session === 'new' ? this.#parts.full() : undefined;
    if (full !== undefined) return this.#refuseUnseen(attached, 0, 'ENGINE_FULL', full);
    const refuse: Refuse = (code, text) => this.#refuseOpen(attached, code, text);
    this.#withDocument(attached.name, refuse, (resident) => this.#opened(attached, resident));
  }

  /**
   * Does something to a document beside its messages, and resolves with the seq that it then has once that is committed, in the record `lsn` or before it. Rejects with what
   * `make` throws, with the refusals of an open, CHAIN_BUSY, and CONNECTION_LOST where nobody can say any more what became of it.
   */
  act(text: string, make: (resident: Resident, env: Env) => Deed, isErasing = false): Promise<Done> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped) return reject(new CodedError('CHAIN_NOT_SERVING', 'the chain is not headed here now'));
      if (!this.queue.hasRoom) return reject(new CodedError('CHAIN_BUSY', 'too much waits for the disk'));
      // What makes room is let in.
      const full = isErasing ? undefined : this.#parts.full();
      if (full !== undefined) return reject(new CodedError('ENGINE_FULL', full));
      this.#waiting.add(reject);
      const refuse = (error: unknown): void => {
        this.#waiting.delete(reject);
        reject(error);
      };
      const run = (resident: Resident): void => {
        try {
          const before = resident.seq;
          const { updates, deltas, isDeleted } = make(resident, this.#parts.env());
          const shelf = this.#documents.get(text);
          if (shelf !== undefined) this.#add(shelf, text, before + 1, updates);
          if (shelf?.kind === 'resident') this.#parts.memory.used(shelf.tenant);
          this.#emitDeltas(text, resident, deltas);
          if (isDeleted === true) this.#expel(text);
          const { seq } = resident;
          this.#settle(undefined, () => resolve(this.#done(seq, isDeleted === true)), reject);
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          // It tells of what it has seen.
          this.#settle(error, refuse, reject);
        }
      };
      this.#withDocument(text, (code, why) => refuse(new CodedError(code, why)), run, isErasing);
    });
  }

  /** What was deleted is to leave every disk: so every member has to hear that it is committed. */
  #done(seq: number, isDeleted: boolean): Done {
    const lsn = this.queue.committedLsn;
    if (isDeleted) this.#followUp(this.#parts.members - 1);
    return { seq, lsn };
  }

  /** So many records more, one after the other is committed: each tells one more member what the head knows. */
  #followUp(left: number): void {
    if (left <= 0 || this.#isStopped) return;
    this.queue.followUp();
    this.queue.emit(() => this.#followUp(left - 1));
    this.#parts.wake();
  }

  #expel(text: string): void {
    for (const attached of this.#attached) {
      // Who has seen nothing of it yet opens what comes behind it.
      if (attached.name !== text || attached.resident === undefined) continue;
      const { front, view } = attached;
      this.close(attached);
      this.#emit(front, [toProxy.refused, view, 0, 0, 'DOCUMENT_DELETED', 'the document was deleted']);
    }
  }

  /** Reads what is stored of a document backwards, and resolves when all that it may have seen is committed. */
  async readBack(text: string, reader: BackReader): Promise<void> {
    const { store, chain, index } = this.#parts;
    try {
      await this.#indexed();
      await readBack(store, chain, index, text, readableBy(text, reader));
    } catch (cause) {
      if (isUnreadable(cause)) throw cause;
      this.#failed(cause);
      throw new CodedError('CHAIN_NOT_SERVING', 'the chain is headed here no more', { cause });
    }
    await new Promise<void>((resolve, reject) => {
      if (this.#isStopped) return reject(new CodedError('CHAIN_NOT_SERVING', 'the chain is headed here no more'));
      this.#settle(undefined, resolve, reject);
    });
  }

  /** Resolves behind everything that was made so far. */
  #settle<T>(value: T, resolve: (value: T) => void, reject: (error: CodedError) => void): void {
    this.#waiting.add(reject);
    this.queue.emit(() => {
      this.#waiting.delete(reject);
      resolve(value);
    });
    this.#parts.wake();
  }

  send(attached: Attached, request: SendRequest): void {
    const { front, view } = attached;
    const refused = (code: string, text: string): void => {
      this.#emit(front, [toProxy.refused, view, request.n, 0, code, text]);
    };
    const { n } = request;
    if (!this.queue.hasRoom) return this.#refuseUnseen(attached, n, 'CHAIN_BUSY', 'too much waits for the disk');
    const full = this.#parts.full();
    if (full !== undefined) return this.#refuseUnseen(attached, n, 'ENGINE_FULL', full);
    const shelf = this.#documents.get(attached.name);
    if (shelf?.kind === 'loading') {
      if (shelf.waiting.length >= documentQueueMax) return refused('DOCUMENT_BUSY', 'too much waits for the document');
      shelf.waiting.push({ run: () => this.send(attached, request), refuse: refused });
      return;
    }
    const { resident } = attached;
    if (shelf === undefined || resident === undefined) return refused('DOCUMENT_NOT_OPEN', 'open the document first');
    const { who, session } = attached;
    const before = resident.seq;
    const sent = applySend(resident, { who, session, ...request }, this.#parts.env());
    if (sent.update !== undefined) {
      this.#add(shelf, attached.name, before + 1, [sent.update]);
      this.#parts.memory.used(shelf.tenant);
    }
    if (sent.failure !== undefined) this.#parts.onFailure(attached.name, request.channel, sent.failure);
    const { result } = sent;
    if (result.kind === 'answered') this.#emit(front, [toProxy.answer, view, result.n, result.seq, result.json]);
    else this.#emit(front, [toProxy.refused, view, result.n, result.seq, result.code, result.text]);
    this.#emitDeltas(attached.name, resident, sent.deltas);
  }

  close(attached: Attached): void {
    const { front, view, viewer, resident } = attached;
    front.views.delete(view);
    if (this.#speakers.get(attached.session) === attached) this.#speakers.delete(attached.session);
    if (!this.#attached.delete(attached) || viewer === undefined || resident === undefined) return;
    closeView(resident, viewer);
    const shelf = this.#documents.get(attached.name);
    if (shelf?.kind === 'resident') shelf.audience.leave(attached);
  }

  #opened(attached: Attached, resident: Resident): void {
    if (!this.#attached.has(attached)) return;
    const shelf = this.#documents.get(attached.name);
    const before = resident.seq;
    const opened = openView(resident, { who: attached.who, session: attached.session }, this.#parts.env());
    if (shelf !== undefined) this.#add(shelf, attached.name, before + 1, opened.updates);
    this.#emitDeltas(attached.name, resident, opened.deltas);
    const { result } = opened;
    if (result.kind === 'refused') return this.#refuseOpen(attached, result.code, result.text);
    attached.resident = resident;
    attached.session = result.session;
    this.#takeOver(attached);
    if (shelf?.kind !== 'resident') throw new CodedError('ENGINE_CORRUPT', `${attached.name} is not there`);
    const number = shelf.audience.join(attached, result.viewer);
    this.#parts.memory.used(shelf.tenant);
    const { session, incarnation, seq, json } = result;
    this.#emit(attached.front, [toProxy.opened, attached.view, number, session, incarnation, seq, json]);
  }

  /**
   * A session speaks through one view at a time. What a client sent over a connection that it lost may still be on its way
   * when it has come back over another and numbered its sends anew: it must not be heard (C15).
   */
  #takeOver(attached: Attached): void {
    const { session } = attached;
    if (session === '') return;
    const former = this.#speakers.get(session);
    this.#speakers.set(session, attached);
    if (former === undefined) return;
    this.close(former);
    this.#emit(former.front, [toProxy.dropped, former.view, 'SESSION_EXPIRED']);
  }

  #refuseOpen(attached: Attached, code: string, text: string): void {
    const { front, view } = attached;
    if (!this.#attached.delete(attached)) return;
    front.views.delete(view);
    this.#emit(front, [toProxy.refused, view, 0, 0, code, text]);
  }

  /** The chain takes no more. This refusal has seen nothing of any document, so it waits for nothing. */
  #refuseUnseen(attached: Attached, n: number, code: ErrorCode, text: string): void {
    const { front, view } = attached;
    if (n === 0) {
      this.#attached.delete(attached);
      front.views.delete(view);
    }
    front.push([toProxy.refused, view, n, 0, code, text]);
    this.#parts.wake();
  }

  #add(shelf: Shelf, name: string, seqFirst: number, updates: readonly Uint8Array[]): void {
    updates.forEach((update, index) => {
      this.queue.add(name, seqFirst + index, update);
    });
    if (updates.length > 0 && shelf.kind === 'resident') shelf.serial = this.queue.serial;
  }

  #emit(front: Front, message: ToProxy): void {
    const last = message[message.length - 1];
    this.queue.emit({ front, message }, typeof last === 'string' ? last.length : 0);
    this.#parts.wake();
  }

  #emitDeltas(name: string, resident: Resident, deltas: readonly ViewDelta[]): void {
    const failed = takeFailures(resident);
    if (failed !== undefined) this.#parts.onFailure(name, `policy or formula ${failed.name}`, failed.failure);
    const shelf = this.#documents.get(name);
    if (deltas.length === 0 || shelf?.kind !== 'resident') return;
    shelf.audience.tell(deltas, resident.seq, (front, message) => this.#emit(front, message));
  }

  #withDocument(name: string, refuse: Refuse, run: (resident: Resident) => void, isErasing = false): void {
    const shelf = this.#documents.get(name);
    if (shelf?.kind === 'resident') return run(shelf.resident);
    const one: Waiting = { run, refuse, isErasing };
    if (shelf === undefined) {
      const waiting = [one];
      this.#documents.set(name, { kind: 'loading', waiting });
      this.#load(name, waiting).catch((cause) => this.#notLoaded(name, waiting, cause));
    } else if (shelf.waiting.length < documentQueueMax) shelf.waiting.push(one);
    else refuse('DOCUMENT_BUSY', 'too much waits for the document');
  }

  async #load(text: string, waiting: Waiting[]): Promise<void> {
    const { name, space } = documentName(text);
    const definition = definitionOf(this.#parts.app, space);
    if (definition === undefined) throw new CodedError('SPACE_UNKNOWN', `there is no space ${space}`);
    const stored = await this.#read(name);
    if (this.#isStopped) return;
    const resident = this.#residentOf(definition, name, stored, waiting);
    const shelf = this.#documents.get(text);
    if (shelf?.kind !== 'loading') throw new CodedError('ENGINE_CORRUPT', `${text} was loaded twice`);
    const loaded = {
      kind: 'resident',
      resident,
      audience: new Audience(),
      serial: 0,
      tenant: tenantOf(this.#documents, text, resident, this.queue),
    } as const;
    this.#documents.set(text, loaded);
    for (const { run } of waiting) run(resident);
    this.#parts.memory.used(loaded.tenant);
  }

  /** Where it cannot be made, and somebody waits to end it: what stands for it until then. The others are refused. */
  #residentOf(definition: Definition, name: DocumentName, stored: Stored, waiting: Waiting[]): Resident {
    try {
      return residentOf(definition, name, stored);
    } catch (cause) {
      const erasing = waiting.filter(({ isErasing }) => isErasing);
      if (!isUnreadable(cause) || erasing.length === 0) throw cause;
      for (const { refuse, isErasing } of waiting) if (isErasing !== true) refuse(cause.code, cause.message);
      waiting.splice(0, waiting.length, ...erasing);
      return ruinOf(definition, name, stored);
    }
  }

  #notLoaded(text: string, waiting: readonly Waiting[], cause: unknown): void {
    const isRefused = cause instanceof CodedError && (cause.code === 'SPACE_UNKNOWN' || isUnreadable(cause));
    if (this.#isStopped || !isRefused) return this.#failed(cause);
    if (isUnreadable(cause)) this.#parts.onUnreadable(text, cause);
    this.#documents.delete(text);
    for (const { refuse } of waiting) refuse(cause.code, cause.message);
  }

  /** After a stop the log may be cut under what is being read: nobody waits for it any more. */
  #failed(cause: unknown): void {
    if (!this.#isStopped) this.#parts.fatal(cause);
  }

  /** Every update of a document is in the log and durable while it is not resident: see `#evict`. */
  async #read(name: DocumentName): Promise<Stored> {
    const { store, chain, index } = this.#parts;
    await this.#indexed();
    return await readDocument(store, chain, index, name);
  }

  #indexed(): Promise<void> {
    const { store, chain, index } = this.#parts;
    this.#indexing = this.#indexing.then(() => indexToEnd(store, chain, index, () => this.#isStopped));
    return this.#indexing;
  }
}

function isUnreadable(cause: unknown): cause is CodedError {
  return cause instanceof CodedError && cause.code === 'DOCUMENT_UNREADABLE';
}
