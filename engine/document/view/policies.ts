// What an application's policies and formulas say of one document. Both are functions of its state, run as seldom as can be: what they read of the
// document is noted, by the name of its field, and what they said holds until one of those changes. A policy that does not ask who it is says the
// same of everybody; one that asks for the row says nothing before it is given one.
//
// Both are the application's code. One that throws says no, or has no value; it is counted, and its failure kept for the application's log.
import { AssertionFailed } from '../../base/assert.ts';
import type { Principal } from '../../base/ids.ts';
import { viewBytesMax } from '../../base/limits.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import type { BubblePlan, FormulaPlan, Plan, PolicyPlan } from '../definition/definition.ts';
import type { RecordPlan } from '../draft/draft.ts';
import { frozenCopy, storeJson } from '../draft/json.ts';
import type { Reading } from '../draft/reading.ts';
import { beginReading } from '../draft/reading.ts';
import { mistake } from '../draft/values.ts';
import { lengthOf } from '../life/length.ts';
import type { Outcome, Row } from './sight.ts';

/** Of an application that throws where nobody waits for it. */
export type Failures = { readonly count: number; readonly name: string; readonly failure: unknown };

/** Thrown where a policy asks for a row before there is one. */
const rowAsked = new Error('a policy asks for its row');

/** Numbers of what may say something else now. */
export type Changed = {
  readonly policies: readonly number[];
  readonly formulas: readonly number[];
  readonly bubbles: readonly number[];
};

const nothing: Changed = { policies: [], formulas: [], bubbles: [] };

type Project = (keys: readonly string[]) => Json | undefined;

type Known = {
  /** Names of the document's fields that it was read from: by any of its runs since it was last forgotten. */
  readonly reads: Set<string>;
  /** Undefined where it asked who it is. */
  everybody: Outcome | undefined;
};

export class Judge {
  readonly #plan: Plan;
  readonly #state: JsonObject;
  readonly #policies: Known[];
  readonly #bubbles: { readonly reads: Set<string> }[];
  readonly #values: { readonly reads: Set<string>; value: Json | undefined; isKnown: boolean }[];
  /** Nothing of the application's is asked. */
  readonly #isPlain: boolean;
  #reading: Reading | undefined;
  /** Where the names of fields that are read are noted now. */
  #reads = new Set<string>();
  #failures: Failures | undefined;

  constructor(plan: Plan, state: JsonObject) {
    this.#plan = plan;
    this.#state = state;
    this.#isPlain = plan.policies.length + plan.formulas.length + plan.bubbles.length === 0;
    this.#policies = plan.policies.map(() => ({ reads: new Set(), everybody: undefined }));
    this.#bubbles = plan.bubbles.map(() => ({ reads: new Set() }));
    this.#values = plan.formulas.map(() => ({ reads: new Set(), value: undefined, isKnown: false }));
  }

  /** What all policies say of `who`, by number. */
  outcomesOf(who: Principal): Outcome[] {
    return this.#plan.policies.map((_, number) => this.outcomeOf(number, who));
  }

  outcomeOf(number: number, who: Principal): Outcome {
    const known = this.#policies[number] as Known;
    if (known.everybody !== undefined) return known.everybody;
    const asked = { who: false, row: false };
    const said = this.#ask(number, who, 'none yet', asked);
    const outcome = asked.row ? 'row' : said;
    if (!asked.who) known.everybody = outcome;
    return outcome;
  }

  /** Whether what the policy said last it says of everybody. */
  isOfEverybody(number: number): boolean {
    return this.#policies[number]?.everybody !== undefined;
  }

  /** Of a policy that hangs on the row. */
  passesRow(number: number, who: Principal, row: Row | undefined): boolean {
    return this.#ask(number, who, row, { who: false, row: false });
  }

  /** The values of all formulas, by number; undefined where one has none. */
  values(): (Json | undefined)[] {
    return this.#plan.formulas.map((formula, number) => this.#valueOf(formula, number));
  }

  /** Says which may say something else now, and forgets what they said. */
  changed(redo: JsonObject): Changed {
    this.#reading?.end();
    this.#reading = undefined;
    if (this.#isPlain) return nothing;
    const names = Object.keys(redo);
    const isRead = ({ reads }: { readonly reads: ReadonlySet<string> }): boolean =>
      names.some((name) => reads.has(name));
    const policies = numbersOf(this.#policies, isRead);
    const formulas = numbersOf(this.#values, isRead);
    for (const number of policies) {
      const known = this.#policies[number] as Known;
      known.reads.clear();
      known.everybody = undefined;
    }
    for (const number of formulas) {
      const known = this.#values[number];
      if (known === undefined) continue;
      known.reads.clear();
      known.isKnown = false;
    }
    const bubbles = numbersOf(this.#bubbles, isRead);
    for (const number of bubbles) this.#bubbles[number]?.reads.clear();
    return { policies, formulas, bubbles };
  }

  /** How many of its policies and formulas threw since this was asked last, and how the last of them did. */
  takeFailures(): Failures | undefined {
    const failures = this.#failures;
    this.#failures = undefined;
    return failures;
  }

  /** The value of a bubble for `who`, who looks at `viewer`. `project` shows a record of the document as he may see it, by its keys. */
  bubbleOf(number: number, who: Principal, viewer: Json | undefined, project: Project): Json | undefined {
    const { run, name } = this.#plan.bubbles[number] as BubblePlan;
    const { doc } = this.#begin();
    const reads = this.#bubbles[number]?.reads ?? new Set<string>();
    this.#reads = reads;
    const input = { doc, who: { agent: who.agent, authority: who.authority }, viewer };
    // Where a record stands, a field beside it may say who sees it: the bubble has read that too.
    const show: Project = (keys) => {
      const gate = this.#plan.view.visible.find((field) => field.name === keys[0])?.gate;
      if (gate?.kind === 'viewerIs') reads.add(gate.field);
      const shown = project(keys);
      // It is kept, and what is projected shares its values with the state, which is written in place.
      return shown === undefined ? undefined : frozenCopy(shown);
    };
    return this.#guarded(name, () => bounded(shownOf(atOnce(run(input)), name, this.#plan.record, show)));
  }

  #ask(
    number: number,
    who: Principal,
    row: Row | undefined | 'none yet',
    asked: { who: boolean; row: boolean },
  ): boolean {
    const { run, name } = this.#plan.policies[number] as PolicyPlan;
    this.#reads = (this.#policies[number] as Known).reads;
    const reading = this.#begin();
    const input = {
      doc: reading.doc,
      get who(): Principal {
        asked.who = true;
        return { agent: who.agent, authority: who.authority };
      },
      get row(): object | undefined {
        asked.row = true;
        if (row === 'none yet') throw rowAsked;
        return row?.plan.record === undefined ? undefined : reading.recordOf(row.plan.record, row.state, row.key);
      },
    };
    const answer = this.#guarded(name, () => {
      const said = atOnce(run(input));
      return said === true;
    });
    return answer === true;
  }

  #valueOf({ run, name }: FormulaPlan, number: number): Json | undefined {
    const known = this.#values[number];
    if (known === undefined || known.isKnown) return known?.value;
    this.#reads = known.reads;
    const { doc } = this.#begin();
    known.value = this.#guarded(name, () => bounded(storeJson(atOnce(run({ doc })), name)));
    known.isKnown = true;
    return known.value;
  }

  #guarded<T>(name: string, run: () => T): T | undefined {
    try {
      return run();
    } catch (failure) {
      // An assertion says that we are wrong, not the application (C19).
      if (failure instanceof AssertionFailed) throw failure;
      if (failure !== rowAsked) this.#failures = { count: (this.#failures?.count ?? 0) + 1, name, failure };
      return undefined;
    }
  }

  #begin(): Reading {
    this.#reading ??= beginReading(this.#plan.record, this.#state, (name) => this.#reads.add(name));
    return this.#reading;
  }
}

/** What waits has no value; and if it fails nobody else would hear of it. */
function atOnce(made: unknown): unknown {
  if (!(made instanceof Promise)) return made;
  made.catch(() => undefined);
  throw mistake('it is synchronous: it returned a promise');
}

/** What no view can hold is no value: a few of them are longer than any text can be. */
function bounded(value: Json | undefined): Json | undefined {
  if (value !== undefined && lengthOf(value) > viewBytesMax) throw mistake('it is longer than any view');
  return value;
}

/** A record, records, or JSON. What a draft is, the plan knows: an application may have brought its own copy of this package. */
function shownOf(value: unknown, name: string, { pathOf, rowsOf }: RecordPlan, project: Project): Json | undefined {
  if (typeof value !== 'object' || value === null) return storeJson(value, name);
  const keys = pathOf(value);
  if (keys !== undefined) return project(keys);
  const rows: unknown = rowsOf(value) ?? value;
  const pathIn = (row: unknown): readonly string[] | undefined =>
    typeof row === 'object' && row !== null ? pathOf(row) : undefined;
  if (!Array.isArray(rows) || rows.every((row) => pathIn(row) === undefined)) {
    return rows === value ? storeJson(value, name) : [];
  }
  return rows.flatMap((row: unknown): Json[] => {
    const path = pathIn(row);
    const shown = path === undefined ? undefined : project(path);
    return shown === undefined ? [] : [shown];
  });
}

function numbersOf<T>(items: readonly T[], holds: (item: T) => boolean): number[] {
  return items.flatMap((item, number) => (holds(item) ? [number] : []));
}
