// Other code for a host that runs. First it is asked, which changes nothing: the application is loaded, and held against what runs. Then it is told: the
// application is written down, takes the place of the one before it, and whatever is in memory is read again under it.
import { setImmediate as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CodedError } from '../engine/base/errors.ts';
import type { SpaceFindings, Verdict } from '../engine/document/definition/compare.ts';
import { compareSpaces, succeed, verdictOf } from '../engine/document/definition/compare.ts';
import type { Code, Loaded } from './code.ts';
import { load, noteDeployed } from './code.ts';
import type { Desk } from './desk.ts';
import type { MadeRunner } from './workers/make-runner.ts';

export type DeployerParts = {
  readonly dir: string;
  readonly code: Code;
  readonly replace: MadeRunner['replace'];
  /** All that run now. */
  readonly desks: () => readonly Pick<Desk, 'renew'>[];
  readonly log: Logger;
};

export type DeployAnswer = {
  /** The hash of what ran, and whether that is just this, from this file. */
  readonly was: string;
  readonly isRunning: boolean;
  readonly verdict: Verdict;
  readonly spaces: readonly SpaceFindings[];
  /** How many were in memory, and run the new code now; null where it was only asked. */
  readonly documents: number | null;
};

export class Deployer {
  readonly #parts: DeployerParts;
  #isBusy = false;

  constructor(parts: DeployerParts) {
    this.#parts = parts;
  }

  /**
   * `file` is to have this hash: it is what whoever asks has seen. APP_INVALID; DEPLOY_REFUSED where a change is forbidden, or breaks clients and `isBreaking` does
   * not say so; HOST_OPTIONS while another is under way.
   */
  async answer(args: Readonly<Record<string, unknown>>): Promise<DeployAnswer> {
    const { code } = this.#parts;
    const next = await load(String(args['file'] ?? ''));
    if (next.appHash !== args['appHash'])
      throw new CodedError('APP_INVALID', `${next.file} is not what was to be deployed`);
    const { runs } = code;
    const isRunning = runs.appHash === next.appHash && runs.file === next.file;
    const spaces = compareSpaces(runs.spaces, next.spaces);
    const verdict = verdictOf(spaces.flatMap(({ findings }) => findings));
    const answer = { was: runs.appHash, isRunning, verdict, spaces };
    code.expect(next.appHash);
    if (args['isTrial'] === true) return { ...answer, documents: null };
    if (verdict === 'forbidden')
      throw new CodedError('DEPLOY_REFUSED', 'it stores what cannot be read: a version with a step is missing');
    if (verdict === 'breaks clients' && args['isBreaking'] !== true)
      throw new CodedError('DEPLOY_REFUSED', 'it breaks clients');
    return { ...answer, documents: isRunning ? 0 : await this.#swap(next) };
  }

  async #swap(next: Loaded): Promise<number> {
    const { code, log, desks, replace, dir } = this.#parts;
    if (this.#isBusy) throw new CodedError('HOST_OPTIONS', 'a deploy is under way on this host');
    this.#isBusy = true;
    try {
      const { runs, given } = code;
      const { file, appHash } = next;
      const spaces = succeed(runs.spaces, next.spaces);
      // From here on a start runs it.
      await noteDeployed(dir, { given, file, appHash, former: runs.appHash, spaces });
      code.become({ ...next, spaces });
      const retire = replace(next);
      const counts = await Promise.all(desks().map((desk) => desk.renew(async () => void (await pause()))));
      await retire();
      const documents = counts.reduce((sum, count) => sum + count, 0);
      log.warn({ file, appHash, former: runs.appHash, documents }, 'other code runs here');
      return documents;
    } finally {
      this.#isBusy = false;
    }
  }
}
