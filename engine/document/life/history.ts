// What a document went through, from its updates as they are kept: who did what when, and what its state was. A former state is found from
// the nearest one that is stored: forth by `redo` from a snapshot below it, or back by `undo` from the one above it. So nothing but
// updates is kept for it, and a rewind reads only what lies between.
import { CodedError } from '../../base/errors.ts';
import type { Principal } from '../../base/ids.ts';
import type { Former } from '../operate.ts';
import type { Past } from './past.ts';
import { createPast, takeBack, takeUpdate } from './past.ts';
import { decodeSnapshot } from './snapshot.ts';
import type { Update, UpdateKind } from './update.ts';
import { decodeSection, lifeIn } from './update.ts';

/** One update, without anything of what the document holds. */
export type HistoryLine = {
  readonly seq: number;
  readonly kind: UpdateKind;
  readonly who: Principal;
  /** In ms since 1970. */
  readonly atMs: number;
  /** Of a send; else ''. */
  readonly channel: string;
  /** '' = done, else what it was refused with. */
  readonly code: string;
  /** What a rewind went back to; else 0. */
  readonly to: number;
};

/** What reads a document's history backwards: first what is stored of it, then its blocks of folded updates, the newest first. */
export interface HistoryReader {
  /** Begins, or begins anew. False: no block is wanted. */
  begin(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): boolean;
  /** False: that was enough. */
  block(updates: Uint8Array): boolean;
}

/** Lines by falling seq, from below `before` on, up to `max`. */
export class HistoryLister implements HistoryReader {
  readonly #before: number;
  readonly #max: number;
  lines: HistoryLine[] = [];
  /** Of its last update; 0 where there is no such document. */
  seq = 0;

  constructor(before: number, max: number) {
    this.#before = before;
    this.#max = max;
  }

  begin(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): boolean {
    this.lines = [];
    const { deletedSeq, updates } = lifeIn(sections);
    const isFolded = snapshot !== undefined && deletedSeq === 0;
    this.seq = updates.at(-1)?.seq ?? (isFolded ? decodeSnapshot(snapshot).seq : 0);
    return this.#take(updates) && isFolded;
  }

  block(updates: Uint8Array): boolean {
    return this.#take(decodeSection(updates));
  }

  #take(updates: readonly Update[]): boolean {
    for (let at = updates.length - 1; at >= 0; at -= 1) {
      const update = updates[at] as Update;
      // A block may have grown since its snapshot was read: what it has more is in the sections already.
      const last = this.lines.at(-1)?.seq ?? this.#before;
      if (update.seq >= last || update.seq > this.seq) continue;
      if (this.lines.length >= this.#max) return false;
      this.lines.push(lineOf(update));
    }
    return this.lines.length < this.#max;
  }
}

/** Update `seq` by itself, where it is kept and of the document that there is now. */
export class UpdateReader implements HistoryReader {
  readonly #seq: number;
  update: Update | undefined;

  constructor(seq: number) {
    this.#seq = seq;
  }

  begin(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): boolean {
    const { deletedSeq, updates } = lifeIn(sections);
    this.#look(updates);
    return this.update === undefined && snapshot !== undefined && deletedSeq < this.#seq;
  }

  block(updates: Uint8Array): boolean {
    return this.#look(decodeSection(updates));
  }

  /** Whether it may stand further back. */
  #look(updates: readonly Update[]): boolean {
    this.update ??= updates.find(({ seq }) => seq === this.#seq);
    const [first] = updates;
    return this.update === undefined && first !== undefined && first.seq > this.#seq && first.kind !== 'invent';
  }
}

/** The state after update `seq`. */
export class FormerReader implements HistoryReader {
  readonly #seq: number;
  #past: Past = createPast();

  constructor(seq: number) {
    this.#seq = seq;
  }

  begin(snapshot: Uint8Array | undefined, sections: readonly Uint8Array[]): boolean {
    const { deletedSeq, updates } = lifeIn(sections);
    this.#past = snapshot === undefined || deletedSeq > 0 ? createPast() : decodeSnapshot(snapshot);
    for (const update of updates) {
      // Its first one at least: so that it is known that it exists.
      if (this.#past.incarnation === '' || this.#past.seq < this.#seq) takeUpdate(this.#past, update);
    }
    return this.#past.seq > this.#seq && deletedSeq === 0;
  }

  block(bytes: Uint8Array): boolean {
    const updates = decodeSection(bytes);
    for (let at = updates.length - 1; at >= 0 && this.#past.seq > this.#seq; at -= 1) {
      const update = updates[at] as Update;
      if (update.seq > this.#past.seq) continue;
      // Before it began there was no document.
      if (update.kind === 'invent') return false;
      takeBack(this.#past, update);
    }
    return this.#past.seq > this.#seq;
  }

  /** HISTORY_GONE where that is not kept, or has not been; DOCUMENT_UNKNOWN. */
  former(): Former {
    const { seq, state, incarnation } = this.#past;
    if (incarnation === '') throw new CodedError('DOCUMENT_UNKNOWN', 'there is no such document');
    if (seq === this.#seq) return { seq, incarnation, state };
    const why = seq < this.#seq ? `its last update is ${seq}` : `what is kept goes back to ${seq}`;
    throw new CodedError('HISTORY_GONE', `the state after update ${this.#seq} cannot be had: ${why}`);
  }
}

function lineOf({ seq, kind, who, atMs, channel, code, n }: Update): HistoryLine {
  return { seq, kind, who, atMs, channel, code, to: kind === 'rewind' ? n : 0 };
}
