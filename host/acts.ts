// What is done to the documents of a desk beside their messages: a rewind, an end.
import { CodedError } from '../engine/base/errors.ts';
import { tooLate } from '../engine/document/open.ts';
import type { Claim } from '../engine/document/quota/claim.ts';
import type { Batcher } from './batcher.ts';
import type { Done } from './deed.ts';
import type { DeskParts } from './desk-parts.ts';
import type { Quotas } from './quotas.ts';
import type { AskDocument, Deed, Ran } from './running.ts';
import type { Waiters } from './waiters.ts';

export type ActsParts = Pick<DeskParts, 'full' | 'members' | 'wake'> & {
  readonly queue: Pick<Batcher<() => void>, 'committedLsn' | 'followUp' | 'emit'>;
  readonly waiters: Waiters;
  readonly isStopped: () => boolean;
  readonly hasRoom: () => boolean;
  readonly ask: AskDocument;
  readonly quotas: Pick<Quotas, 'claim' | 'over'>;
  /** Sends away who views a document that has ended. */
  readonly expel: (name: string) => void;
};

export class Acts {
  readonly #parts: ActsParts;

  constructor(parts: ActsParts) {
    this.#parts = parts;
  }

  /**
   * Does it, and resolves with the seq that the document then has once that is committed, in the record `lsn` or before it. Rejects with the failures of that, with the refusals
   * of an open, CHAIN_BUSY, and CONNECTION_LOST where nobody can say any more what became of it.
   */
  act(name: string, deed: Deed): Promise<Done> {
    const { isStopped, hasRoom, waiters, ask, expel } = this.#parts;
    const isErasing = deed.kind === 'delete';
    return new Promise((resolve, reject) => {
      if (isStopped()) return reject(new CodedError('CHAIN_NOT_SERVING', 'the chain is not headed here now'));
      if (!hasRoom()) return reject(new CodedError('CHAIN_BUSY', 'too much waits for the disk'));
      // What makes room is let in.
      const full = isErasing ? undefined : this.#parts.full();
      if (full !== undefined) return reject(new CodedError('ENGINE_FULL', full));
      waiters.add(reject);
      const refused = (error: CodedError): void => waiters.refuse(reject, error);
      const done = ({ outcome, seq }: Ran): void => {
        if (outcome.kind === 'ungranted') return this.#tell(name, deed, outcome.claim, done, refused, reask);
        // It tells of what it has seen.
        if (outcome.kind === 'failed') return waiters.settle(outcome.error, reject, reject);
        if (isErasing) expel(name);
        waiters.settle(undefined, () => resolve(this.#done(seq, isErasing)), reject);
      };
      const reask = (): void => ask(name, deed, done, refused);
      reask();
    });
  }

  /** Its accounts know of its end first. */
  #tell(
    name: string,
    deed: Deed,
    claim: Claim,
    done: (ran: Ran) => void,
    refused: (error: CodedError) => void,
    reask: () => void,
  ): void {
    const { quotas, ask } = this.#parts;
    const after = (ran: Ran): void => {
      quotas.over(claim, ran.outcome.kind === 'done');
      // They may be as slow each time.
      if (ran.outcome.kind === 'ungranted') refused(new CodedError('CHAIN_BUSY', tooLate));
      else done(ran);
    };
    const failed = (error: CodedError): void => {
      quotas.over(claim, false);
      refused(error);
    };
    quotas.claim(claim, () => ask(name, { ...deed, told: claim } as Deed, after, failed), reask, refused);
  }

  /** What was deleted is to leave every disk: so every member has to hear that it is committed. */
  #done(seq: number, isDeleted: boolean): Done {
    const lsn = this.#parts.queue.committedLsn;
    if (isDeleted) this.#followUp(this.#parts.members - 1);
    return { seq, lsn };
  }

  /** So many records more, one after the other is committed: each tells one more member what the head knows. */
  #followUp(left: number): void {
    const { queue, isStopped, wake } = this.#parts;
    if (left <= 0 || isStopped()) return;
    queue.followUp();
    queue.emit(() => this.#followUp(left - 1));
    wake();
  }
}
