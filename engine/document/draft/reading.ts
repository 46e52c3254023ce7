// A document as policies and formulas hold it: the drafts of a handler, which refuse to write. Which fields of the document were looked at is
// noted, so that what was found is found anew only when one of them changed.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { Transaction } from './cursor.ts';
import { Cursor } from './cursor.ts';
import type { RecordPlan } from './draft.ts';

export type Reading = {
  readonly doc: object;
  /** The draft of a record inside, of which nothing is noted: whoever asks for it knows when it changes. */
  readonly recordOf: (plan: RecordPlan, record: JsonObject, key: string) => object;
  /** Drafts are dead from here on: the state is about to change. */
  readonly end: () => void;
};

/** `note` is told the name of each field of the document that is read. */
export function beginReading(plan: RecordPlan, state: JsonObject, note: (name: string) => void): Reading {
  const transaction: Transaction = {
    isAlive: true,
    isReadOnly: true,
    randomBytes16: undefined,
    tables: [],
    created: [],
  };
  return {
    doc: plan.draftOf(new NotingCursor(transaction, state, note)),
    recordOf: (inner, record, key) => inner.draftOf(new Cursor(transaction, record, undefined, key)),
    end: () => {
      transaction.isAlive = false;
    },
  };
}

/** Of the document itself: whatever is read of it is read through here first. */
class NotingCursor extends Cursor {
  readonly #note: (name: string) => void;

  constructor(transaction: Transaction, state: JsonObject, note: (name: string) => void) {
    super(transaction, state);
    this.#note = note;
  }

  override read(key: string): Json | undefined {
    this.#note(key);
    return super.read(key);
  }

  override child(key: string): Cursor {
    this.#note(key);
    return super.child(key);
  }
}
