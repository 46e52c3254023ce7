// What tests of whole clusters share: clients that wait for events, the command line, and the disks of stopped hosts.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../../bench/cluster.ts';
import { readStored } from '../../bench/stored.ts';
import { chainId, documentName, origin } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Definition, Resident } from '../../engine/document/document.ts';
import { createResident, replaySection, restoreResident } from '../../engine/document/document.ts';
import { readFolder } from '../../host/folder.ts';
import type { OpenDocument } from '../../proxy/client/node.ts';

/** Resolves when the document's view passes `holds`; at once where it does already. */
export function untilView<View>(document: OpenDocument<View>, holds: (view: View) => boolean): Promise<View> {
  return new Promise((done) => {
    let stop = (): void => {};
    const look = (view: View | undefined): void => {
      if (view === undefined || !holds(view)) return;
      stop();
      done(view);
    };
    stop = document.subscribe(look);
    look(document.view);
  });
}

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

const mainFile = fileURLToPath(new URL('../../host/cli/main.js', import.meta.url));

/** Runs `levelten` with these words. */
export function runCommand(...words: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ran = { out: '', err: '' };
    child.stdout.on('data', (data) => {
      ran.out += String(data);
    });
    child.stderr.on('data', (data) => {
      ran.err += String(data);
    });
    child.once('close', (code) => done({ code, ...ran }));
  });
}

export type DiskRead = { readonly hashes: readonly string[]; readonly documents: ReadonlyMap<string, Resident> };

/** Everything on the disk of a stopped host: the hash at the end of each chain, and every document of a space. */
export async function readDisk(
  cluster: Cluster,
  host: string,
  chains: number,
  definition: Definition,
): Promise<DiskRead> {
  const folder = await readFolder(cluster.dir);
  const documents = new Map<string, Resident>();
  const all = Array.from({ length: chains }, (_, chain) => chainId(chain));
  const ends = await readStored(folder, host, all, (_chain, { name, state, sections }) => {
    const key = documentName(name).name;
    const resident = state === undefined ? createResident(definition, key) : restoreResident(definition, key, state);
    for (const section of sections) replaySection(resident, section);
    documents.set(name, resident);
  });
  const hashes = all.map((chain) => {
    const { lsn, hash } = ends.get(chain) ?? origin;
    return lsn === 0 ? '0' : `${lsn} ${hash}`;
  });
  return { hashes, documents };
}

/** What is in the store of a document, whoever may see it. */
export function stateOf(resident: Resident | undefined): Json | undefined {
  return resident?.state;
}
