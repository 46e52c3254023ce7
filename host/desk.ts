// The documents of one chain, on the host that heads it, for as long as it does. Execution runs ahead of durability: a send is
// handled as it arrives, on top of what may not be committed yet. Visibility does not: whatever is derived from a document,
// refusals and views included, goes through the batcher and leaves when everything it may have seen is committed (C18).
// When the chain stops here, all of this is thrown away; the next desk reads its documents from the log.
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, DocumentName, Epoch } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import { documentQueueMax, documentsResidentMax } from '../engine/base/limits.ts';
import type { App } from '../engine/document/define.ts';
import { definitionOf } from '../engine/document/define.ts';
import type { Definition, Env, KindDelta, Resident, ViewKind } from '../engine/document/document.ts';
import {
  applySend,
  closeView,
  createResident,
  openView,
  replaySection,
  restoreResident,
} from '../engine/document/document.ts';
import type { DocumentIndex } from '../engine/store/document-index.ts';
import { indexRecord } from '../engine/store/document-index.ts';
import type { Stored } from '../engine/store/documents.ts';
import { readDocument } from '../engine/store/documents.ts';
import type { Store } from '../engine/store/store.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import { Batcher } from './batcher.ts';
import type { Attached, Front, SendRequest, ViewerDesk } from './front.ts';
import type { ChainService } from './host.ts';

export type DeskParts = {
  readonly chain: ChainId;
  readonly epoch: Epoch;
  readonly app: App;
  readonly store: Store;
  readonly index: DocumentIndex;
  readonly env: () => Env;
  /** Asks for a turn of the host. */
  readonly wake: () => void;
  readonly fatal: (cause: unknown) => void;
  /** The application failed: its developer wants to know, its clients are not told. */
  readonly onFailure: (document: string, channel: string, failure: unknown) => void;
};

type Output = { readonly front: Front; readonly message: ToProxy } | { readonly then: () => void };

type Shelf =
  | { readonly kind: 'loading'; readonly waiting: ((resident: Resident) => void)[] }
  | { readonly kind: 'resident'; readonly resident: Resident; viewers: number; serial: number };

export class Desk implements ChainService, ViewerDesk {
  readonly #parts: DeskParts;
  readonly queue: Batcher<Output>;
  readonly #documents = new Map<string, Shelf>();
  readonly #attached = new Set<Attached>();
  /** Which view speaks for a session: the one that opened it last. */
  readonly #speakers = new Map<string, Attached>();
  /** Through which links a kind of viewer is watched, under which number there, and by how many views. */
  readonly #fronts = new Map<ViewKind, Map<Front, { readonly number: number; views: number }>>();
  #indexing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.queue = new Batcher((outputs) => {
      for (const output of outputs) {
        if ('then' in output) output.then();
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
    this.#attached.clear();
    this.#speakers.clear();
    this.#documents.clear();
    this.#parts.wake();
  }

  /** Calls back when all that anybody was answered before is known here to be committed (C18); never where the chain stops before. */
  whenCommitted(then: () => void): void {
    this.queue.emit({ then });
    this.#parts.wake();
  }

  /** A viewer comes; `session` is '' for none, 'new', or one it had. */
  open(attached: Attached): void {
    attached.front.views.set(attached.view, attached);
    this.#attached.add(attached);
    if (!this.queue.hasRoom) return this.#refuseUnseen(attached, 0);
    this.#withDocument(attached.name, attached, (resident) => this.#opened(attached, resident));
  }

  send(attached: Attached, request: SendRequest): void {
    const { front, view } = attached;
    const refused = (code: string, text: string): void => {
      this.#emit(front, [toProxy.refused, view, request.n, 0, code, text]);
    };
    if (!this.queue.hasRoom) return this.#refuseUnseen(attached, request.n);
    const shelf = this.#documents.get(attached.name);
    if (shelf?.kind === 'loading') {
      if (shelf.waiting.length >= documentQueueMax) return refused('DOCUMENT_BUSY', 'too much waits for the document');
      shelf.waiting.push(() => this.send(attached, request));
      return;
    }
    const { resident } = attached;
    if (shelf === undefined || resident === undefined) return refused('DOCUMENT_NOT_OPEN', 'open the document first');
    const { who, session } = attached;
    const before = resident.seq;
    const sent = applySend(resident, { who, session, ...request }, this.#parts.env());
    if (sent.update !== undefined) this.#add(shelf, attached.name, before + 1, [sent.update]);
    if (sent.failure !== undefined) this.#parts.onFailure(attached.name, request.channel, sent.failure);
    const { result } = sent;
    if (result.kind === 'answered') this.#emit(front, [toProxy.answer, view, result.n, result.seq, result.json]);
    else this.#emit(front, [toProxy.refused, view, result.n, result.seq, result.code, result.text]);
    this.#emitDeltas(sent.deltas, resident.seq);
  }

  close(attached: Attached): void {
    const { front, view, viewKind, resident } = attached;
    front.views.delete(view);
    if (this.#speakers.get(attached.session) === attached) this.#speakers.delete(attached.session);
    if (!this.#attached.delete(attached) || viewKind === undefined || resident === undefined) return;
    const fronts = this.#fronts.get(viewKind);
    const place = fronts?.get(front);
    if (fronts !== undefined && place !== undefined) {
      place.views -= 1;
      if (place.views === 0) fronts.delete(front);
      if (fronts.size === 0) this.#fronts.delete(viewKind);
    }
    closeView(resident, viewKind);
    const shelf = this.#documents.get(attached.name);
    if (shelf?.kind === 'resident') shelf.viewers -= 1;
  }

  #opened(attached: Attached, resident: Resident): void {
    if (!this.#attached.has(attached)) return;
    const shelf = this.#documents.get(attached.name);
    const before = resident.seq;
    const opened = openView(resident, { who: attached.who, session: attached.session }, this.#parts.env());
    if (shelf !== undefined) this.#add(shelf, attached.name, before + 1, opened.updates);
    this.#emitDeltas(opened.deltas, resident.seq);
    const { result } = opened;
    if (result.kind === 'refused') return this.#refuseOpen(attached, result.code, result.text);
    attached.resident = resident;
    attached.session = result.session;
    this.#takeOver(attached);
    attached.viewKind = result.view;
    if (shelf?.kind === 'resident') shelf.viewers += 1;
    const number = this.#watch(result.view, attached.front);
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

  #watch(viewKind: ViewKind, front: Front): number {
    const fronts = this.#fronts.get(viewKind) ?? new Map<Front, { number: number; views: number }>();
    this.#fronts.set(viewKind, fronts);
    const place = fronts.get(front) ?? { number: front.nextKindNumber(), views: 0 };
    fronts.set(front, place);
    place.views += 1;
    return place.number;
  }

  #refuseOpen(attached: Attached, code: string, text: string): void {
    const { front, view } = attached;
    this.#attached.delete(attached);
    front.views.delete(view);
    this.#emit(front, [toProxy.refused, view, 0, 0, code, text]);
  }

  /** The chain takes no more. This refusal has seen nothing of any document, so it waits for nothing. */
  #refuseUnseen(attached: Attached, n: number): void {
    const { front, view } = attached;
    if (n === 0) {
      this.#attached.delete(attached);
      front.views.delete(view);
    }
    front.push([toProxy.refused, view, n, 0, 'CHAIN_BUSY', 'too much waits for the disk']);
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

  /** The delta of a kind goes once through each link on which the kind is watched. */
  #emitDeltas(deltas: readonly KindDelta[], seq: number): void {
    for (const { kind, json } of deltas) {
      for (const [front, { number }] of this.#fronts.get(kind) ?? []) {
        this.#emit(front, [toProxy.delta, number, seq, json]);
      }
    }
  }

  #withDocument(name: string, attached: Attached, run: (resident: Resident) => void): void {
    const shelf = this.#documents.get(name);
    if (shelf?.kind === 'resident') return run(shelf.resident);
    if (shelf === undefined) {
      this.#documents.set(name, { kind: 'loading', waiting: [run] });
      this.#load(name, attached).catch((cause) => this.#failed(cause));
    } else if (shelf.waiting.length < documentQueueMax) shelf.waiting.push(run);
    else this.#refuseOpen(attached, 'DOCUMENT_BUSY', 'too much waits for the document');
  }

  async #load(text: string, attached: Attached): Promise<void> {
    const { name, space } = documentName(text);
    const definition = definitionOf(this.#parts.app, space);
    if (definition === undefined) {
      this.#documents.delete(text);
      return this.#refuseOpen(attached, 'SPACE_UNKNOWN', `there is no space ${space}`);
    }
    const stored = await this.#read(name);
    if (this.#isStopped) return;
    const resident = residentOf(definition, name, stored);
    const shelf = this.#documents.get(text);
    if (shelf?.kind !== 'loading') throw new CodedError('ENGINE_CORRUPT', `${text} was loaded twice`);
    this.#evict();
    this.#documents.set(text, { kind: 'resident', resident, viewers: 0, serial: 0 });
    for (const run of shelf.waiting) run(resident);
  }

  /** After a stop the log may be cut under what is being read: nobody waits for it any more. */
  #failed(cause: unknown): void {
    if (!this.#isStopped) this.#parts.fatal(cause);
  }

  /** Every update of a document is in the log and durable while it is not resident: see `#evict`. */
  async #read(name: DocumentName): Promise<Stored> {
    const { store, chain, index } = this.#parts;
    this.#indexing = this.#indexing.then(async () => {
      if (index.through.lsn >= store.durable(chain).lsn) return;
      for await (const record of store.walk(chain, index.through)) {
        if (this.#isStopped) return;
        indexRecord(index, record);
      }
    });
    await this.#indexing;
    return await readDocument(store, chain, index, name);
  }

  /** Makes room: the oldest documents leave that nobody views and whose updates are all committed. */
  #evict(): void {
    if (this.#documents.size <= documentsResidentMax) return;
    for (const [name, shelf] of this.#documents) {
      if (shelf.kind !== 'resident' || shelf.viewers > 0 || !this.queue.isSettled(shelf.serial)) continue;
      this.#documents.delete(name);
      if (this.#documents.size <= documentsResidentMax) return;
    }
  }
}

function residentOf(definition: Definition, name: DocumentName, { snapshot, sections }: Stored): Resident {
  const resident =
    snapshot === undefined ? createResident(definition, name) : restoreResident(definition, name, snapshot.state);
  for (const section of sections) replaySection(resident, section);
  return resident;
}
