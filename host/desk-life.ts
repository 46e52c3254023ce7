// What the documents of a desk do by themselves: they are woken when something is due in them, and what they asked for is carried out. A desk that
// begins finds those that its predecessor left: nothing of this is kept but in the documents.
import { CodedError, retryOf } from '../engine/base/errors.ts';
import { accountSpace, documentName } from '../engine/base/ids.ts';
import { absentMs, happeningsPerLookMax, wakeAgainMs, wakesPerLookMax } from '../engine/base/limits-life.ts';
import { quotaChannel } from '../engine/document/context.ts';
import type { Letter, Reply, TaskResult } from '../engine/document/document.ts';
import type { Claim } from '../engine/document/quota/claim.ts';
import type { DeskParts } from './desk-parts.ts';
import { Outbox } from './outbox.ts';
import { makesRoom, type Quotas } from './quotas.ts';
import type { AskDocument, Ran } from './running.ts';
import type { Waiters } from './waiters.ts';
import { WakeSearch } from './wake-search.ts';
import { Wakes } from './wakes.ts';

export type DeskLifeParts = Pick<
  DeskParts,
  'store' | 'chain' | 'runner' | 'deliver' | 'wallMs' | 'fatal' | 'onFailure'
> & {
  /** Whether anything more may be asked of documents. */
  readonly hasRoom: () => boolean;
  readonly isResident: (name: string) => boolean;
  /** Asks a document, from disk where it is not in memory. */
  readonly ask: AskDocument;
  readonly waiters: Waiters;
  readonly quotas: Pick<Quotas, 'claim' | 'over' | 'isClaiming'>;
  /** Whether anything is taken at all: an account also hears of what makes room. */
  readonly hasQueueRoom: () => boolean;
  /** Calls back when all that was made so far is committed; never where the desk stops before. */
  readonly whenCommitted: (then: () => void) => void;
};

export class DeskLife {
  readonly #parts: DeskLifeParts;
  readonly #wakes = new Wakes();
  /** Of those of which a view was closed: what was asked of them before that does not know it. */
  readonly #partings = new Wakes();
  readonly #outbox: Outbox;
  readonly #search: WakeSearch;
  #isSearching = false;
  #nowMs: number;
  #isStopped = false;

  constructor(parts: DeskLifeParts) {
    this.#parts = parts;
    this.#nowMs = parts.wallMs();
    this.#outbox = new Outbox({
      ...parts,
      effectOf: (document, name) => parts.runner.eventsOf(documentName(document).space)?.effects.get(name),
      settle: (document, incarnation, n, result, then) => this.#settle(document, { incarnation, n, result }, then),
      again: (document, refused) => this.#askForAll(document, refused),
    });
    this.#search = new WakeSearch(parts.store, parts.chain, (name) => {
      // Of those in memory it is known.
      if (!parts.isResident(name)) this.#wakes.lower(name, 0);
    });
  }

  /** Time went by. */
  tick(): void {
    if (this.#isStopped) return;
    const nowMs = this.#parts.wallMs();
    this.#nowMs = nowMs;
    if (!this.#isSearching) {
      this.#isSearching = true;
      this.#search.run().catch((cause: unknown) => {
        // After a stop the log may be cut under what is being read.
        if (!this.#isStopped) this.#parts.fatal(cause);
      });
    }
    this.#search.tick();
    this.#outbox.tick(nowMs);
    if (!this.#parts.hasRoom()) return;
    const names = [this.#wakes, this.#partings].flatMap((wakes) => wakes.due(nowMs, wakesPerLookMax));
    for (const name of new Set(names)) this.#happen(name, happeningsPerLookMax);
  }

  /** Something was done to a document: what is due in it now, and what it asked for. */
  ran(name: string, { seq, incarnation, tasks, wakeMs }: Ran): void {
    // Nothing was done.
    if (seq === 0) return;
    this.#wakes.set(name, wakeMs);
    if (tasks.length > 0) this.#parts.whenCommitted(() => this.#outbox.add(name, incarnation, tasks));
  }

  /** A view was closed: whoever closed his last one is missed after a while. */
  closed(name: string): void {
    if (this.#parts.runner.eventsOf(documentName(name).space)?.isPresenceKept !== true) return;
    this.#partings.lower(name, this.#nowMs + absentMs);
  }

  /**
   * Has a document take a message of another one in, and resolves with its answer once that is committed. Rejects with the refusals of an open, CHAIN_BUSY, and
   * CHAIN_NOT_SERVING or CONNECTION_LOST where nobody can say what became of it.
   */
  receive(name: string, letter: Letter): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped) return reject(new CodedError('CHAIN_NOT_SERVING', 'the chain is not headed here now'));
      const { waiters, quotas, ask, hasRoom, hasQueueRoom } = this.#parts;
      const isUrgent = documentName(name).space === accountSpace && makesRoom(letter);
      if (!(isUrgent ? hasQueueRoom() : hasRoom()))
        return reject(new CodedError('CHAIN_BUSY', 'too much waits for the disk'));
      if (letter.channel === quotaChannel && quotas.isClaiming(name))
        return reject(new CodedError('CHAIN_BUSY', 'something is being claimed for it'));
      waiters.add(reject);
      const refused = (error: CodedError): void => waiters.refuse(reject, error);
      // What would be refused for ever is an answer.
      const refusedReply = (error: CodedError): void => {
        if (error.code !== 'QUOTA_EXCEEDED') return refused(error);
        waiters.settle({ code: error.code, text: error.message, json: '' }, resolve, reject);
      };
      const done = ({ outcome }: Ran): void => {
        if (outcome.kind === 'failed') return refused(outcome.error);
        if (outcome.kind === 'ungranted') return begin(outcome.claim);
        if (outcome.kind !== 'replied') throw new CodedError('ENGINE_CORRUPT', `${name} did not reply`);
        waiters.settle(outcome.reply, resolve, reject);
      };
      /** It begins by this message, once its accounts know of it. */
      const begin = (grant: Claim): void => {
        const begun = (ran: Ran): void => {
          quotas.over(grant, ran.quota?.standing?.id === grant.id);
          done(ran);
        };
        const failed = (error: CodedError): void => {
          quotas.over(grant, false);
          refused(error);
        };
        quotas.claim(grant, () => ask(name, { kind: 'letter', letter, grant }, begun, failed), come, refusedReply);
      };
      const come = (): void => ask(name, { kind: 'letter', letter }, done, refused);
      come();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#search.stop();
    this.#outbox.stop();
  }

  /** What is due in a document, one thing after the other. */
  #happen(name: string, most: number): void {
    // What cannot be made, or is of no space any more, is not asked again and again.
    const refused = ({ code }: CodedError): void => {
      if (retryOf(code) === 'later') this.#wakes.lower(name, this.#nowMs + wakeAgainMs);
    };
    const done = ({ outcome, wakeMs = Infinity }: Ran): void => {
      if (outcome.kind === 'failed') return refused(outcome.error);
      // What is due behind `load` must not wait until the document has left memory.
      if (wakeMs > this.#parts.wallMs() || most <= 1 || this.#isStopped || !this.#parts.hasRoom()) return;
      this.#wakes.set(name, undefined);
      this.#happen(name, most - 1);
    };
    this.#parts.ask(name, { kind: 'tick' }, done, refused);
  }

  #askForAll(name: string, refused: () => void): void {
    const done = ({ outcome, incarnation, tasks }: Ran): void => {
      if (outcome.kind === 'failed') return refused();
      this.#parts.whenCommitted(() => this.#outbox.addAll(name, incarnation, tasks));
    };
    this.#parts.ask(name, { kind: 'tasks' }, done, refused);
  }

  #settle(
    name: string,
    { incarnation, n, result }: { incarnation: string; n: number; result: TaskResult },
    then: (isDone: boolean) => void,
  ): void {
    if (!this.#parts.hasRoom()) return then(false);
    this.#parts.ask(
      name,
      { kind: 'settle', incarnation, n, result },
      ({ outcome }) => {
        if (outcome.kind === 'failed') then(false);
        else this.#parts.whenCommitted(() => then(true));
      },
      () => then(false),
    );
  }
}
