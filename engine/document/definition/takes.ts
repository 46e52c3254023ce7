// Whether a channel still takes what it took, by the JSON schemas of both: yes only where that can be seen. The words that are known here are those
// of which more or less is plain; what else differs may be anything.
import type { Json, JsonObject } from '../../base/merge-patch.ts';
import { diff, isJsonObject } from '../../base/merge-patch.ts';

const lowerBounds: readonly string[] = ['minimum', 'minLength', 'minItems'];
const upperBounds: readonly string[] = ['maximum', 'maxLength', 'maxItems'];
const known = new Set(['properties', 'required', 'additionalProperties', 'enum', 'anyOf', 'items']);
const notes = new Set(['$schema', 'title', 'description', 'examples', 'default', '$id', '$comment']);

export function takesAll(before: Json | undefined, after: Json | undefined): boolean {
  if (isSame(before, after)) return true;
  if (!isJsonObject(before) || !isJsonObject(after)) return false;
  if (Array.isArray(after['anyOf'])) return choicesOf(before).every((one) => isTakenBy(one, after['anyOf'] as Json[]));
  if (Array.isArray(before['anyOf'])) return false;
  return isBounded(before, after) && takesWords(before, after) && takesParts(before, after);
}

function choicesOf(schema: JsonObject): readonly Json[] {
  return Array.isArray(schema['anyOf']) ? (schema['anyOf'] as Json[]) : [schema];
}

function isTakenBy(one: Json, choices: readonly Json[]): boolean {
  return choices.some((choice) => takesAll(one, choice));
}

/** All that is not looked at elsewhere is the same, and no bound is closer. */
function isBounded(before: JsonObject, after: JsonObject): boolean {
  for (const word of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (known.has(word) || notes.has(word)) continue;
    const [was, is] = [before[word], after[word]];
    const bound = lowerBounds.includes(word) ? 1 : upperBounds.includes(word) ? -1 : 0;
    if (
      bound === 0
        ? !isSame(was, is)
        : is !== undefined && (was === undefined || (is as number) * bound > (was as number) * bound)
    )
      return false;
  }
  return true;
}

function takesWords(before: JsonObject, after: JsonObject): boolean {
  const [was, is] = [before['enum'], after['enum']];
  if (!Array.isArray(is)) return true;
  return Array.isArray(was) && was.every((word: Json) => is.includes(word));
}

function takesParts(before: JsonObject, after: JsonObject): boolean {
  const [was, is] = [partsOf(before), partsOf(after)];
  const isOpen =
    after['additionalProperties'] === undefined ||
    isSame(after['additionalProperties'], before['additionalProperties']);
  const required = (after['required'] ?? []) as readonly string[];
  const needed = (before['required'] ?? []) as readonly string[];
  const rest = after['additionalProperties'];
  return (
    (isOpen || after['additionalProperties'] === true) &&
    required.every((name) => needed.includes(name)) &&
    // What is not named any more is passed over, unless that is forbidden.
    Object.keys(was).every((name) => (is[name] === undefined ? rest === undefined : takesAll(was[name], is[name]))) &&
    (after['items'] === undefined || takesAll(before['items'], after['items']))
  );
}

function partsOf(schema: JsonObject): JsonObject {
  return isJsonObject(schema['properties']) ? schema['properties'] : {};
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && diff(one, other) === undefined);
}
