// A host's answers to a backup. The head of a chain is asked, since it alone knows what is committed: first through which record the
// export shall reach, behind a barrier like every read (C18); then, when the chain is folded through that, for one page after the other.
// Writes, folds and trims go on. A page is small, and the next one is read when it is asked for: the pace is that of whoever takes the backup.
import type { Logger } from 'pino';
import { isServingHead } from '../chain/normal.ts';
import type { Replica } from '../chain/state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Lsn } from '../engine/base/ids.ts';
import { lsn } from '../engine/base/ids.ts';
import { cursorBytesMax, exportPageBytes } from '../engine/base/limits.ts';
import { readExport } from '../engine/store/export.ts';
import type { Store } from '../engine/store/store.ts';
import { countArgument } from './inspect.ts';

/**
 * `through`: to be said with the next question of this chain. `storeId`: where history is cut is this store's own. Either the chain is still
 * being folded, as far as `folded`, and is to be asked again; or this is a page: see ExportPage, with its bytes in base64.
 */
export type ExportAnswer = {
  readonly through: number;
  readonly storeId: string;
  readonly folded: number;
  readonly page?: {
    readonly next: string;
    readonly part?: { readonly offset: number; readonly length: number };
    readonly base64: string;
  };
};

export type ExporterParts = {
  readonly store: Store;
  readonly replicaOf: (chain: ChainId) => Replica | undefined;
  /** Calls back when all that was answered before is known to be committed; perhaps never. */
  readonly whenCommitted: (chain: ChainId, then: () => void) => void;
  /** False where the chain cannot be folded. */
  readonly hurry: (chain: ChainId, through: Lsn) => boolean;
  readonly log: Logger;
};

export class Exporter {
  readonly #parts: ExporterParts;

  constructor(parts: ExporterParts) {
    this.#parts = parts;
  }

  /** CHAIN_NOT_HEAD where another host is to be asked; ENGINE_CORRUPT where the chain cannot be read, or not be folded. */
  async answer(chain: ChainId, args: Readonly<Record<string, unknown>>): Promise<ExportAnswer> {
    const { store, hurry, log } = this.#parts;
    const cursor = String(args['cursor'] ?? '');
    if (cursor.length > cursorBytesMax) throw new CodedError('HOST_OPTIONS', 'the cursor is too long');
    const { epoch } = this.#headed(chain);
    if (args['through'] === undefined) {
      log.info({ chain, cursor }, 'an operator takes a backup');
      await new Promise<void>((resolve) => this.#parts.whenCommitted(chain, resolve));
    }
    const { committed } = this.#headed(chain, epoch);
    const through = lsn(countArgument(args['through'], 'through', committed, committed));
    const folded = store.base(chain).folded.lsn;
    const common = { through, storeId: store.identity.storeId, folded };
    if (folded < through) {
      if (hurry(chain, through)) return common;
      throw new CodedError('ENGINE_CORRUPT', `chain ${chain} cannot be folded: the host's log says why`);
    }
    try {
      const { next, bytes, part } = await readExport(store, chain, cursor, exportPageBytes);
      this.#headed(chain, epoch);
      const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
      return { ...common, page: { next, base64, ...(part === undefined ? {} : { part }) } };
    } catch (cause) {
      // What was being read may have been taken away: then this host says first that it heads the chain no more.
      this.#headed(chain, epoch);
      throw cause;
    }
  }

  #headed(chain: ChainId, epoch?: number): Replica {
    const replica = this.#parts.replicaOf(chain);
    if (replica !== undefined && isServingHead(replica) && (epoch ?? replica.epoch) === replica.epoch) return replica;
    throw new CodedError('CHAIN_NOT_HEAD', `chain ${chain} is not headed here now`);
  }
}
