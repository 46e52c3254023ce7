// What leaves a desk when everything that it may have seen is committed.
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import type { Front } from './front.ts';
import type { Outcome } from './running.ts';

/** For a viewer, or for somebody of this house: both wait for what they have seen. */
export type Output = { readonly front: Front; readonly message: ToProxy } | (() => void);

export function letGo(outputs: readonly Output[]): void {
  for (const output of outputs) {
    if (typeof output === 'function') output();
    else output.front.push(output.message);
  }
}

/** What a send came to, as its view is told. */
export function saidOf(view: number, outcome: Outcome): ToProxy | undefined {
  if (outcome.kind === 'answered') return [toProxy.answer, view, outcome.n, outcome.seq, outcome.json];
  if (outcome.kind !== 'refused') return undefined;
  return [toProxy.refused, view, outcome.n, outcome.seq, outcome.code, outcome.text];
}
