// What the registers of a host want done, and what they found out.
import type { HostId } from '../../engine/base/ids.ts';
import type { CellBytes } from './cell.ts';
import type { RegisterMessage } from './messages.ts';
import type { Voters } from './voters.ts';

/**
 * Put these cells into the next synced write, the one before them first. Once this one and every one before it is synced, `kept`
 * says its serial; a crash may keep any first few of them and none of the rest.
 */
export type Keep = { readonly kind: 'keep'; readonly serial: number; readonly cells: readonly CellBytes[] };

/** To another host, or to this one: then it comes back as a message event. */
export type Send = { readonly kind: 'send'; readonly to: HostId; readonly message: RegisterMessage };

/** What is wanted of a register. A CAS writes a value that nothing else ever writes. `undefined`: never written. */
export type Change =
  | { readonly kind: 'read' }
  | { readonly kind: 'cas'; readonly expect: Uint8Array | undefined; readonly value: Uint8Array };

export type Result =
  /** What a read found: confirmed by a quorum after the read began. */
  | { readonly kind: 'value'; readonly value: Uint8Array | undefined }
  /** The CAS took effect, once. */
  | { readonly kind: 'won' }
  /** It never will: the register holds something else. */
  | { readonly kind: 'lost'; readonly value: Uint8Array | undefined }
  /** It may have taken effect, and may yet: learn it by a read, which finds its value or what came after. */
  | { readonly kind: 'unknown' }
  /** A read without an answer; a CAS that certainly never takes effect. */
  | { readonly kind: 'failed' };

/** `op` is the caller's own number for what it began. */
export type Decided = {
  readonly kind: 'decided';
  readonly register: number;
  readonly op: number;
  readonly result: Result;
};

/** The list of voters in force changed. */
export type VotersChanged = { readonly kind: 'voters'; readonly voters: Voters };

export type Replaced = {
  readonly kind: 'replaced';
  readonly result:
    | { readonly kind: 'done' }
    /** Nothing was changed by it. */
    | { readonly kind: 'refused'; readonly reason: string }
    /** It may be half done: asked again, for the same two voters and from any host, it goes on. */
    | { readonly kind: 'stopped'; readonly reason: string };
};

export type RegisterEffect = Keep | Send | Decided | VotersChanged | Replaced;
