// What is done to a document beside its messages, by an operator or by the platform: updates like any other, that no handler makes and no session
// sends.

import { assert } from '../base/assert.ts';
import { CodedError } from '../base/errors.ts';
import type { Principal } from '../base/ids.ts';
import { updateBytesMax } from '../base/limits.ts';
import type { JsonObject } from '../base/merge-patch.ts';
import { diff, isJsonObject } from '../base/merge-patch.ts';
import { isBehind, migrate } from './definition/migrate.ts';
import type { Env } from './env.ts';
import { sceneOf } from './events.ts';
import { runCode } from './handle.ts';
import { withoutAgenda } from './life/agenda.ts';
import { change, end } from './life/past.ts';
import { Staged } from './life/staged.ts';
import { encodeUpdate, noMessage } from './life/update.ts';
import { versionOf } from './life/version.ts';
import type { Inside, Resident } from './resident.ts';
import type { ViewDelta } from './view/viewer.ts';

/** `update` is to be written before any of the rest leaves, `seq` its own. */
export type Acted = { readonly update: Uint8Array; readonly deltas: readonly ViewDelta[]; readonly seq: number };

/** The state after update `seq` of this incarnation. */
export type Former = { readonly seq: number; readonly incarnation: string; readonly state: JsonObject };

/** Updates that no person made. */
export const platform: Principal = { agent: 'platform', authority: 'levelten' };

/** Whether it is of an older version than its definition, and so nothing may be done to it but `applyMigration`. DOCUMENT_NEWER. */
export function isWaiting({ definition, incarnation, state }: Resident): boolean {
  return incarnation !== '' && isBehind(definition, state);
}

/** Brings a document that waits to the version of its definition. Nobody may be viewing yet. MIGRATION_FAILED. */
export function applyMigration(resident: Resident, env: Env): Acted {
  const inside: Inside = resident;
  assert(isWaiting(inside) && inside.viewers.size === 0, `${inside.name} is migrated first, and once`);
  const after = migrate(inside.definition, inside.state, env.randomBytes16);
  const redo = patchOf(inside.state, after);
  const undo = patchOf(after, inside.state);
  const [seq, n] = [inside.seq + 1, versionOf(inside.state)];
  const update = encodeUpdate({ ...noMessage, kind: 'migrate', seq, atMs: env.nowMs, who: platform, n, redo, undo });
  if (update.length > updateBytesMax) {
    throw new CodedError('MIGRATION_FAILED', `the migration is an update of more than ${updateBytesMax} bytes`);
  }
  change(inside, redo, undo);
  inside.seq = seq;
  inside.migratedSeq = seq;
  return { update, deltas: [], seq };
}

/**
 * Sets the document to a state that it had, brought to the version that runs: an update of its own, so that what was done since stays in its
 * history. Sessions and answers stay. HISTORY_GONE where it is another document by now; UPDATE_TOO_BIG where the way there and back is over
 * `updateBytesMax`; MIGRATION_FAILED.
 */
export function applyRewind(resident: Resident, to: Former, who: Principal, env: Env): Acted {
  const inside: Inside = resident;
  if (to.incarnation !== inside.incarnation) throw new CodedError('HISTORY_GONE', 'the document began anew');
  const { definition } = inside;
  const former = isBehind(definition, to.state) ? migrate(definition, to.state, env.randomBytes16) : to.state;
  // What is due and what waits to be carried out stays: it is no part of what the document says.
  const [now, then] = [withoutAgenda(inside.state), withoutAgenda(former)];
  const redo = patchOf(now, then);
  const undo = patchOf(then, now);
  const seq = inside.seq + 1;
  const update = encodeUpdate({ ...noMessage, kind: 'rewind', seq, atMs: env.nowMs, who, n: to.seq, redo, undo });
  if (update.length > updateBytesMax) {
    throw new CodedError('UPDATE_TOO_BIG', `going back to ${to.seq} is an update of more than ${updateBytesMax} bytes`);
  }
  change(inside, redo, undo);
  inside.seq = seq;
  inside.hours.changed(redo);
  return { update, deltas: inside.viewers.deltas({ redo, undo }), seq };
}

/**
 * Ends the document: it is as if it had never been, but that its seq goes on. Its viewers are for the caller to send away, before
 * anything else is done to it. DOCUMENT_UNKNOWN; `isAsked`: a viewer wants that, and the definition is asked (DELETE_REFUSED).
 */
export function applyDelete(resident: Resident, who: Principal, env: Env, isAsked = false): Acted {
  const inside: Inside = resident;
  checkDelete(inside, who, env, isAsked);
  const seq = inside.seq + 1;
  const update = encodeUpdate({ ...noMessage, kind: 'delete', seq, atMs: env.nowMs, who });
  end(inside, seq);
  inside.viewers.forget();
  inside.hours.forget();
  return { update, deltas: [], seq };
}

/** DOCUMENT_UNKNOWN and DELETE_REFUSED, as `applyDelete`. */
export function checkDelete(resident: Resident, who: Principal, env: Env, isAsked: boolean): void {
  if (resident.incarnation === '') throw new CodedError('DOCUMENT_UNKNOWN', 'there is no such document');
  if (isAsked && !mayDelete(resident, who, env)) throw new CodedError('DELETE_REFUSED', 'you may not delete it');
}

/** What it does to the document on the way does not stay. */
function mayDelete(inside: Inside, who: Principal, env: Env): boolean {
  const policy = inside.definition.plan.events.delete;
  if (policy === undefined) return false;
  let answer: unknown;
  const outcome = runCode(sceneOf(inside, env), new Staged(inside.state), (doc, ctx) => {
    answer = policy({ doc, who: { agent: who.agent, authority: who.authority }, ctx });
    return answer instanceof Promise ? answer : undefined;
  });
  if (outcome.kind === 'done') outcome.rollback();
  return outcome.kind === 'done' && answer === true;
}

function patchOf(from: JsonObject, to: JsonObject): JsonObject {
  const patch = diff(from, to);
  return isJsonObject(patch) ? patch : {};
}
