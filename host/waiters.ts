// Who waits, in this house, for something of a chain to be committed: told when it is, or when nobody can say any more what becomes of it.
import { CodedError } from '../engine/base/errors.ts';

export type Reject = (error: CodedError) => void;

export class Waiters {
  readonly #whenCommitted: (then: () => void) => void;
  readonly #rejects = new Set<Reject>();
  #isStopped = false;

  /** `whenCommitted` calls back when all that was made so far is committed; never where the chain stops before. */
  constructor(whenCommitted: (then: () => void) => void) {
    this.#whenCommitted = whenCommitted;
  }

  /** To be rejected where the chain stops, until it is settled or refused. */
  add(reject: Reject): void {
    if (this.#isStopped) reject(stopped());
    else this.#rejects.add(reject);
  }

  refuse(reject: Reject, error: CodedError): void {
    if (this.#rejects.delete(reject)) reject(error);
  }

  /** Resolves behind everything that was made so far. */
  settle<T>(value: T, resolve: (value: T) => void, reject: Reject): void {
    this.add(reject);
    this.#whenCommitted(() => {
      if (this.#rejects.delete(reject)) resolve(value);
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const reject of this.#rejects) reject(stopped());
    this.#rejects.clear();
  }
}

function stopped(): CodedError {
  return new CodedError('CONNECTION_LOST', 'the chain is headed here no more');
}
