// A chain's register as an atomic cell, and what its hosts ask it. A CAS takes effect at one moment, or never; the answer may say
// so, come late, or be lost. A CAS whose answer was lost may still take effect, until its host has read.
import type { Configuration } from '../../chain/configuration.ts';
import { encodeConfiguration } from '../../chain/configuration.ts';
import { describeConfiguration } from '../../chain/describe.ts';
import type { Decision } from '../../chain/state.ts';
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';

type Value = Configuration | undefined;
/** What a host asked; `decision` once it has happened and the answer is on its way. */
export type Question =
  | { readonly kind: 'look'; decision: Decision | undefined }
  | { readonly kind: 'cas'; readonly expect: Value; readonly value: Configuration; decision: Decision | undefined };

type Late = { readonly owner: HostId | undefined; readonly expect: Value; readonly value: Configuration };

const keys = new WeakMap<Configuration, string>();

/** Equal bytes are the same configuration. */
export function keyOfValue(value: Value): string {
  if (value === undefined) return '-';
  let key = keys.get(value);
  if (key === undefined) {
    key = encodeConfiguration(value).toString();
    keys.set(value, key);
  }
  return key;
}

export class RegisterCell {
  value: Value;
  late: Late[];
  readonly #onChanged: (before: Value, after: Configuration) => void;

  constructor(onChanged: (before: Value, after: Configuration) => void, other?: RegisterCell) {
    this.value = other?.value;
    this.late = other === undefined ? [] : [...other.late];
    this.#onChanged = onChanged;
  }

  /** The moment at which what a host asked happens. */
  happen(host: HostId, question: Question): void {
    assert(question.decision === undefined, 'a question happens once');
    if (question.kind === 'look') {
      this.late = this.late.filter(({ owner }) => owner !== host);
      question.decision = { kind: 'value', value: this.value };
    } else {
      const isWon = this.#swap(question.expect, question.value);
      question.decision = isWon ? { kind: 'won' } : { kind: 'lost', value: this.value };
    }
  }

  /** Nobody hears of it any more: what has not happened yet may happen later. */
  forget(owner: HostId | undefined, question: Question | undefined): void {
    if (question?.kind !== 'cas' || question.decision !== undefined) return;
    const { expect, value } = question;
    if (keyOfValue(expect) === keyOfValue(this.value)) this.late.push({ owner, expect, value });
  }

  /** A CAS that nobody hears of takes effect. */
  happenLate(index: number): void {
    const [late] = this.late.splice(index, 1);
    if (late !== undefined) this.#swap(late.expect, late.value);
  }

  #swap(expect: Value, value: Configuration): boolean {
    if (keyOfValue(expect) !== keyOfValue(this.value)) return false;
    const before = this.value;
    this.value = value;
    // No value comes back: what expects another is dead.
    this.late = this.late.filter((one) => keyOfValue(one.expect) === keyOfValue(value));
    this.#onChanged(before, value);
    return true;
  }
}

export function describeDecision(decision: Decision): string {
  if (!('value' in decision)) return decision.kind;
  const { kind, value } = decision;
  return `${kind === 'lost' ? 'lost to ' : ''}${value === undefined ? 'nothing' : describeConfiguration(value)}`;
}
