// Is all of it there, and is it what was written? A walk over a whole store, that reads every entry and holds it against its checksum, its key
// and its neighbours. It works on a store that is stopped, on one that opens, and on one that goes on:
//
//   each chain is walked at one moment of the store (S6). Every write leaves a chain whole (S1): records with the marks and the floor
//   that go with them, snapshots with their sum. So whatever such a moment shows that is wrong, is wrong, and folding, trims, cuts and copies
//   that go on meanwhile are not seen at all. A chain that is between two writes of a longer change says so (`hasLeftover`).
//
// What a moment costs: whatever is removed or replaced while a chain is walked keeps its space until the walk of that chain is done. So a chain
// is walked fast, and the rests that make a scrub cheap lie between chains, when no view is open.
import { CodedError } from '../base/errors.ts';
import type { ChainId } from '../base/ids.ts';
import { findingsMax, verifySliceBytes } from '../base/limits.ts';
import type { Identity } from './entries.ts';
import { decodeIdentity, identityKey } from './entries.ts';
import { smallKeys, strangeRanges } from './keys.ts';
import type { OrderedReader, OrderedStore, OrderedView } from './port.ts';
import { decodeTally, tallyKey } from './tally.ts';
import type { ChainWalked } from './verify-chain.ts';
import { walkChain } from './verify-chain.ts';
import type { Checks, Finding } from './verify-notes.ts';
import { Notes, whereOf } from './verify-notes.ts';
import { walkTally } from './verify-tally.ts';

export type VerifyOptions = {
  /** All chains of the cluster. */
  readonly chains: readonly ChainId[];
  /** Whose store it should be; its storeId where that is known. */
  readonly owner: { readonly host: string; readonly cluster: string; readonly storeId?: string };
  /** ENGINE_CORRUPT where it is not what a voter keeps for that register: only chain/register/ knows. */
  readonly checkCell: (register: number, bytes: Uint8Array) => void;
  /** Comes after each slice of `verifySliceBytes`, with what it cost, and waits. A view may be open: not for long. */
  readonly pace: (costBytes: number) => Promise<void>;
  /** Comes behind each chain, with what it came to and how much was found so far, and may wait for long. */
  readonly rest: (walked: ChainWalked, findings: number) => Promise<void>;
  /** Looked at after each slice and behind each chain: the walk is then given up. */
  readonly isStopped: () => boolean;
  readonly nowMs: () => number;
  /** Findings that are reported one by one; all are counted. */
  readonly findingsMax?: number;
  /** What a slice costs, in bytes; `verifySliceBytes` unless said. */
  readonly sliceBytes?: number;
};

export type VerifyReport = {
  readonly storeId: string | undefined;
  readonly chains: readonly ChainWalked[];
  readonly records: number;
  readonly snapshots: number;
  readonly blocks: number;
  readonly cells: number;
  readonly bytes: number;
  /** How often each check was made. */
  readonly checks: Checks;
  /** The first `findingsMax` of them. */
  readonly findings: readonly Finding[];
  readonly findingsCount: number;
  /** False where it was stopped before its end. */
  readonly isWhole: boolean;
  readonly ms: number;
};

/** A disk, or a store that goes on over it. */
export type Viewed = Pick<OrderedStore, 'view'>;

/** Walks all of a store. What is wrong is reported and never thrown, and so is a disk that does not give what it should. */
export async function verifyStore(disk: Viewed, options: VerifyOptions): Promise<VerifyReport> {
  const { chains, pace, isStopped, nowMs, rest } = options;
  const startMs = nowMs();
  const bounds = {
    findingsMax: options.findingsMax ?? findingsMax,
    sliceBytes: options.sliceBytes ?? verifySliceBytes,
  };
  const notes = new Notes({ ...bounds, pace, isStopped });
  const small = { cells: 0, storeId: undefined as string | undefined };
  await atOneMoment(disk, (view) => walkAround(view, options, notes, small));
  const lines: ChainWalked[] = [];
  for (const chain of chains) {
    notes.isStopped ||= isStopped();
    if (notes.isStopped) break;
    const line = await atOneMoment(disk, (view) => walkChain(view, chain, notes));
    lines.push(line);
    await rest(line, notes.findingsCount);
  }
  notes.isStopped ||= isStopped();
  // What is wrong by itself is wrong in the sum too: it is said once.
  if (!notes.isStopped && notes.findingsCount === 0) {
    await atOneMoment(disk, (view) => notes.guard(() => walkTally(view, chains, notes)));
  }
  const sumOf = (field: 'records' | 'snapshots' | 'blocks'): number =>
    lines.reduce((sum, line) => sum + line[field], 0);
  return {
    storeId: small.storeId,
    chains: lines,
    records: sumOf('records'),
    snapshots: sumOf('snapshots'),
    blocks: sumOf('blocks'),
    cells: small.cells,
    bytes: notes.bytes,
    checks: notes.checks,
    findings: notes.findings,
    findingsCount: notes.findingsCount,
    isWhole: !notes.isStopped,
    ms: nowMs() - startMs,
  };
}

async function atOneMoment<T>(disk: Viewed, walk: (view: OrderedView) => Promise<T>): Promise<T> {
  const view = disk.view();
  try {
    return await walk(view);
  } finally {
    await view.close();
  }
}

/** Everything that is of no chain's log and documents: the small entries, and what should not be there. */
async function walkAround(
  view: OrderedReader,
  options: VerifyOptions,
  notes: Notes,
  small: { cells: number; storeId: string | undefined },
): Promise<void> {
  const chains = new Set<number>(options.chains);
  await notes.guard(async () => {
    let isNamed = false;
    for await (const { key, value } of notes.entries(view, smallKeys, undefined)) {
      notes.checks.key += 1;
      if (key.length === 1 && key[0] === tallyKey[0]) {
        notes.check('small', 'tally', undefined, whereOf(key), () => decodeTally(value));
        continue;
      }
      if (key.length === 1 && key[0] === identityKey[0]) {
        isNamed = true;
        small.storeId = checkIdentity(value, options, notes)?.storeId;
        continue;
      }
      const kind = key.length === 3 ? key[0] : undefined;
      const number = kind === undefined ? -1 : ((key[1] ?? 0) << 8) | (key[2] ?? 0);
      if (kind === 0x03) {
        small.cells += 1;
        notes.check('small', 'cell', undefined, `register ${number}`, () => options.checkCell(number, value));
      } else if ((kind !== 0x02 && kind !== 0x04) || !chains.has(number)) {
        // Marks and bases of chains that are known are read with these.
        notes.find('key', undefined, whereOf(key), kind === 0x02 || kind === 0x04 ? strangeChain : strangeKey);
      }
    }
    if (!isNamed) notes.find('identity', undefined, whereOf(identityKey), 'the store does not say whose it is');
  });
  for (const range of strangeRanges(options.chains)) {
    await notes.guard(async () => {
      for await (const { key } of notes.entries(view, range, undefined)) {
        const isOfChain = key[0] === 0x10 || (key[0] ?? 0) >> 2 === 0x08;
        notes.checks.key += 1;
        notes.find('key', undefined, whereOf(key), isOfChain ? strangeChain : strangeKey);
      }
    });
  }
}

const strangeKey = 'a key of no kind that is known';
const strangeChain = 'the key of a chain that the cluster has not';

function checkIdentity(value: Uint8Array, { owner }: VerifyOptions, notes: Notes): Identity | undefined {
  return notes.check('identity', 'identity', undefined, whereOf(identityKey), () => {
    const identity = decodeIdentity(value);
    const { host, cluster, storeId } = identity;
    const isOurs = host === owner.host && cluster === owner.cluster && storeId === (owner.storeId ?? storeId);
    if (isOurs) return identity;
    const whose = `store ${storeId} of host ${host} of cluster ${cluster}`;
    throw new CodedError(
      'ENGINE_IDENTITY',
      `it is ${whose}, and should be that of host ${owner.host} of ${owner.cluster}`,
    );
  });
}
