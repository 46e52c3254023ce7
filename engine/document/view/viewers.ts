// Who looks at a document, and what they are told after an update. Viewers for whom every policy says the same are one kind: one computation, one
// text for all of them, be it ten thousand. What makes a viewer unlike the others of his kind, a field that names him or a policy that hangs on
// a row, is computed for him alone, and only in the update that touches it: nothing of his view is kept. Views of one principal that look at something
// else (look.ts) are viewers of one kind: bubbles alone tell them apart.
//
//   an update  ->  for each kind: the delta of nobody in particular, and who was named at the gates on the way
//              ->  for those: a delta of their own, told before that of the kind, which is then not for them
//
// Where policies say something else now, viewers go to the kind that is theirs now: most of them together, and then the kind stays what it is called;
// the others each told so with a delta of his own.
import { assert } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { Look, Plan } from '../definition/definition.ts';
import { deltaOf } from './changes.ts';
import type { ViewShown } from './ephemera.ts';
import { Ephemera } from './ephemera.ts';
import { Kinds } from './kinds.ts';
import { changeAt, overlay } from './overlay.ts';
import type { Failures } from './policies.ts';
import { Judge } from './policies.ts';
import { Present } from './present.ts';
import { projectAt, projectDocument } from './project.ts';
import { RowsSeen } from './rows-seen.ts';
import type { Outcome, Row, Sight } from './sight.ts';
import type {
  Change,
  First,
  Kind,
  Move,
  Noticed,
  Self,
  Telling,
  Told,
  ToldApart,
  Turned,
  ViewDelta,
  Viewer,
} from './viewer.ts';
import { isStirred, keyOf, Notices, none, textOf, unnoticed } from './viewer.ts';

export class Viewers {
  /** What they show each other. */
  readonly ephemera: Ephemera;
  readonly #plan: Plan;
  readonly #state: JsonObject;
  #judge: Judge;
  readonly #viewers: Present;
  readonly #kinds = new Kinds();
  readonly #everyBubble: readonly number[];
  #ids = 0;
  readonly #notices = new Notices();
  /** Of nobody in particular: policies that hang on rows say nothing of him. */
  readonly #noRows = new RowsSeen();
  /** Values as viewers have them; undefined while there are none. */
  #formulas: readonly (Json | undefined)[] | undefined;

  constructor(plan: Plan, state: JsonObject) {
    this.#plan = plan;
    this.#state = state;
    this.ephemera = new Ephemera(plan, state);
    this.#judge = new Judge(plan, state);
    this.#viewers = new Present(plan.look !== undefined);
    this.#everyBubble = plan.bubbles.map((_, number) => number);
  }

  get size(): number {
    return this.#viewers.size;
  }

  get kinds(): number {
    return this.#kinds.size;
  }

  /** Whether somebody views it. */
  has(who: Principal): boolean {
    return this.#viewers.has(who);
  }

  /** One more view of `who`, and what he sees, as JSON. */
  open(who: Principal, look: Look): { readonly viewer: Viewer; readonly json: string } {
    this.#formulas ??= this.#judge.values();
    const viewer = this.#viewers.find(who, look) ?? this.#join(who, look);
    viewer.views += 1;
    return { viewer, json: this.#first(viewer) };
  }

  /** One view of this viewer looks at something else. Only bubbles hang on that: he is let see what he was. */
  turn(from: Viewer, look: Look): Turned {
    if (look.json === from.look.json) return { viewer: from, json: '' };
    const { who, kind, rows } = from;
    const viewer = this.#viewers.find(who, look) ?? this.#join(who, look, from);
    viewer.views += 1;
    const changed = this.#otherBubbles(this.#everyBubble, from.bubbles, viewer.bubbles);
    const values = this.#formulas ?? [];
    const told = { before: values, after: values, redo: {}, undo: {}, formulas: none, stirred: none, bubbles: [] };
    const was = { who, outcomes: kind.outcomes, rows, bubbles: from.bubbles };
    const now = { outcomes: kind.outcomes, bubbles: viewer.bubbles };
    const delta = changed.size === 0 ? undefined : this.#delta(was, now, changed, told, unnoticed);
    this.close(from);
    return { viewer, json: textOf(delta) ?? '' };
  }

  /** One view less. Viewer and kind are forgotten with the last. */
  close(viewer: Viewer): void {
    assert(this.#viewers.find(viewer.who, viewer.look) === viewer && viewer.views > 0, 'who leaves was there');
    viewer.views -= 1;
    if (viewer.views > 0) return;
    this.#viewers.delete(viewer);
    this.#kinds.leave(viewer);
    this.ephemera.leave(viewer, !this.#viewers.has(viewer.who));
    if (this.#viewers.size === 0) this.#formulas = undefined;
  }

  /** The document has ended, and what was said of it with it. Who still views it is for the caller to send away. */
  forget(): void {
    this.#judge = new Judge(this.#plan, this.#state);
    this.ephemera.forget();
  }

  /** What they are to be told of what is shown, since this was asked last. */
  takeShown(): ViewShown[] {
    return this.ephemera.take(this.#kinds);
  }

  /** Everything that `who` sees now who looks at this, computed anew, whether he is there or not. */
  viewOf(who: Principal, look: Look): JsonObject {
    const outcomes = this.#judge.outcomesOf(who);
    const formulas = this.#judge.values();
    const bubbles = this.#bubblesOf({ who, look }, outcomes, formulas, this.#everyBubble, []);
    return this.#project({ ...this.#sight(who, outcomes, formulas, new RowsSeen(), unnoticed), bubbles });
  }

  takeFailures(): Failures | undefined {
    return this.#judge.takeFailures() ?? this.ephemera.takeFailures();
  }

  /** To be called after every update. */
  deltas(change: Change): ViewDelta[] {
    const changed = this.#judge.changed(change.redo);
    this.ephemera.changed(change.redo);
    if (this.#viewers.size === 0) return [];
    const before = this.#formulas ?? [];
    const after = changed.formulas.length === 0 ? before : this.#judge.values();
    this.#formulas = after;
    const formulas = changed.formulas.length === 0 ? none : new Set(changed.formulas);
    const tellings = this.#moves(changed.policies).map((move): Telling => {
      const isAny = changed.policies.length > 0;
      const stirred = isAny ? new Set(changed.policies.filter((number) => isStirred(move, number))) : none;
      // What hangs on a policy may be in any of them.
      const bubbles = stirred.size > 0 ? this.#everyBubble : changed.bubbles;
      const { redo, undo } = change;
      return this.#telling(move, { redo, undo, before, after, formulas, stirred, bubbles });
    });
    return this.#carryOut(tellings);
  }

  /** Asserts what holds between any two calls. Asks every policy about every viewer: for tests and samples. */
  check(): void {
    for (const viewer of this.#viewers) {
      const { who, look, views, kind } = viewer;
      const isThere = this.#viewers.find(who, look) === viewer && this.#viewers.has(who);
      assert(isThere && views > 0 && kind.viewers.has(viewer), `viewer ${keyOf(who)}${look.json} is there`);
      const outcomes = JSON.stringify(this.#judge.outcomesOf(who));
      assert(outcomes === JSON.stringify(kind.outcomes), `viewer ${keyOf(who)} is of his kind: ${outcomes}`);
    }
    this.#kinds.check(this.#viewers.size);
    const values = JSON.stringify(this.#judge.values());
    assert(this.#formulas === undefined || JSON.stringify(this.#formulas) === values, `formulas are ${values}`);
    this.ephemera.check(this.#viewers);
  }

  /** `beside`: another of the same principal. */
  #join(who: Principal, look: Look, beside?: Viewer): Viewer {
    const kind = beside?.kind ?? this.#kinds.of(this.#judge.outcomesOf(who));
    this.#ids += 1;
    const bubbles = this.#bubblesOf({ who, look }, kind.outcomes, this.#formulas ?? [], this.#everyBubble, []);
    const viewer = { id: this.#ids, who, look, views: 0, kind, rows: beside?.rows.copy() ?? new RowsSeen(), bubbles };
    kind.viewers.add(viewer);
    this.#viewers.add(viewer);
    this.ephemera.join(viewer, beside);
    return viewer;
  }

  #first({ who, kind, rows, bubbles }: Viewer): string {
    kind.first ??= this.#firstOf(kind);
    const { json: common, named, isEach } = kind.first;
    if (!isEach && !named.has(keyOf(who))) return common;
    const sight = this.#sight(who, kind.outcomes, this.#formulas ?? [], rows, unnoticed);
    const json = JSON.stringify(this.#project({ ...sight, bubbles }));
    rows.turn();
    return json;
  }

  #firstOf({ outcomes }: Kind): First {
    const noticed = new Notices();
    const sight = this.#sight(undefined, outcomes, this.#formulas ?? [], new RowsSeen(), noticed);
    return { json: JSON.stringify(this.#project(sight)), named: noticed.named, isEach: noticed.isEach };
  }

  #project(sight: Sight): JsonObject {
    return projectDocument(this.#plan.view, this.#state, sight);
  }

  /** Costs nothing a viewer where no policy that asks who it is may say something else. */
  #moves(policies: readonly number[]): Move[] {
    const moves: Move[] = [];
    for (const from of this.#kinds) {
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
    // One for all that are told: nobody is asked about while another is.
    const noticed = this.#notices.begin();
    const nobody = { who: undefined, outcomes: from.outcomes, rows: this.#noRows, bubbles: [] };
    const common = this.#delta(nobody, { outcomes, bubbles: [] }, none, told, noticed);
    const own = new Map<Viewer, string | undefined>();
    const apart = noticed.isEach || told.bubbles.length > 0 ? viewers : this.#present(noticed.named, viewers);
    for (const viewer of apart) {
      const { bubbles } = viewer;
      const changed = this.#turnBubbles(viewer, outcomes, told);
      // Whom bubbles show what they did hears what his kind does, but for what else is his alone.
      const isApart = noticed.isEach || changed.size > 0 || noticed.named.has(keyOf(viewer.who));
      if (isApart) own.set(viewer, this.#ownDelta(viewer, bubbles, outcomes, changed, { ...told, common, noticed }));
    }
    const isMoving = outcomes !== from.outcomes && JSON.stringify(outcomes) !== JSON.stringify(from.outcomes);
    return { move, json: textOf(common), own, count: viewers.size, isMoving };
  }

  #carryOut(tellings: readonly Telling[]): ViewDelta[] {
    const alone: ViewDelta[] = [];
    const common: ViewDelta[] = [];
    for (const { move } of tellings) move.from.first = undefined;
    const isAnyMoving = tellings.some(({ isMoving }) => isMoving);
    if (isAnyMoving) this.#kinds.settle(tellings);
    if (isAnyMoving) this.ephemera.shift();
    for (const { move, json, own, count } of tellings) {
      const to = isAnyMoving ? this.#kinds.of(move.outcomes) : move.from;
      if (to !== move.from) {
        for (const viewer of [...move.viewers])
          alone.push(this.#kinds.transfer(viewer, to, own.has(viewer) ? own.get(viewer) : json));
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

  #present(named: ReadonlySet<string>, among: ReadonlySet<Viewer>): Viewer[] {
    const present: Viewer[] = [];
    for (const key of named) {
      for (const viewer of this.#viewers.of(key)) if (among.has(viewer)) present.push(viewer);
    }
    return present;
  }

  #ownDelta(
    { who, kind, rows, bubbles }: Viewer,
    before: readonly (Json | undefined)[],
    outcomes: readonly Outcome[],
    changed: ReadonlySet<number>,
    told: ToldApart,
  ): string | undefined {
    const was = { who, outcomes: kind.outcomes, rows, bubbles: before };
    const now = { outcomes, bubbles };
    const laid = changed.size > 0 ? undefined : this.#overlaid(was, now, told);
    const { delta } = laid ?? { delta: this.#delta(was, now, changed, told, unnoticed) };
    if (rows.isDue()) {
      rows.clear();
      this.#project(this.#sight(who, outcomes, told.after, rows, unnoticed));
      rows.settle();
    }
    return textOf(delta);
  }

  /**
   * Where nothing but entries names him: what nobody in particular is told, but for those. Undefined where it must be found as a whole, and where
   * he is the only one: to look at all of it once more costs less than to lay one over the other.
   */
  #overlaid(was: Self, now: Pick<Self, 'outcomes' | 'bubbles'>, told: ToldApart): ReturnType<typeof overlay> {
    const { common, noticed } = told;
    if (noticed.isEach || noticed.named.size === 1 || was.who === undefined) return undefined;
    const places = noticed.places.get(keyOf(was.who));
    if (places === undefined) return undefined;
    const own = this.#delta(was, now, none, { ...told, ...changeAt(told, places), formulas: none }, unnoticed);
    return overlay(common, own, places);
  }

  /** Has bubbles show him what they do now, and returns those that show something else. */
  #turnBubbles(viewer: Viewer, outcomes: readonly Outcome[], { after, bubbles }: Told): ReadonlySet<number> {
    if (bubbles.length === 0) return none;
    const before = viewer.bubbles;
    viewer.bubbles = this.#bubblesOf(viewer, outcomes, after, bubbles, before);
    return this.#otherBubbles(bubbles, before, viewer.bubbles);
  }

  #otherBubbles(numbers: readonly number[], before: Viewer['bubbles'], after: Viewer['bubbles']): ReadonlySet<number> {
    return new Set(numbers.filter((number) => JSON.stringify(before[number]) !== JSON.stringify(after[number])));
  }

  /** `known`, with these made anew. What hangs on rows is asked again, and not remembered: the rows themselves remember it. */
  #bubblesOf(
    { who, look }: Pick<Viewer, 'who' | 'look'>,
    outcomes: readonly Outcome[],
    formulas: readonly (Json | undefined)[],
    numbers: readonly number[],
    known: readonly (Json | undefined)[],
  ): readonly (Json | undefined)[] {
    if (numbers.length === 0) return known;
    const sight = this.#sight(who, outcomes, formulas, new RowsSeen(), unnoticed);
    const project = (keys: readonly string[]): Json | undefined => projectAt(this.#plan.view, this.#state, keys, sight);
    const bubbles = [...known];
    for (const number of numbers) bubbles[number] = this.#judge.bubbleOf(number, who, look.state, project);
    return bubbles;
  }

  #delta(
    { who, outcomes, rows, bubbles }: Self,
    now: Pick<Self, 'outcomes' | 'bubbles'>,
    changed: ReadonlySet<number>,
    { before, after, stirred, formulas, redo, undo }: Told,
    noticed: Noticed,
  ): JsonObject | undefined {
    const { onHolder, onOwn, onEntry } = noticed;
    const was = (policy: number, row: Row | undefined): boolean => rows.was(policy, row);
    const former: Sight = { who, outcomes, formulas: before, bubbles, passesRow: was, onHolder, onOwn };
    const latter = this.#sight(who, now.outcomes, after, rows, noticed, now.bubbles);
    const shift = { before: former, after: latter, stirred, formulas, bubbles: changed, onEntry };
    const delta = deltaOf(this.#plan.view, this.#state, redo, undo, shift);
    rows.turn();
    return delta;
  }

  #sight(
    who: Principal | undefined,
    outcomes: readonly Outcome[],
    formulas: readonly (Json | undefined)[],
    rows: RowsSeen,
    noticed: Noticed,
    bubbles: Sight['bubbles'] = [],
  ): Sight {
    const judge = this.#judge;
    return {
      who,
      outcomes,
      formulas,
      bubbles,
      passesRow: (policy, row) => who !== undefined && rows.see(policy, row, judge.passesRow(policy, who, row)),
      onHolder: noticed.onHolder,
      onOwn: noticed.onOwn,
    };
  }
}
