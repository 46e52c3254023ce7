// What P4.views is held against, and the Node that it wants: installed on demand, into a folder of their own, since nothing of it is needed by
// anybody who runs levelten.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The package `colyseus` itself wants one that is not to be had; these are what it is made of. */
const wanted: Readonly<Record<string, string>> = {
  node: '24.21.0',
  '@colyseus/core': '0.18.17',
  '@colyseus/ws-transport': '0.18.4',
  '@colyseus/schema': '5.0.34',
  '@colyseus/sdk': '0.18.4',
  '@colyseus/auth': '0.18.3',
  express: '5.3.0',
};
const installMsMax = 300_000;
const linesToldMax = 3;

export type Peers = {
  readonly folder: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
};

/** Installs what is not there. What cannot be had is said in the text of the error. */
export async function preparePeers(folder: string): Promise<Peers> {
  mkdirSync(folder, { recursive: true });
  const node = join(folder, 'node_modules/node/bin/node');
  if (missingIn(folder).length > 0 || !existsSync(node)) await install(folder);
  const missing = missingIn(folder);
  if (missing.length > 0) throw new Error(`${missing.join(', ')} cannot be installed`);
  if (!existsSync(node)) throw new Error('the package node has brought no node: its install script did not run');
  return { folder, node, versions: wanted };
}

function missingIn(folder: string): string[] {
  return Object.entries(wanted)
    .filter(([name, version]) => versionOf(folder, name) !== version)
    .map(([name, version]) => `${name}@${version}`);
}

function versionOf(folder: string, name: string): string | undefined {
  const path = join(folder, 'node_modules', name, 'package.json');
  return existsSync(path) ? manifestAt(path).version : undefined;
}

type Manifest = {
  readonly version?: string;
  readonly exports?: { readonly '.'?: { readonly import?: string } };
};

function manifestAt(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Its ES module, as its manifest names it: all of them must find the same one of each other. */
export function importPeer(folder: string, name: string): Promise<unknown> {
  const root = join(folder, 'node_modules', name);
  const file = manifestAt(join(root, 'package.json')).exports?.['.']?.import;
  if (file === undefined) throw new Error(`${name} has no ES module`);
  return import(pathToFileURL(join(root, file)).href);
}

function install(folder: string): Promise<void> {
  const packages = Object.entries(wanted).map(([name, version]) => `${name}@${version}`);
  const words = [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--legacy-peer-deps',
    ...packages,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('npm', words, { stdio: ['ignore', 'ignore', 'pipe'], timeout: installMsMax, cwd: folder });
    const lines: string[] = [];
    child.stderr.on('data', (data: Buffer) => {
      lines.push(
        ...String(data)
          .split('\n')
          .filter((line) => line.startsWith('npm error')),
      );
    });
    child.once('error', (error) => reject(new Error(`npm does not run: ${error.message}`)));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm cannot install ${packages.join(', ')}: ${lines.slice(0, linesToldMax).join(' | ')}`));
    });
  });
}
