// The disks of a cluster that has ended, each opened by itself: its logs are checked record by record, compared with those of
// the other disks, and its documents read from them.

import type { ChainId, HostId } from '../../engine/base/ids.ts';
import { chainId, documentName, hostId, origin } from '../../engine/base/ids.ts';
import { definitionOf } from '../../engine/document/define.ts';
import type { Resident } from '../../engine/document/document.ts';
import { createResident, replaySection, viewOf } from '../../engine/document/document.ts';
import { decodeSection } from '../../engine/document/update.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { sectionsOf } from '../../engine/store/format.ts';
import { walkLog } from '../../engine/store/log.ts';
import type { Folder } from '../../host/folder.ts';
import { readFolder, storeDir } from '../../host/folder.ts';
import { LevelStore } from '../../host/level-store.ts';
import app from './app.ts';
import type { LedgerView } from './load.ts';
import type { Copy, StoredValue } from './record.ts';

export type Disks = {
  readonly copies: readonly Copy[];
  readonly recordsCompared: number;
  /** Logs that differ, records or documents that cannot be read. */
  readonly problems: readonly string[];
};

/** The rolling hashes of one log: that of lsn 1 first. */
type Log = readonly string[];
type Disk = { readonly copy: Copy; readonly logs: ReadonlyMap<ChainId, Log>; readonly problems: readonly string[] };

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
    recordsCompared: disks.flatMap(({ logs }) => [...logs.values()]).reduce((sum, log) => sum + log.length, 0),
    problems: [...disks.flatMap(({ problems }) => problems), ...compareLogs(disks)],
  };
}

async function readDisk(folder: Folder, host: HostId): Promise<Disk> {
  const store = await LevelStore.open(storeDir(folder.dir, host));
  const logs = new Map<ChainId, Log>();
  const ledgers = new Map<string, Ledger>();
  const problems: string[] = [];
  try {
    for (let index = 0; index < folder.cluster.chains; index += 1) {
      const hashes: string[] = [];
      logs.set(chainId(index), hashes);
      try {
        for await (const record of walkLog(store, chainId(index), origin)) {
          hashes.push(record.hash);
          takeRecord(ledgers, record);
        }
      } catch (error) {
        problems.push(`${host}: ${String(error)}`);
      }
    }
  } finally {
    await store.close();
  }
  for (const [doc, ledger] of ledgers) {
    const problem = ledger.problem ?? compareWithReplay(ledger);
    if (problem !== undefined) problems.push(`${host}: ${doc}: ${problem}`);
  }
  const documents = new Map([...ledgers].map(([doc, { values }]) => [doc, inOrder(values)]));
  return { copy: { name: host, documents }, logs, problems };
}

/** The values of a document are taken from its updates, as they are; and once more by replaying it as a host does. */
function takeRecord(ledgers: Map<string, Ledger>, record: OpenedRecord): void {
  for (const { name, bytes } of sectionsOf(record)) {
    const ledger = ledgers.get(name) ?? createLedger(name);
    ledgers.set(name, ledger);
    for (const { kind, seq, redo } of decodeSection(bytes)) {
      if (kind !== 'send') continue;
      for (const [place, entry] of Object.entries((redo as LedgerView).entries ?? {})) {
        ledger.values.set(place, { place, ...entry, seq });
      }
    }
    if (ledger.problem !== undefined) continue;
    try {
      replaySection(ledger.resident, bytes);
    } catch (error) {
      ledger.problem = String(error);
    }
  }
}

function createLedger(text: string): Ledger {
  const { name, space } = documentName(text);
  const definition = definitionOf(app, space);
  if (definition === undefined) throw new Error(`there is no space ${space}`);
  return { resident: createResident(definition, name), values: new Map(), problem: undefined };
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

/** Two logs are equal where they are equally long and their last hashes are equal: a hash names a whole history. */
function compareLogs(disks: readonly Disk[]): string[] {
  const problems: string[] = [];
  const [first, ...others] = disks;
  for (const [chain, log] of first?.logs ?? []) {
    for (const { copy, logs } of others) {
      const other = logs.get(chain) ?? [];
      if (log.length === other.length && log.at(-1) === other.at(-1)) continue;
      const at = log.findIndex((hash, index) => hash !== other[index]);
      const lengths = `${first?.copy.name} has ${log.length} records, ${copy.name} ${other.length}`;
      problems.push(`chain ${chain}: ${lengths}; they differ from lsn ${(at < 0 ? log.length : at) + 1}`);
    }
  }
  return problems;
}
