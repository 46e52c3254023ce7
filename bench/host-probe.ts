// Looks into the host that runs in this process, and holds its folding: for measures that need what no user does. It wraps methods
// of the host's own classes before the host is composed, so that the product has no switch that only a bench would turn.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChainId } from '../engine/base/ids.ts';
import { chainId } from '../engine/base/ids.ts';
import { foldChain } from '../engine/store/folding.ts';
import { recordKey } from '../engine/store/format.ts';
import type { Put } from '../engine/store/port.ts';
import { documentKeys } from '../engine/store/snapshot-format.ts';
import { Store } from '../engine/store/store.ts';
import { Folding } from '../host/folding.ts';
import { Host } from '../host/host.ts';
import { LevelStore } from '../host/level-store.ts';
import { makeFoldPool } from '../host/workers/fold-pool.ts';

/** What was handed to the disk since the process began. Each write is one sync; bytes are those of keys and values. */
export type DiskCounts = {
  readonly writes: number;
  /** Writes that held records. */
  readonly logWrites: number;
  readonly records: number;
  readonly recordBytes: number;
  /** Snapshots and history. */
  readonly documentBytes: number;
  /** Marks, bases and cells, and the keys of what was removed. */
  readonly otherBytes: number;
};

/** How far one chain's store is: records in its log, of which so many are folded, and so many are gone. */
export type StoreState = { readonly durable: number; readonly folded: number; readonly floor: number };

const restMs = 5;
const recordKind = recordKey(chainId(0), 0)[0];
const documentKinds = documentKeys(chainId(0)).map(([from]) => from[0]);

export class HostProbe {
  #counts = { writes: 0, logWrites: 0, records: 0, recordBytes: 0, documentBytes: 0, otherBytes: 0 };
  #store: Store | undefined;
  #host: Host | undefined;
  #folding: Folding | undefined;
  #isHeld = false;
  #share = 1;
  #isFolding = false;
  #isResting = false;

  /** Once a process, before its host is composed. */
  install(): void {
    const count = (puts: readonly Put[]): void => this.#count(puts);
    const { write } = LevelStore.prototype;
    LevelStore.prototype.write = function (puts) {
      count(puts);
      return write.call(this, puts);
    };
    const { listen } = Store.prototype;
    const hostTick = Host.prototype.tick;
    const { tick } = Folding.prototype;
    const probe = this;
    Store.prototype.listen = function (events) {
      probe.#store = this;
      listen.call(this, events);
    };
    Host.prototype.tick = function () {
      probe.#host = this;
      hostTick.call(this);
    };
    Folding.prototype.tick = function (nowMs) {
      probe.#folding = this;
      if (!probe.#isHeld) tick.call(this, nowMs);
    };
  }

  get counts(): DiskCounts {
    return { ...this.#counts };
  }

  stateOf(chain: ChainId): StoreState {
    const { store } = this.#parts();
    const { folded, floor } = store.base(chain);
    return { durable: store.durable(chain).lsn, folded: folded.lsn, floor: floor.lsn };
  }

  /** From here on the host folds nothing by itself. */
  async hold(chain: ChainId): Promise<void> {
    this.#isHeld = true;
    await this.#folding?.quiesce(chain);
  }

  /**
   * Folds what is committed, in passes as the host does, with pauses as `share` has them; the chain trims behind each. Until nothing is
   * left, or there were so many passes. The host's own folding must be held.
   */
  async fold(chain: ChainId, history: number, passesMax = Number.POSITIVE_INFINITY): Promise<void> {
    const { store, host } = this.#parts();
    const pool = makeFoldPool();
    this.#isFolding = true;
    let sinceMs = performance.now();
    const pace = async (): Promise<void> => {
      await this.#rest(performance.now() - sinceMs);
      sinceMs = performance.now();
    };
    try {
      await pace();
      for (let passes = 0; passes < passesMax; passes += 1) {
        const committed = [...host.foldable()].find((one) => one.chain === chain)?.committed;
        if (committed === undefined) return;
        const folded = await foldChain(store, chain, {
          committed,
          history,
          fold: pool.fold,
          pace,
          isStopped: () => false,
        });
        if (folded === undefined) return;
        host.onFolded(chain, folded);
      }
    } finally {
      this.#isFolding = false;
      await pool.close();
    }
  }

  /** The share of time in which `fold` is at work, up to 1. With 0 it stands still where it is, and this resolves when it does. Fails where it has ended. */
  async setShare(share: number): Promise<void> {
    if (share > 0 && !this.#isFolding) throw new Error('nothing is left to fold');
    this.#share = share;
    while (share === 0 && this.#isFolding && !this.#isResting) await sleep(restMs);
  }

  /** After so much work: what is not time of folding, as while its share is 0, is not time of rest either. */
  async #rest(workMs: number): Promise<void> {
    let restedMs = 0;
    this.#isResting = true;
    while (this.#share === 0 || restedMs < workMs * (1 / this.#share - 1)) {
      const sinceMs = performance.now();
      await sleep(restMs);
      if (this.#share > 0) restedMs += performance.now() - sinceMs;
    }
    this.#isResting = false;
  }

  #parts(): { readonly store: Store; readonly host: Host } {
    if (this.#store === undefined) throw new Error('the host is not composed');
    const host = this.#host;
    if (host === undefined) throw new Error('the host has had no tick yet');
    return { store: this.#store, host };
  }

  #count(puts: readonly Put[]): void {
    const counts = this.#counts;
    const recordsBefore = counts.records;
    counts.writes += 1;
    for (const { key, value } of puts) {
      const bytes = key.length + (value?.length ?? 0);
      if (value === undefined) counts.otherBytes += bytes;
      else if (key[0] === recordKind) {
        counts.records += 1;
        counts.recordBytes += bytes;
      } else if (documentKinds.includes(key[0])) counts.documentBytes += bytes;
      else counts.otherBytes += bytes;
    }
    if (counts.records > recordsBefore) counts.logWrites += 1;
  }
}
