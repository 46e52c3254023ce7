// Who looks at a document, and what they are told after an update. Viewers for whom every policy says the same are one kind: one computation, one
// text for all of them, be it ten thousand. What makes a viewer unlike the others of his kind, a field that names him or a policy that hangs on
// a row, is computed for him alone, and only in the update that touches it: nothing of his view is kept.
//
//   an update  ->  for each kind: the delta of nobody in particular, and who was named at the gates on the way
//              ->  for those: a delta of their own, told before that of the kind, which is then not for them
//
// Where policies say something else now, viewers go to the kind that is theirs now: most of them together, and then the kind stays what it is called;
// the others each told so with a delta of his own.
import { assert } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { Plan } from '../definition/definition.ts';
import { deltaOf } from './changes.ts';
import type { ViewShown } from './ephemera.ts';
import { Ephemera } from './ephemera.ts';
import { changeAt, overlay } from './overlay.ts';
import type { Failures } from './policies.ts';
import { Judge } from './policies.ts';
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
  readonly #viewers = new Map<string, Viewer>();
  /** By their outcomes. */
  readonly #kinds = new Map<string, Kind>();
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
    this.#everyBubble = plan.bubbles.map((_, number) => number);
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
    this.ephemera.leave(viewer);
    if (this.#viewers.size === 0) this.#formulas = undefined;
  }

  /** The document has ended, and what was said of it with it. Who still views it is for the caller to send away. */
  forget(): void {
    this.#judge = new Judge(this.#plan, this.#state);
    this.ephemera.forget();
  }

  /** What they are to be told of what is shown, since this was asked last. */
  takeShown(): ViewShown[] {
    return this.ephemera.take(this.#kinds.values());
  }

  /** Everything that `who` sees now, computed anew, whether he is there or not. */
  viewOf(who: Principal): JsonObject {
    const outcomes = this.#judge.outcomesOf(who);
    const formulas = this.#judge.values();
    const bubbles = this.#bubblesOf(who, outcomes, formulas, this.#everyBubble, []);
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
    this.ephemera.check(this.#viewers.values());
  }

  #join(who: Principal): Viewer {
    const kind = this.#kindFor(this.#judge.outcomesOf(who));
    this.#ids += 1;
    const bubbles = this.#bubblesOf(who, kind.outcomes, this.#formulas ?? [], this.#everyBubble, []);
    const viewer = { id: this.#ids, who, views: 0, kind, rows: new RowsSeen(), bubbles };
    kind.viewers.add(viewer);
    this.#viewers.set(keyOf(who), viewer);
    this.ephemera.join(viewer);
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
    if (isAnyMoving) this.#settle(tellings);
    if (isAnyMoving) this.ephemera.shift();
    for (const { move, json, own, count } of tellings) {
      const to = isAnyMoving ? this.#kindFor(move.outcomes) : move.from;
      if (to !== move.from) {
        for (const viewer of [...move.viewers])
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

  /** A kind goes with the most of its viewers, and of kinds that become one the largest stays: each of the others is told alone where he belongs. */
  #settle(tellings: readonly Telling[]): void {
    const largest = new Map<Kind, Telling>();
    for (const telling of tellings) {
      const { from } = telling.move;
      this.#kinds.delete(JSON.stringify(from.outcomes));
      if ((largest.get(from)?.count ?? 0) < telling.count) largest.set(from, telling);
    }
    const heirs = new Map<string, Telling>();
    for (const telling of largest.values()) {
      const key = JSON.stringify(telling.move.outcomes);
      if ((heirs.get(key)?.count ?? 0) < telling.count) heirs.set(key, telling);
    }
    for (const [key, { move }] of heirs) {
      move.from.outcomes = move.outcomes;
      this.#kinds.set(key, move.from);
    }
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
    viewer.bubbles = this.#bubblesOf(viewer.who, outcomes, after, bubbles, before);
    const isOther = (number: number): boolean =>
      JSON.stringify(before[number]) !== JSON.stringify(viewer.bubbles[number]);
    return new Set(bubbles.filter(isOther));
  }

  /** `known`, with these made anew. What hangs on rows is asked again, and not remembered: the rows themselves remember it. */
  #bubblesOf(
    who: Principal,
    outcomes: readonly Outcome[],
    formulas: readonly (Json | undefined)[],
    numbers: readonly number[],
    known: readonly (Json | undefined)[],
  ): readonly (Json | undefined)[] {
    if (numbers.length === 0) return known;
    const sight = this.#sight(who, outcomes, formulas, new RowsSeen(), unnoticed);
    const project = (keys: readonly string[]): Json | undefined => projectAt(this.#plan.view, this.#state, keys, sight);
    const bubbles = [...known];
    for (const number of numbers) bubbles[number] = this.#judge.bubbleOf(number, who, project);
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
