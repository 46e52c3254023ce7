// Which application a host runs: at first the file that its `--app` names, and from a deploy on the one that was deployed, also after a restart. That is
// written down in the cluster's folder (DIR/deployed.json), with what it stores, shows and takes, so that the next one can be held against it. It counts
// for the `--app` beside which it was deployed: whoever starts with another one means that.
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../engine/base/errors.ts';
import type { App } from '../engine/document/define.ts';
import { succeed } from '../engine/document/definition/compare.ts';
import type { Described } from '../engine/document/definition/describe.ts';
import { describeApp } from '../engine/document/definition/describe.ts';
import { hashApplication, loadApplication } from './application.ts';
import { syncFolder, writeDurably } from './durable-file.ts';

/** What was deployed last. `given`: the `--app` beside it; `former`: the hash of what ran before. */
export type Deployed = {
  readonly given: string;
  readonly file: string;
  readonly appHash: string;
  readonly former: string;
  readonly spaces: Described;
};

/** An application with what can be said of it. */
export type Loaded = {
  readonly app: App;
  readonly file: string;
  readonly appHash: string;
  readonly spaces: Described;
};

export class Code {
  readonly given: string;
  #runs: Loaded;
  /** Who runs one of these may lead, as its peers and itself see it. */
  readonly #leaders: Set<string>;

  constructor(given: string, runs: Loaded, leaders: readonly string[]) {
    this.given = given;
    this.#runs = runs;
    this.#leaders = new Set(leaders);
  }

  get runs(): Loaded {
    return this.#runs;
  }

  mayLead(appHash: string): boolean {
    return this.#leaders.has(appHash);
  }

  /** It is being deployed: for some time hosts run one or the other. */
  expect(appHash: string): void {
    this.#leaders.add(appHash);
  }

  become(next: Loaded): void {
    this.expect(next.appHash);
    this.#runs = next;
  }
}

/** Loads an application from its file, anew where that was loaded before with another content. APP_INVALID. */
export async function load(file: string): Promise<Loaded> {
  const appHash = await hashApplication(file);
  return loadedOf(await loadApplication(file, appHash), file, appHash);
}

/** APP_INVALID where its definitions were made by another release of this package. */
export function loadedOf(app: App, file: string, appHash: string): Loaded {
  try {
    return { app, file, appHash, spaces: describeApp(app) };
  } catch (cause) {
    throw new CodedError('APP_INVALID', `the definitions of ${file} are not those of this levelten`, { cause });
  }
}

/** What a process of this cluster runs where its `--app` is `given`. APP_INVALID. */
export async function codeOf(dir: string, clusterHash: string, given: string): Promise<Code> {
  const deployed = await deployedBeside(dir, given);
  const loaded = await load(deployed?.file ?? given);
  const runs = deployed === undefined ? loaded : { ...loaded, spaces: succeed(deployed.spaces, loaded.spaces) };
  const leaders = deployed === undefined ? [] : [deployed.appHash, deployed.former];
  return new Code(given, runs, [clusterHash, ...leaders]);
}

/** What was deployed beside this `--app`; undefined where nothing was. HOST_OPTIONS where that cannot be read. */
export async function deployedBeside(dir: string, given: string): Promise<Deployed | undefined> {
  const file = fileIn(dir);
  if (!existsSync(file)) return undefined;
  try {
    const deployed = JSON.parse(await readFile(file, 'utf8')) as Deployed;
    return deployed.given === given ? deployed : undefined;
  } catch (cause) {
    throw new CodedError('HOST_OPTIONS', `${file} cannot be read: remove it to run ${given}`, { cause });
  }
}

export async function noteDeployed(dir: string, deployed: Deployed): Promise<void> {
  await writeDurably(fileIn(dir), `${JSON.stringify(deployed, undefined, 2)}\n`);
}

/** What was deployed beside another `--app` than this one counts no more. */
export async function forgetOthers(dir: string, given: string): Promise<void> {
  if (!existsSync(fileIn(dir)) || (await deployedBeside(dir, given)) !== undefined) return;
  await rm(fileIn(dir), { force: true });
  await syncFolder(dir);
}

function fileIn(dir: string): string {
  return join(dir, 'deployed.json');
}
