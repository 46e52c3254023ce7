// E13 at the end: on every disk, what was folded is what the log's updates make of it, all of it, and the sum is theirs.
import { chainId } from '../../engine/base/ids.ts';
import { foldSections } from '../../engine/document/life/snapshot.ts';
import { noBase } from '../../engine/store/entries.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { sectionsOf } from '../../engine/store/format.ts';
import {
  addToSum,
  decodeSnapshotEntry,
  documentKeys,
  nameOfSnapshotKey,
  type StoredSnapshot,
} from '../../engine/store/snapshot-format.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export function checkSnapshots(world: World): void {
  for (const machine of world.machines) {
    for (let chain = 0; chain < world.cluster.chains; chain += 1) checkChain(world, machine, chain);
  }
}

function checkChain(world: World, machine: Machine, number: number): void {
  const chain = chainId(number);
  const found = (text: string): void => world.history.find('snapshots', `${machine.id} chain ${chain}: ${text}`);
  const base = machine.baseOf(number);
  if (base.hasLeftover) return;
  const { snapshots, sum } = snapshotsOf(machine, number);
  if (sum !== base.sum) found('its sum is not that of its snapshots');
  const sections = sectionsByName(machine.logOf(number));
  for (const [name, all] of sections) {
    const snapshot = snapshots.get(name);
    const isDue = all.some(({ lsn }) => lsn <= base.folded.lsn);
    if (isDue && snapshot === undefined) found(`${name} is not there, and was folded through ${base.folded.lsn}`);
    if (snapshot === undefined) continue;
    const folded = all.filter(({ lsn }) => lsn <= snapshot.lsn);
    const missed = all.find(({ lsn }) => lsn > snapshot.lsn && lsn <= base.folded.lsn);
    if (missed !== undefined) found(`${name} lacks record ${missed.lsn}, and was folded through ${base.folded.lsn}`);
    const state = foldSections(
      undefined,
      folded.map(({ bytes }) => bytes),
    );
    if (!Buffer.from(state).equals(snapshot.state))
      found(
        `${name} at ${snapshot.seq} (record ${snapshot.lsn} of ${machine.logOf(number).length}, folded ${base.folded.lsn}) is not what its updates make of it`,
      );
  }
}

function snapshotsOf(machine: Machine, chain: number): { snapshots: Map<string, StoredSnapshot>; sum: string } {
  const snapshots = new Map<string, StoredSnapshot>();
  let { sum } = noBase;
  const [[from, to]] = documentKeys(chainId(chain));
  for (const { key, value } of machine.disk.pairs(from, to)) {
    snapshots.set(nameOfSnapshotKey(key), decodeSnapshotEntry(key, value));
    sum = addToSum(sum, key, value, 1);
  }
  return { snapshots, sum };
}

type Piece = { readonly lsn: number; readonly bytes: Uint8Array };

function sectionsByName(log: readonly OpenedRecord[]): Map<string, Piece[]> {
  const sections = new Map<string, Piece[]>();
  for (const record of log) {
    for (const { name, bytes } of sectionsOf(record)) {
      const known = sections.get(name) ?? [];
      known.push({ lsn: record.lsn, bytes });
      sections.set(name, known);
    }
  }
  return sections;
}
