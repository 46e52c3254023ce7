// The disks of a cluster that has ended, each opened by itself: its logs and snapshots are checked, compared with those of the other
// disks, and its documents read from them. Runs keep the whole history of each document, so that every update can be looked at.

import type { ChainId, HostId, Position } from '../../engine/base/ids.ts';
import { chainId, documentName, hostId, origin, samePosition } from '../../engine/base/ids.ts';
import { definitionOf } from '../../engine/document/definition-of.ts';
import type { Resident } from '../../engine/document/document.ts';
import { createResident, replaySection, restoreResident, viewOf } from '../../engine/document/document.ts';
import { decodeSection } from '../../engine/document/life/update.ts';
import type { Folder } from '../../host/folder.ts';
import { readFolder } from '../../host/folder.ts';
import type { StoredDocument } from '../stored.ts';
import { readStored } from '../stored.ts';
import app from './app.ts';
import type { LedgerView } from './load.ts';
import type { Copy, StoredValue } from './record.ts';

export type Disks = {
  readonly copies: readonly Copy[];
  readonly recordsCompared: number;
  /** Logs that differ, records or documents that cannot be read. */
  readonly problems: readonly string[];
};

type Disk = {
  readonly copy: Copy;
  readonly ends: ReadonlyMap<ChainId, Position>;
  readonly problems: readonly string[];
};

type Ledger = {
  readonly resident: Resident;
  readonly values: Map<string, StoredValue>;
  problem: string | undefined;
};

export async function readDisks(dir: string): Promise<Disks> {
  const folder = await readFolder(dir);
  const disks: Disk[] = [];
  for (const { id } of folder.cluster.hosts) disks.push(await readDisk(folder, hostId(id)));
  return {
    copies: disks.map(({ copy }) => copy),
    recordsCompared: disks.flatMap(({ ends }) => [...ends.values()]).reduce((sum, { lsn }) => sum + lsn, 0),
    problems: [...disks.flatMap(({ problems }) => problems), ...compareLogs(disks)],
  };
}

async function readDisk(folder: Folder, host: HostId): Promise<Disk> {
  const ledgers = new Map<string, Ledger>();
  const problems: string[] = [];
  const chains = Array.from({ length: folder.cluster.chains }, (_, index) => chainId(index));
  let ends: ReadonlyMap<ChainId, Position> = new Map();
  try {
    ends = await readStored(folder, host, chains, (_chain, document) => takeDocument(ledgers, document));
  } catch (error) {
    problems.push(`${host}: ${String(error)}`);
  }
  for (const [doc, ledger] of ledgers) {
    const problem = ledger.problem ?? compareWithReplay(ledger);
    if (problem !== undefined) problems.push(`${host}: ${doc}: ${problem}`);
  }
  const documents = new Map([...ledgers].map(([doc, { values }]) => [doc, inOrder(values)]));
  return { copy: { name: host, documents }, ends, problems };
}

/** The values of a document are taken from all of its updates, as they are; and once more from what a host would load. */
function takeDocument(ledgers: Map<string, Ledger>, { name, state, history, sections }: StoredDocument): void {
  const ledger = createLedger(name, state);
  ledgers.set(name, ledger);
  let last = 0;
  for (const { kind, seq, redo } of [...history, ...sections].flatMap((bytes) => decodeSection(bytes))) {
    if (seq !== last + 1) ledger.problem ??= `update ${seq} follows ${last}`;
    last = seq;
    if (kind !== 'send') continue;
    for (const [place, entry] of Object.entries((redo as LedgerView).entries ?? {})) {
      ledger.values.set(place, { place, ...entry, seq });
    }
  }
  try {
    for (const bytes of sections) replaySection(ledger.resident, bytes);
  } catch (error) {
    ledger.problem ??= String(error);
  }
}

function createLedger(text: string, state: Uint8Array | undefined): Ledger {
  const { name, space } = documentName(text);
  const definition = definitionOf(app, space);
  if (definition === undefined) throw new Error(`there is no space ${space}`);
  const resident = state === undefined ? createResident(definition, name) : restoreResident(definition, name, state);
  return { resident, values: new Map(), problem: undefined };
}

function compareWithReplay({ resident, values }: Ledger): string | undefined {
  const { entries = {} } = viewOf(resident, { agent: 'reader', authority: 'faults' }) as LedgerView;
  const isSame = [...values].every(([place, { value }]) => entries[place]?.value === value);
  if (isSame && Object.keys(entries).length === values.size) return undefined;
  return `replayed, it holds ${Object.keys(entries).length} values; its updates hold ${values.size}`;
}

function inOrder(values: ReadonlyMap<string, StoredValue>): StoredValue[] {
  return [...values.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** Two histories are equal where they end at one lsn with one hash: a hash names all of it. */
function compareLogs(disks: readonly Disk[]): string[] {
  const problems: string[] = [];
  const [first, ...others] = disks;
  for (const [chain, end] of first?.ends ?? []) {
    for (const { copy, ends } of others) {
      const other = ends.get(chain) ?? origin;
      if (samePosition(end, other)) continue;
      problems.push(
        `chain ${chain}: ${first?.copy.name} ends at ${end.lsn} ${end.hash}, ${copy.name} at ${other.lsn} ${other.hash}`,
      );
    }
  }
  return problems;
}
