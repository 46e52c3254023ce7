// A desk over a real store, for tests: one host that heads a chain by itself, with viewers on a link that is listened to. Whatever is
// made is written, synced and committed by `settle`; folding and trimming come when they are asked for.
import { applyDelta } from '../../engine/base/delta.ts';
import type { DocumentName, Lsn } from '../../engine/base/ids.ts';
import { chainId, documentName, epoch } from '../../engine/base/ids.ts';
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import type { App, Principal } from '../../engine/document/define.ts';
import type { Resident } from '../../engine/document/document.ts';
import { createResident, definitionOf, replaySections } from '../../engine/document/document.ts';
import { foldDocument } from '../../engine/document/life/snapshot.ts';
import type { DocumentIndex } from '../../engine/store/document-index.ts';
import { createIndex, indexAfterFold, indexRecord } from '../../engine/store/document-index.ts';
import type { Folded } from '../../engine/store/folding.ts';
import { foldChain, trimLog } from '../../engine/store/folding.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { sectionsOf } from '../../engine/store/format.ts';
import type { OrderedStore } from '../../engine/store/port.ts';
import { Store } from '../../engine/store/store.ts';
import { Desk } from '../../host/desk.ts';
import type { Attached } from '../../host/front.ts';
import { Front } from '../../host/front.ts';
import type { InlineDocument } from '../../host/held.ts';
import { InlineRunner } from '../../host/held.ts';
import { Memory } from '../../host/memory.ts';
import { Post } from '../../host/post.ts';
import type { PoolCode } from '../../host/workers/document-pool.ts';
import { decodeToProxy, type ToProxy } from '../../proxy/link-wire.ts';
import { settled } from '../contract/memory-store.ts';
import { fakeEnv } from '../document/kit.ts';
import application from './desk-app.ts';
import type { Pool } from './pool.ts';

export const chain = chainId(0);
const one = epoch(1);
export const ada: Principal = { agent: 'ada', authority: 'test' };

export type ViewerStage = {
  readonly attached: Attached;
  readonly heard: ToProxy[];
  /** As the last opened and the deltas since make it; undefined once it was refused. */
  view: Json | undefined;
  n: number;
};

const noLink = { ask: () => Promise.reject(new Error('there is one host')), close: () => undefined };

type Clock = { nowMs: number };

/** In the loop, and remembers which documents it made last. */
class StageRunner extends InlineRunner {
  readonly documents = new Map<string, InlineDocument>();

  /** A millisecond passes with each look at the clock. */
  constructor(clock: Clock) {
    const { randomBytes16 } = fakeEnv();
    const look = (): number => {
      clock.nowMs += 1;
      return clock.nowMs;
    };
    super(application, () => ({ nowMs: look(), randomBytes16 }));
  }

  override begin(name: DocumentName): InlineDocument {
    const document = super.begin(name);
    this.documents.set(name, document);
    return document;
  }
}

export class DeskStage {
  readonly disk: OrderedStore;
  readonly history: number;
  store!: Store;
  index: DocumentIndex = createIndex();
  desk!: Desk;
  /** What desks ended their process for. */
  readonly fatal: unknown[] = [];
  readonly #runner: StageRunner | Pool;
  #code: App = application;
  /** All that was ever written of each document. */
  readonly #written = new Map<string, Uint8Array[]>();
  readonly failures: unknown[] = [];
  readonly clock: Clock = { nowMs: 1_700_000_000_000 };
  readonly #post = new Post({ chains: 1, deskOf: () => this.desk, peers: [], dial: () => noLink });
  /** How messages of documents travel. */
  deliver: Post['deliver'] = (to, letter) => this.#post.deliver(to, letter);
  #token = 0;
  #later: { readonly atMs: number; readonly isLong: boolean; readonly then: () => void }[] = [];
  #views = 0;

  /** Where documents run, unless a test says otherwise: in the loop where there is none. */
  static pool: Pool | undefined;
  /** Whose clock is that of threads. */
  static newest: DeskStage | undefined;

  constructor(disk: OrderedStore, history = 1_000, pool = DeskStage.pool) {
    this.disk = disk;
    this.history = history;
    DeskStage.newest = this;
    this.#runner = pool ?? new StageRunner(this.clock);
  }

  static async of(disk: OrderedStore, history?: number, pool?: Pool): Promise<DeskStage> {
    const stage = new DeskStage(disk, history, pool);
    await stage.start();
    return stage;
  }

  /** A process begins: reads what the disk holds, and heads the chain. */
  async start(): Promise<void> {
    const seen: Parameters<typeof indexRecord>[1][] = [];
    this.store = await Store.open(this.disk, [chain], { storeId: 's', host: 'h1', cluster: 'k' }, (r) => seen.push(r));
    this.index = createIndex(this.store.base(chain).folded);
    for (const record of seen) indexRecord(this.index, record);
    this.store.listen({ onSynced: () => {}, onFailed: (cause) => this.fatal.push(cause) });
    this.desk = this.makeDesk();
  }

  /** Why nothing new may be written. */
  full: string | undefined;
  /** Small, so that documents come and go. */
  memory = new Memory(20_000);

  readonly unreadable: string[] = [];

  makeDesk(): Desk {
    return new Desk({
      chain,
      epoch: one,
      members: 3,
      runner: this.#runner,
      store: this.store,
      index: this.index,
      wake: () => {},
      later: (ms, then) => this.#later.push({ atMs: this.clock.nowMs + ms, isLong: ms >= 1_000, then }),
      wallMs: () => this.clock.nowMs,
      deliver: (to, letter) => this.deliver(to, letter),
      fatal: (cause) => this.fatal.push(cause),
      full: () => this.full,
      memory: this.memory,
      onFailure: (_document, _where, failure) => this.failures.push(failure),
      onUnreadable: (document) => this.unreadable.push(document),
    });
  }

  /** Turns until nothing waits: everything that was made is durable, committed and let go. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 4; quiet += 1) {
      if (await this.turn()) quiet = 0;
      await settled();
    }
  }

  /** Time goes by, and what is due happens. */
  async advance(ms: number): Promise<void> {
    this.clock.nowMs += ms;
    // Once to wake who is due, and once for what came of that.
    for (let looks = 0; looks < 3; looks += 1) {
      this.desk.tick();
      await this.settle();
    }
  }

  /** Turns until this has come about. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const noted = promise.finally(() => {
      isSettled = true;
    });
    noted.catch(() => {});
    while (!isSettled) {
      await this.turn();
      await settled();
    }
    return await noted;
  }

  /** A viewer comes, and has its first view. */
  async come(name: string, session = 'new', who = ada): Promise<ViewerStage> {
    const viewer = this.open(name, session, who);
    while (viewer.heard.length === 0) {
      await this.turn();
      await settled();
      this.listen(viewer);
    }
    return viewer;
  }

  /** The document that is viewed here: as it is in memory, or, where that is another thread's, as what is committed makes it. */
  residentOf({ attached }: ViewerStage): Resident | undefined {
    const { name, isOpen } = attached;
    if (!isOpen) return undefined;
    if (this.#runner instanceof StageRunner) return this.#runner.documents.get(name)?.held.resident;
    return this.committed(name);
  }

  /** A document as what is committed makes it. */
  committed(text: string): Resident {
    const { name, space } = documentName(text);
    const definition = definitionOf(this.#code, space);
    if (definition === undefined) throw new Error(`there is a space ${space}`);
    const resident = createResident(definition, name);
    replaySections(resident, this.#written.get(name) ?? []);
    return resident;
  }

  /** The names of all that were ever written. */
  get names(): string[] {
    return [...this.#written.keys()];
  }

  /** Every section that was written of a document. */
  writtenOf(name: string): readonly Uint8Array[] {
    return this.#written.get(name) ?? [];
  }

  /** Other code takes the place of what runs, as a host has its desks do it. Resolves with how many documents were in memory. */
  async deploy(code: PoolCode): Promise<number> {
    this.#code = code.app;
    if (this.#runner instanceof StageRunner) {
      this.#runner.replace(code.app);
      return await this.during(this.desk.renew(settled));
    }
    const retire = this.#runner.replace(code);
    const count = await this.during(this.desk.renew(settled));
    await retire();
    return count;
  }

  #note(record: OpenedRecord): void {
    for (const { name, bytes } of sectionsOf(record)) {
      const written = this.#written.get(name) ?? [];
      this.#written.set(name, written);
      written.push(bytes);
    }
  }

  /** One turn; whether there was something to do. */
  async turn(): Promise<boolean> {
    const { queue } = this.desk;
    const { store } = this;
    let isBusy = this.#passTime();
    while (queue.hasUpdates) {
      const taken = queue.take({ chain, epoch: one, after: store.durable(chain) });
      if (taken === undefined) break;
      isBusy = true;
      store.append(chain, [taken.record], undefined);
      store.flush();
      while (store.durable(chain).lsn < taken.record.lsn) await settled();
      indexRecord(this.index, taken.record);
      this.#note(taken.record);
      queue.commit(taken.record.lsn);
    }
    if (!(this.#runner instanceof StageRunner) && this.#runner.isAsked) {
      await this.#runner.next();
      isBusy = true;
    }
    if (!queue.hasReads) return isBusy;
    this.#token += 1;
    queue.ask(this.#token);
    queue.passed(this.#token);
    return true;
  }

  /** All that was asked is made, and nothing of it committed. */
  async made(): Promise<void> {
    for (;;) {
      const isBusy = this.#passTime();
      if (!(this.#runner instanceof StageRunner) && this.#runner.isAsked) await this.#runner.next();
      else if (!isBusy) return;
    }
  }

  /** Whatever waits for a moment has waited long enough; for a second and more, the clock has to go on. */
  #passTime(): boolean {
    const { nowMs } = this.clock;
    const due = this.#later.filter(({ atMs, isLong }) => !isLong || atMs <= nowMs);
    if (due.length > 0) this.#later = this.#later.filter((one) => !due.includes(one));
    for (const { then } of due) then();
    return due.length > 0;
  }

  async fold(isTrimmed = true): Promise<void> {
    const { store, index } = this;
    for (;;) {
      const folded = await this.#pass(() => false);
      if (folded === undefined) break;
      indexAfterFold(index, folded.folded, folded.names);
    }
    if (isTrimmed) await trimLog(store, chain, store.base(chain).folded);
  }

  /** A pass that writes its documents and does not come to its end. */
  async foldPartly(): Promise<void> {
    let looks = 0;
    await this.#pass(() => {
      looks += 1;
      return looks > 1;
    });
  }

  #pass(isStopped: () => boolean): Promise<Folded | undefined> {
    const { store, history } = this;
    return foldChain(store, chain, {
      committed: store.durable(chain).lsn as Lsn,
      history,
      fold: async (tasks) => tasks.map(({ state, sections }) => foldDocument(state, sections)),
      pace: async () => {},
      isStopped,
    });
  }

  /** A viewer comes, over a link of its own unless there is one: then whoever came over that first hears what is said to both. */
  open(name: string, session = 'new', who = ada, link?: Front, state?: unknown): ViewerStage {
    const heard: ToProxy[] = [];
    const front = link ?? new Front({ send: (bytes) => this.#hear(viewer, decodeToProxy(bytes)), terminate: () => {} });
    this.#views += 1;
    const attached: Attached = {
      front,
      view: this.#views,
      name,
      who,
      desk: this.desk,
      session,
      create: undefined,
      look: state === undefined ? undefined : { n: 0, state },
      isOpen: false,
      viewer: undefined,
      kind: 0,
    };
    const viewer: ViewerStage = { attached, heard, view: undefined, n: 0 };
    this.desk.open(attached);
    return viewer;
  }

  send(viewer: ViewerStage, message: unknown, channel = 'run'): void {
    viewer.n += 1;
    const { attached } = viewer;
    // As the host's end of a link does it: a view that was closed is not heard.
    attached.front.views.get(attached.view)?.desk.send(attached, { n: viewer.n, done: viewer.n - 1, channel, message });
  }

  show(viewer: ViewerStage, channel: string, message: unknown): void {
    const { attached } = viewer;
    attached.front.views.get(attached.view)?.desk.ephemera.show(attached, channel, message);
  }

  look({ attached }: ViewerStage, n: number, state: unknown): void {
    attached.front.views.get(attached.view)?.desk.looks.look(attached, { n, state });
  }

  /** What viewers are told leaves. */
  listen(...viewers: readonly ViewerStage[]): void {
    for (const { attached } of viewers) attached.front.flush();
  }

  #hear(viewer: ViewerStage, messages: readonly ToProxy[]): void {
    for (const message of messages) {
      viewer.heard.push(message);
      if (message[0] === 2) viewer.view = JSON.parse(message[6]) as JsonObject;
      if (message[0] === 5) viewer.view = applyDelta(viewer.view, JSON.parse(message[3]) as Json) ?? {};
      if (message[0] === 9 && message[4] !== '' && message[1] === viewer.attached.view) {
        viewer.view = applyDelta(viewer.view, JSON.parse(message[4]) as Json) ?? {};
      }
      if (message[0] === 4 && message[2] === 0) viewer.view = undefined;
    }
  }
}
