// Who looks, and what is known of that: what every gate of a view plan is asked with. Who is nobody in particular passes no gate that names a
// principal; what he sees is what all others of his kind see, but for those who are named.
import type { Principal } from '../../base/ids.ts';
import { samePrincipal } from '../../base/ids.ts';
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { isPrincipal } from '../draft/values.ts';
import type { Gate, ViewPlan } from './plan.ts';

/** What a policy says of a principal, whatever the row; or that it hangs on the row. */
export type Outcome = boolean | 'row';

/** The map's entry, or the table's row, that a gate stands in. `path` is unique in the document. */
export type Row = {
  readonly path: string;
  readonly key: string;
  readonly state: JsonObject;
  readonly plan: ViewPlan;
};

export type Sight = {
  /** Undefined: nobody in particular. */
  readonly who: Principal | undefined;
  /** By the number of the policy. */
  readonly outcomes: readonly Outcome[];
  /** By the number of the formula. */
  readonly formulas: readonly (Json | undefined)[];
  /** By the number of the bubble; nobody in particular has none. */
  readonly bubbles: readonly (Json | undefined)[];
  /** Of a policy that hangs on the row; undefined: the gate stands in none. Asked of somebody only. */
  readonly passesRow: (policy: number, row: Row | undefined) => boolean;
  /** Somebody is named at a gate that was looked at. */
  readonly onHolder: (holder: Principal) => void;
  /** Nobody in particular came to what is each viewer's own: a policy that hangs on a row, a bubble. */
  readonly onOwn: () => void;
};

/** `holder`: what the field holds that a `viewerIs` names. */
export function passes(gate: Gate, holder: Json | undefined, sight: Sight, row: Row | undefined): boolean {
  switch (gate.kind) {
    case 'open':
      return true;
    case 'viewerIs':
      if (!isPrincipal(holder)) return false;
      sight.onHolder(holder);
      return sight.who !== undefined && samePrincipal(sight.who, holder);
    case 'all':
      return passesAll(gate.policies, sight, row);
  }
}

/** All are asked, in order, until one says no. */
export function passesAll(policies: readonly number[], sight: Sight, row: Row | undefined): boolean {
  return policies.every((policy) => {
    const outcome = sight.outcomes[policy];
    if (outcome !== 'row') return outcome === true;
    if (sight.who !== undefined) return sight.passesRow(policy, row);
    sight.onOwn();
    return false;
  });
}
