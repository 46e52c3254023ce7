// A document takes over what its accounts made of a claim of its: an update that no person asked for, named `quota` in its history.

import type { JsonObject } from '../../base/merge-patch.ts';
import type { Env } from '../env.ts';
import type { Happened } from '../events.ts';
import { documentPrincipal, nothing, written } from '../events.ts';
import { quotaKey } from '../life/agenda.ts';
import { mergeInPlace } from '../life/merge-in-place.ts';
import type { Inside, Resident } from '../resident.ts';
import type { Claim, Standing } from './claim.ts';
import { isOfUse, standingOf } from './claim.ts';

/** Nothing happens where the document has gone on since it claimed that, or is another by now. `isGranted`: it may; else it is full. */
export function applyClaim(resident: Resident, claim: Claim, isGranted: boolean, env: Env): Happened {
  const inside: Inside = resident;
  const standing = standingOf(inside.state);
  if (inside.incarnation === '' || !isOfUse(claim, inside, env.nowMs)) return nothing;
  const { redo, undo } = changeBy(claim, standing, isGranted, env.nowMs);
  mergeInPlace(inside.state, redo);
  const rollback = (): void => mergeInPlace(inside.state, undo);
  const event = { name: 'quota', who: documentPrincipal(inside.name), over: () => undefined };
  return written(inside, event, { kind: 'done', redo, undo, answer: '', tasks: [], rollback }, env);
}

function changeBy(
  { id, n, key, who, bytes }: Claim,
  standing: Standing | undefined,
  isGranted: boolean,
  nowMs: number,
): { readonly redo: JsonObject; readonly undo: JsonObject } {
  if (standing === undefined) return { redo: { [quotaKey]: { id, n, key, bytes, who } }, undo: { [quotaKey]: null } };
  const wasFull = standing.fullMs ?? null;
  const [redo, undo]: [JsonObject, JsonObject] = isGranted
    ? [
        { n, key, bytes: standing.bytes + bytes },
        { n: standing.n, key: standing.key, bytes: standing.bytes },
      ]
    : [{ fullMs: nowMs }, { fullMs: wasFull }];
  if (isGranted && wasFull !== null) [redo['fullMs'], undo['fullMs']] = [null, wasFull];
  return { redo: { [quotaKey]: redo }, undo: { [quotaKey]: undo } };
}
