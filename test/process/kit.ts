// What tests of whole clusters share: clients that wait for events, the command line, and the disks of stopped hosts.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../../bench/cluster.ts';
import { chainId, documentName, origin } from '../../engine/base/ids.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Definition, Resident } from '../../engine/document/document.ts';
import { createResident, replaySection } from '../../engine/document/document.ts';
import { sectionsOf } from '../../engine/store/format.ts';
import { walkLog } from '../../engine/store/log.ts';
import { storeDir } from '../../host/folder.ts';
import { LevelStore } from '../../host/level-store.ts';
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
  const store = await LevelStore.open(storeDir(cluster.dir, host));
  const hashes: string[] = [];
  const documents = new Map<string, Resident>();
  for (let chain = 0; chain < chains; chain += 1) {
    let last = `${origin.lsn}`;
    for await (const record of walkLog(store, chainId(chain), origin)) {
      last = `${record.lsn} ${record.hash}`;
      for (const { name, bytes } of sectionsOf(record)) {
        const resident = documents.get(name) ?? createResident(definition, documentName(name).name);
        documents.set(name, resident);
        replaySection(resident, bytes);
      }
    }
    hashes.push(last);
  }
  await store.close();
  return { hashes, documents };
}

/** What is in the store of a document, whoever may see it. */
export function stateOf(resident: Resident | undefined): Json | undefined {
  return resident?.state;
}
