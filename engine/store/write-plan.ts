// One write out of everything that is queued: which entries it puts and removes, and what becomes durable with it.
import { assert } from '../base/assert.ts';
import type { ChainId, Hash, Lsn, Position } from '../base/ids.ts';
import { origin } from '../base/ids.ts';
import type { Base, StoredMarks } from './entries.ts';
import { baseKey, cellKey, encodeBase, encodeMarks, marksKey } from './entries.ts';
import { recordKey } from './format.ts';
import type { Put } from './port.ts';
import { isSeqFloorKey } from './snapshot-format.ts';
import type { Tally } from './tally.ts';

/**
 * What a store keeps in memory of a chain, however long its log and however many its documents. `trim`: what stands up to here is
 * being removed, and is read by nobody any more.
 */
export type ChainState = { marks: StoredMarks; base: Base; durable: Position; trim: Position };

export type StoredEntry = { readonly lsn: Lsn; readonly hash: Hash; readonly bytes: Uint8Array };

/** What became durable with one write: for a chain, the last of its records and its marks, where the write held any. */
export type Synced = {
  readonly chain: ChainId;
  readonly position: Position | undefined;
  readonly marks: StoredMarks | undefined;
  /** Records were removed from the end of the log. */
  readonly isCut: boolean;
};

/** What a voter keeps of one register: bytes that only chain/register/ knows. */
export type StoredCell = { readonly register: number; readonly bytes: Uint8Array };

export type LogWrite = {
  readonly chain: ChainId;
  readonly cut: Position | undefined;
  readonly entries: readonly StoredEntry[];
  readonly marks: Partial<StoredMarks> | undefined;
};

export type CellWrite = { readonly serial: number; readonly cells: readonly StoredCell[] };

/** Of documents below the log, and of where the log begins. */
export type DocumentsWrite = {
  readonly chain: ChainId;
  readonly puts: readonly Put[];
  readonly base: Partial<Base>;
  readonly done: () => void;
};

export type Planned = {
  readonly puts: readonly Put[];
  readonly synced: readonly Synced[];
  /** The serials of the cells in it. */
  readonly kept: readonly number[];
  readonly behind: PlannedBehind | undefined;
};

/** `end`: the log is another one from here on, and ends there. */
export type PlannedBehind = {
  readonly chain: ChainId;
  readonly base: Base;
  readonly end: Position | undefined;
  readonly done: () => void;
};

type Known = { -readonly [Field in keyof Synced]: Synced[Field] };
type Draft = {
  readonly puts: Put[];
  readonly kept: number[];
  readonly byChain: Map<ChainId, Known>;
  readonly tally: Tally;
};

/** `tally` counts what this changes: the write has to be made, or the process ends (E2). */
export function planWrite(
  taken: readonly (LogWrite | CellWrite)[],
  behind: DocumentsWrite | undefined,
  stateOf: (chain: ChainId) => ChainState,
  tally: Tally,
): Planned {
  const draft: Draft = { puts: [], kept: [], byChain: new Map(), tally };
  for (const item of taken) {
    if ('cells' in item) planCells(draft, item);
    else planLog(draft, item, stateOf(item.chain));
  }
  const { puts, kept, byChain } = draft;
  for (const { chain, marks, position } of byChain.values()) {
    if (marks !== undefined) putSmall(draft, marksKey(chain), encodeMarks(marks));
    // Nothing that lies there counts before a copy is whole.
    if (position !== undefined && !stateOf(chain).base.hasLeftover) tally.countEnd(chain, position);
  }
  const planned = behind === undefined ? undefined : planBehind(draft, behind, stateOf(behind.chain));
  puts.push(tally.next());
  return { puts, synced: [...byChain.values()], kept, behind: planned };
}

function planBehind(
  draft: Draft,
  { chain, puts, base: change, done }: DocumentsWrite,
  state: ChainState,
): PlannedBehind {
  const { base: before, durable } = state;
  const base = { ...before, ...change };
  draft.puts.push(...puts);
  for (const { key, value } of puts) if (isSeqFloorKey(key)) draft.tally.countEntry(key, value);
  putSmall(draft, baseKey(chain), encodeBase(base));
  if (base.hasLeftover === before.hasLeftover) {
    assert(
      base.hasLeftover || base.folded.lsn <= durable.lsn,
      'E13: what is folded is in the log, or the log begins there',
    );
    return { chain, base, end: undefined, done };
  }
  const end = base.hasLeftover ? origin : base.folded;
  draft.tally.countEnd(chain, end);
  return { chain, base, end, done };
}

function putSmall({ puts, tally }: Draft, key: Uint8Array, value: Uint8Array): void {
  puts.push({ key, value });
  tally.countEntry(key, value);
}

function planCells(draft: Draft, { serial, cells }: CellWrite): void {
  draft.kept.push(serial);
  for (const { register, bytes } of cells) putSmall(draft, cellKey(register), bytes);
}

function planLog({ puts, byChain }: Draft, { chain, cut, entries, marks }: LogWrite, state: ChainState): void {
  const known = byChain.get(chain) ?? { chain, position: undefined, marks: undefined, isCut: false };
  if (cut !== undefined) {
    const end = (known.position ?? state.durable).lsn;
    for (let lsn = cut.lsn + 1; lsn <= end; lsn += 1) puts.push({ key: recordKey(chain, lsn), value: undefined });
    known.position = cut;
    known.isCut = true;
  }
  for (const entry of entries) {
    puts.push({ key: recordKey(chain, entry.lsn), value: entry.bytes });
    known.position = { lsn: entry.lsn, hash: entry.hash };
  }
  if (marks !== undefined) known.marks = { ...(known.marks ?? state.marks), ...marks };
  byChain.set(chain, known);
}
