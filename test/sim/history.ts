// What clients did and were told, with the virtual time of each: all that checkers know of the outside.

import type { Principal } from '../../engine/base/ids.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';

export type Outcome =
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'answered'; readonly atMs: number; readonly seq: number; readonly place: unknown }
  | { readonly kind: 'refused'; readonly atMs: number; readonly code: string; readonly retry: string };

/** `refuse`: its handler refuses it. `invalid`: refused before a handler runs, so that its number is used again. */
export type SendChannel = 'add' | 'refuse' | 'invalid';

export type SendRecord = {
  readonly client: string;
  readonly doc: string;
  readonly channel: SendChannel;
  readonly value: string;
  /** Counts the sends of one client to one document. */
  readonly number: number;
  readonly sentMs: number;
  outcome: Outcome;
};

/** A first view, asked for at `beganMs`. Undefined: nobody asked, the proxy opened it again. */
export type ReadRecord = {
  readonly client: string;
  readonly doc: string;
  readonly beganMs: number | undefined;
  readonly endedMs: number;
  readonly seq: number;
  readonly incarnation: string;
};

/** What a client had on its screen at some seq. */
export type ShownRecord = {
  readonly client: string;
  readonly doc: string;
  readonly who: Principal;
  readonly atMs: number;
  readonly seq: number;
  readonly view: JsonObject;
};

export type Finding = { readonly check: string; readonly text: string };

export class History {
  readonly sends: SendRecord[] = [];
  readonly reads: ReadRecord[] = [];
  readonly shown: ShownRecord[] = [];
  readonly findings: Finding[] = [];

  /** A rule of the outside was broken. */
  find(check: string, text: string): void {
    if (this.findings.length < 20) this.findings.push({ check, text });
  }

  get answered(): number {
    return this.sends.reduce((sum, { outcome }) => sum + (outcome.kind === 'answered' ? 1 : 0), 0);
  }
}
