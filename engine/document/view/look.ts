// What one view of a document looks at: a page, a filter, a search text. Its client says so, its bubbles are given it, and nothing else hangs on it. It
// is of the view alone: stored nowhere, in no update, and gone with it.
import { AssertionFailed } from '../../base/assert.ts';
import { viewerStateLengthMax } from '../../base/limits-shown.ts';
import type { Json } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { answerJson } from '../answer.ts';
import type { Look, LookPlan, StandardSchema } from '../definition/definition.ts';
import { invalid } from '../definition/fields.ts';
import { frozenCopy } from '../draft/json.ts';
import type { Refusal } from '../handle.ts';
import { validate } from '../handle.ts';

/** Where a definition takes none. */
export const noLook: Look = { json: '', state: undefined };

/** APP_INVALID for what is no schema, and where it does not take `initial`. */
export function planLook(schema: StandardSchema, initial: unknown): LookPlan {
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw invalid('viewerState', 'its schema is no Standard Schema');
  }
  const look = lookOf(schema, initial);
  if ('kind' in look) throw invalid('viewerState', `what viewers look at first is not what it takes: ${look.text}`);
  return { schema, initial: look };
}

/** What `said` has a view look at; undefined: it has said nothing. MESSAGE_INVALID. */
export function readLook(plan: LookPlan | undefined, said: unknown): Look | Refusal {
  if (said === undefined) return plan?.initial ?? noLook;
  return plan === undefined ? refusal('this document takes no viewer state') : lookOf(plan.schema, said);
}

function lookOf(schema: StandardSchema, said: unknown): Look | Refusal {
  const valid = validate({ schema }, said);
  if ('kind' in valid) return valid;
  try {
    const state = sorted(JSON.parse(answerJson(valid.value)) as Json);
    const json = JSON.stringify(state);
    if (json.length <= viewerStateLengthMax) return { json, state: frozenCopy(state) };
    return refusal(`a viewer state has at most ${viewerStateLengthMax} characters as JSON`);
  } catch (failure) {
    if (failure instanceof AssertionFailed) throw failure;
    return { ...refusal('what the schema makes of it is no JSON'), failure };
  }
}

/** Equal states are one text, whatever the order of their keys was. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((part: Json) => sorted(part));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

function refusal(text: string): Refusal {
  return { kind: 'refused', code: 'MESSAGE_INVALID', text, failure: undefined };
}
