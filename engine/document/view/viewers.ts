// Who looks at a document, and what they are told after an update. Viewers for whom every policy says the same are one kind: one computation, one
// text for all of them, be it ten thousand. What makes a viewer unlike the others of his kind, a field that names him or a policy that hangs on
// a row, is computed for him alone, and only in the update that touches it: nothing of his view is kept.
//
//   an update  ->  for each kind: the delta of nobody in particular, and who was named at the gates on the way
//              ->  for those: a delta of their own, told before that of the kind, which is then not for them
//
// Where policies say something else now, viewers go to the kind that is theirs now: all of them together, and then the kind stays what it is called;
// or some, each told so with a delta of his own.
import { assert } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { Plan } from '../definition/definition.ts';
import { deltaOf } from './changes.ts';
import type { Failures } from './policies.ts';
import { Judge } from './policies.ts';
import { projectDocument } from './project.ts';
import { RowsSeen } from './rows-seen.ts';
import type { Outcome, Sight } from './sight.ts';

export type Viewer = {
  /** Names the viewer within this document in memory: never used again. */
  readonly id: number;
  readonly who: Principal;
  /** How many views are open. */
  views: number;
  kind: Kind;
  readonly rows: RowsSeen;
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
type First = { readonly json: string; readonly named: ReadonlySet<string>; readonly hangsOnRows: boolean };

/**
 * What some viewers are told of one update: all of `kind`; or `viewer` alone, who is of `kind` from now on, and for whom no other delta of this
 * update is ('' where he sees no difference). Those for one alone come first.
 */
export type ViewDelta = { readonly viewer: number | undefined; readonly kind: number; readonly json: string };

export type Change = { readonly redo: JsonObject; readonly undo: JsonObject };

/** Viewers of a kind of whom policies say the same before, and the same after. */
type Move = { readonly from: Kind; readonly outcomes: readonly Outcome[]; readonly viewers: ReadonlySet<Viewer> };

/** What they hear: `own`, who is one of those; else `json`. `movers`: all of them, where policies say something else of them now. */
type Telling = {
  readonly move: Move;
  readonly json: string | undefined;
  readonly own: ReadonlyMap<Viewer, string | undefined>;
  readonly count: number;
  readonly movers: readonly Viewer[] | undefined;
  /** They are all of their kind. */
  readonly isWhole: boolean;
};

/** What is the same for all who are told. */
type Told = Change & {
  readonly before: readonly (Json | undefined)[];
  readonly after: readonly (Json | undefined)[];
  readonly formulas: ReadonlySet<number>;
  readonly stirred: ReadonlySet<number>;
};

type Noticed = Pick<Sight, 'onHolder' | 'onRow'>;
const unnoticed: Noticed = { onHolder: () => undefined, onRow: () => undefined };

export class Viewers {
  readonly #plan: Plan;
  readonly #state: JsonObject;
  #judge: Judge;
  readonly #viewers = new Map<string, Viewer>();
  /** By their outcomes. */
  readonly #kinds = new Map<string, Kind>();
  #ids = 0;
  /** Values as viewers have them; undefined while there are none. */
  #formulas: readonly (Json | undefined)[] | undefined;

  constructor(plan: Plan, state: JsonObject) {
    this.#plan = plan;
    this.#state = state;
    this.#judge = new Judge(plan, state);
  }

  get size(): number {
    return this.#viewers.size;
  }

  get kinds(): number {
    return this.#kinds.size;
  }

  /** One more view of `who`, and what he sees, as JSON. */
  open(who: Principal): { readonly viewer: Viewer; readonly json: string } {
    this.#formulas ??= this.#judge.values();
    const viewer = this.#viewers.get(keyOf(who)) ?? this.#join(who);
    viewer.views += 1;
    return { viewer, json: this.#first(viewer) };
  }

  /** One view less. Viewer and kind are forgotten with the last. */
  close(viewer: Viewer): void {
    const key = keyOf(viewer.who);
    assert(this.#viewers.get(key) === viewer && viewer.views > 0, 'who leaves was there');
    viewer.views -= 1;
    if (viewer.views > 0) return;
    this.#viewers.delete(key);
    this.#leave(viewer);
    if (this.#viewers.size === 0) this.#formulas = undefined;
  }

  /** The document has ended, and what was said of it with it. Who still views it is for the caller to send away. */
  forget(): void {
    this.#judge = new Judge(this.#plan, this.#state);
  }

  /** Everything that `who` sees now, computed anew, whether he is there or not. */
  viewOf(who: Principal): JsonObject {
    const outcomes = this.#judge.outcomesOf(who);
    const sight = this.#sight(who, outcomes, this.#judge.values(), new RowsSeen(), unnoticed);
    return projectDocument(this.#plan.view, this.#state, sight);
  }

  takeFailures(): Failures | undefined {
    return this.#judge.takeFailures();
  }

  /** To be called after every update. */
  deltas(change: Change): ViewDelta[] {
    const changed = this.#judge.changed(change.redo);
    if (this.#viewers.size === 0) return [];
    const before = this.#formulas ?? [];
    const after = changed.formulas.length === 0 ? before : this.#judge.values();
    this.#formulas = after;
    const formulas = new Set(changed.formulas);
    const tellings = this.#moves(changed.policies).map((move): Telling => {
      const stirred = new Set(changed.policies.filter((number) => isStirred(move, number)));
      return this.#telling(move, { ...change, before, after, formulas, stirred });
    });
    return this.#carryOut(tellings);
  }

  /** Asserts what holds between any two calls. Asks every policy about every viewer: for tests and samples. */
  check(): void {
    for (const [key, viewer] of this.#viewers) {
      assert(
        key === keyOf(viewer.who) && viewer.views > 0 && viewer.kind.viewers.has(viewer),
        `viewer ${key} is there`,
      );
      const outcomes = JSON.stringify(this.#judge.outcomesOf(viewer.who));
      assert(outcomes === JSON.stringify(viewer.kind.outcomes), `viewer ${key} is of his kind: ${outcomes}`);
    }
    let viewers = 0;
    for (const [key, kind] of this.#kinds) {
      assert(key === JSON.stringify(kind.outcomes) && kind.viewers.size > 0, `kind ${key} has viewers`);
      viewers += kind.viewers.size;
    }
    assert(viewers === this.#viewers.size, 'every viewer is of one kind');
    const values = JSON.stringify(this.#judge.values());
    assert(this.#formulas === undefined || JSON.stringify(this.#formulas) === values, `formulas are ${values}`);
  }

  #join(who: Principal): Viewer {
    const kind = this.#kindFor(this.#judge.outcomesOf(who));
    this.#ids += 1;
    const viewer = { id: this.#ids, who, views: 0, kind, rows: new RowsSeen() };
    kind.viewers.add(viewer);
    this.#viewers.set(keyOf(who), viewer);
    return viewer;
  }

  #kindFor(outcomes: readonly Outcome[]): Kind {
    const key = JSON.stringify(outcomes);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    this.#ids += 1;
    const kind = { id: this.#ids, outcomes, viewers: new Set<Viewer>(), first: undefined };
    this.#kinds.set(key, kind);
    return kind;
  }

  #leave(viewer: Viewer): void {
    const { kind } = viewer;
    kind.viewers.delete(viewer);
    const key = JSON.stringify(kind.outcomes);
    if (kind.viewers.size === 0 && this.#kinds.get(key) === kind) this.#kinds.delete(key);
  }

  #first({ who, kind, rows }: Viewer): string {
    kind.first ??= this.#firstOf(kind);
    const { json: common, named, hangsOnRows } = kind.first;
    if (!hangsOnRows && !named.has(keyOf(who))) return common;
    const json = JSON.stringify(this.#project(this.#sight(who, kind.outcomes, this.#formulas ?? [], rows, unnoticed)));
    rows.turn();
    return json;
  }

  #firstOf({ outcomes }: Kind): First {
    const noticed = new Notices();
    const sight = this.#sight(undefined, outcomes, this.#formulas ?? [], new RowsSeen(), noticed);
    return { json: JSON.stringify(this.#project(sight)), named: noticed.named, hangsOnRows: noticed.hangsOnRows };
  }

  #project(sight: Sight): JsonObject {
    return projectDocument(this.#plan.view, this.#state, sight);
  }

  /** Costs nothing a viewer where no policy that asks who it is may say something else. */
  #moves(policies: readonly number[]): Move[] {
    const moves: Move[] = [];
    for (const from of this.#kinds.values()) {
      if (policies.length === 0) moves.push({ from, outcomes: from.outcomes, viewers: from.viewers });
      else moves.push(...this.#movesOf(from, policies));
    }
    return moves;
  }

  #movesOf(from: Kind, policies: readonly number[]): Move[] {
    const groups = new Map<string, { outcomes: Outcome[]; viewers: Set<Viewer> }>();
    for (const viewer of from.viewers) {
      const outcomes = [...from.outcomes];
      for (const number of policies) outcomes[number] = this.#judge.outcomeOf(number, viewer.who);
      if (policies.every((number) => this.#judge.isOfEverybody(number)))
        return [{ from, outcomes, viewers: from.viewers }];
      const key = JSON.stringify(outcomes);
      const group = groups.get(key) ?? { outcomes, viewers: new Set() };
      groups.set(key, group);
      group.viewers.add(viewer);
    }
    return [...groups.values()].map(({ outcomes, viewers }) => ({ from, outcomes, viewers }));
  }

  /** Nothing is changed yet: another kind may be the one that these go to. */
  #telling(move: Move, told: Told): Telling {
    const { from, outcomes, viewers } = move;
    const noticed = new Notices();
    const was = { who: undefined, outcomes: from.outcomes, rows: new RowsSeen() };
    const json = this.#delta(was, outcomes, told, noticed);
    const own = new Map<Viewer, string | undefined>();
    const apart = noticed.hangsOnRows ? viewers : this.#present(noticed.named, viewers);
    for (const viewer of apart) own.set(viewer, this.#ownDelta(viewer, outcomes, told));
    const isMoving = JSON.stringify(outcomes) !== JSON.stringify(from.outcomes);
    const isWhole = viewers.size === from.viewers.size;
    return { move, json, own, count: viewers.size, movers: isMoving ? [...viewers] : undefined, isWhole };
  }

  #carryOut(tellings: readonly Telling[]): ViewDelta[] {
    const alone: ViewDelta[] = [];
    const common: ViewDelta[] = [];
    for (const { move, movers, isWhole } of tellings) {
      move.from.first = undefined;
      if (movers !== undefined && isWhole) this.#kinds.delete(JSON.stringify(move.from.outcomes));
    }
    for (const telling of tellings) {
      const { move, json, own, count, movers } = telling;
      const to = movers === undefined ? move.from : this.#settle(telling);
      if (to !== move.from) {
        for (const viewer of movers ?? [])
          alone.push(this.#transfer(viewer, to, own.has(viewer) ? own.get(viewer) : json));
        continue;
      }
      for (const [viewer, text] of own) {
        // Who sees no difference hears nothing; but what his kind hears is not for him.
        if (text !== undefined || json !== undefined) alone.push({ viewer: viewer.id, kind: to.id, json: text ?? '' });
      }
      if (json !== undefined && own.size < count) common.push({ viewer: undefined, kind: to.id, json });
    }
    return alone.length === 0 ? common : [...alone, ...common];
  }

  /** The kind of those who move: the one that they are of, where all of it goes and none is like that yet. */
  #settle({ move: { from, outcomes }, isWhole }: Telling): Kind {
    const key = JSON.stringify(outcomes);
    if (!isWhole || this.#kinds.has(key)) return this.#kindFor(outcomes);
    from.outcomes = outcomes;
    this.#kinds.set(key, from);
    return from;
  }

  #transfer(viewer: Viewer, to: Kind, text: string | undefined): ViewDelta {
    this.#leave(viewer);
    viewer.kind = to;
    to.viewers.add(viewer);
    return { viewer: viewer.id, kind: to.id, json: text ?? '' };
  }

  #present(named: ReadonlySet<string>, among: ReadonlySet<Viewer>): Viewer[] {
    const present: Viewer[] = [];
    for (const key of named) {
      const viewer = this.#viewers.get(key);
      if (viewer !== undefined && among.has(viewer)) present.push(viewer);
    }
    return present;
  }

  #ownDelta(viewer: Viewer, outcomes: readonly Outcome[], told: Told): string | undefined {
    const { who, kind, rows } = viewer;
    const json = this.#delta({ who, outcomes: kind.outcomes, rows }, outcomes, told, unnoticed);
    if (rows.isDue()) {
      rows.clear();
      this.#project(this.#sight(who, outcomes, told.after, rows, unnoticed));
      rows.settle();
    }
    return json;
  }

  #delta(
    { who, outcomes, rows }: { who: Principal | undefined; outcomes: readonly Outcome[]; rows: RowsSeen },
    now: readonly Outcome[],
    { before, after, stirred, formulas, redo, undo }: Told,
    noticed: Noticed,
  ): string | undefined {
    const former: Sight = {
      ...this.#sight(who, outcomes, before, rows, noticed),
      passesRow: (policy, row) => rows.was(policy, row),
    };
    const latter = this.#sight(who, now, after, rows, noticed);
    const shift = { before: former, after: latter, stirred, formulas };
    const delta = deltaOf(this.#plan.view, this.#state, redo, undo, shift);
    rows.turn();
    return delta === undefined ? undefined : JSON.stringify(delta);
  }

  #sight(
    who: Principal | undefined,
    outcomes: readonly Outcome[],
    formulas: readonly (Json | undefined)[],
    rows: RowsSeen,
    noticed: Noticed,
  ): Sight {
    const judge = this.#judge;
    return {
      who,
      outcomes,
      formulas,
      passesRow: (policy, row) => who !== undefined && rows.see(policy, row, judge.passesRow(policy, who, row)),
      onHolder: noticed.onHolder,
      onRow: noticed.onRow,
    };
  }
}

/** What was noticed while somebody looked who is nobody in particular. */
class Notices implements Noticed {
  readonly named = new Set<string>();
  hangsOnRows = false;
  readonly onHolder = (holder: Principal): void => {
    this.named.add(keyOf(holder));
  };
  readonly onRow = (): void => {
    this.hangsOnRows = true;
  };
}

/** Whether what hangs on a policy has to be looked at whole. */
function isStirred({ from, outcomes }: Move, number: number): boolean {
  return outcomes[number] !== from.outcomes[number] || outcomes[number] === 'row';
}

function keyOf({ agent, authority }: Principal): string {
  return JSON.stringify([agent, authority]);
}
