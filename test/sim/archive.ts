// Every record that ever reached a disk: what is trimmed from all of them is still known to the checkers.
import type { ChainId, Position } from '../../engine/base/ids.ts';
import { lsnOfKey, type OpenedRecord, openRecord } from '../../engine/store/format.ts';

export class Archive {
  /** By chain and lsn: different histories may have had a record there. */
  readonly #records = new Map<string, Uint8Array[]>();

  add(key: Uint8Array, bytes: Uint8Array): void {
    const place = placeOf(((key[1] ?? 0) << 8) | (key[2] ?? 0), lsnOfKey(key));
    const known = this.#records.get(place) ?? [];
    if (known.some((one) => Buffer.compare(one, bytes) === 0)) return;
    known.push(bytes);
    this.#records.set(place, known);
  }

  /** The history that ends at `end`, from its first record on. Throws where a record of it was never on a disk. */
  historyTo(chain: ChainId, end: Position): OpenedRecord[] {
    const history: OpenedRecord[] = [];
    let { lsn, hash } = end as { lsn: number; hash: string };
    while (lsn > 0) {
      const known = this.#records.get(placeOf(chain, lsn))?.map(openRecord) ?? [];
      const record = known.find((one) => one.hash === hash);
      if (record === undefined) throw new Error(`record ${lsn} of chain ${chain} with hash ${hash} was on no disk`);
      history.push(record);
      [lsn, hash] = [lsn - 1, record.previousHash];
    }
    return history.reverse();
  }
}

function placeOf(chain: number, lsn: number): string {
  return `${chain} ${lsn}`;
}
