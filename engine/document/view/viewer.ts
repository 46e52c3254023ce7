// Who looks at a document, who of them are alike, and what is at hand when they are told of an update: the words of viewers.ts.
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { Look } from '../definition/definition.ts';
import type { RowsSeen } from './rows-seen.ts';
import type { Outcome, Sight } from './sight.ts';

export type Viewer = {
  /** Names the viewer within this document in memory: never used again. */
  readonly id: number;
  readonly who: Principal;
  /** What his views look at: those of one principal that look at something else are another viewer. */
  readonly look: Look;
  /** How many views are open. */
  views: number;
  kind: Kind;
  readonly rows: RowsSeen;
  /** What bubbles show him, by number. */
  bubbles: readonly (Json | undefined)[];
};

/** Viewers who see the same, but for what is theirs alone. */
export type Kind = {
  /** As a viewer's id. */
  readonly id: number;
  /** What policies say of them, by number. */
  outcomes: readonly Outcome[];
  readonly viewers: Set<Viewer>;
  /** Undefined once the state has changed. */
  first: First | undefined;
};

/** What nobody in particular sees, as JSON, and who sees something else. */
export type First = { readonly json: string; readonly named: ReadonlySet<string>; readonly isEach: boolean };

/**
 * What some viewers are told of one update: all of `kind`; or `viewer` alone, who is of `kind` from now on, and for whom no other delta of this
 * update is ('' where he sees no difference). Those for one alone come first.
 */
export type ViewDelta = { readonly viewer: number | undefined; readonly kind: number; readonly json: string };

/** A view goes on as one of `viewer`, who is of the same kind. `json`: the delta for it alone, '' where it sees no difference. */
export type Turned = { readonly viewer: Viewer; readonly json: string };

export type Change = { readonly redo: JsonObject; readonly undo: JsonObject };

/** Viewers of a kind of whom policies say the same before, and the same after. */
export type Move = {
  readonly from: Kind;
  readonly outcomes: readonly Outcome[];
  readonly viewers: ReadonlySet<Viewer>;
};

/** What they hear: `own`, who is one of those; else `json`. `isMoving`: policies say something else of them now. */
export type Telling = {
  readonly move: Move;
  readonly json: string | undefined;
  readonly own: ReadonlyMap<Viewer, string | undefined>;
  readonly count: number;
  readonly isMoving: boolean;
};

/** What is the same for all who are told. */
export type Told = Change & {
  /** Numbers of those that may show something else now. */
  readonly bubbles: readonly number[];
  readonly before: readonly (Json | undefined)[];
  readonly after: readonly (Json | undefined)[];
  readonly formulas: ReadonlySet<number>;
  readonly stirred: ReadonlySet<number>;
};

/** For those who are told something of their own: what nobody in particular is told, and what was noticed on the way. */
export type ToldApart = Told & { readonly common: JsonObject | undefined; readonly noticed: Notices };

/** Whoever is computed for: as he was. */
export type Self = {
  readonly who: Principal | undefined;
  readonly outcomes: readonly Outcome[];
  readonly rows: RowsSeen;
  readonly bubbles: readonly (Json | undefined)[];
};

export const none: ReadonlySet<number> = new Set();

export type Noticed = Pick<Sight, 'onHolder' | 'onOwn'> & {
  /** From here on an entry is looked at; with no key, none is any more. */
  readonly onEntry: (field: string, key: string | undefined) => void;
};
export const unnoticed: Noticed = { onHolder: () => undefined, onOwn: () => undefined, onEntry: () => undefined };

/** An entry of a map of the document itself, or a row of a table of it. */
export type Place = { readonly field: string; readonly key: string };

/** What was noticed while somebody looked who is nobody in particular. */
export class Notices implements Noticed {
  readonly named = new Set<string>();
  /** Of each who is named: the entries in which he is; undefined where he is named elsewhere too. */
  readonly places = new Map<string, Place[] | undefined>();
  isEach = false;
  #at: Place | undefined;

  /** Nothing was noticed yet. */
  begin(): this {
    if (this.named.size > 0) {
      this.named.clear();
      this.places.clear();
    }
    this.isEach = false;
    this.#at = undefined;
    return this;
  }

  readonly onHolder = (holder: Principal): void => {
    const key = keyOf(holder);
    const places = this.named.has(key) ? this.places.get(key) : [];
    this.named.add(key);
    if (this.#at === undefined || places === undefined) this.places.set(key, undefined);
    else if (places.at(-1) !== this.#at) {
      places.push(this.#at);
      this.places.set(key, places);
    }
  };
  readonly onOwn = (): void => {
    this.isEach = true;
  };
  /** What is noticed from now on is noticed there. */
  readonly onEntry = (field: string, key: string | undefined): void => {
    this.#at = key === undefined ? undefined : { field, key };
  };
}

/** Whether what hangs on a policy has to be looked at whole. */
export function isStirred({ from, outcomes }: Move, number: number): boolean {
  return outcomes[number] !== from.outcomes[number] || outcomes[number] === 'row';
}

/** No two are the same, also where something stands behind them. */
export function keyOf({ agent, authority }: Principal): string {
  return `${agent.length} ${authority.length} ${agent}${authority}`;
}

export function textOf(delta: JsonObject | undefined): string | undefined {
  return delta === undefined ? undefined : JSON.stringify(delta);
}
