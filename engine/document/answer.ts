// What an application answers, as JSON, and what it says when it refuses.
import { messageDepthMax } from '../base/limits.ts';
import { isReservedKey, mistake, wellFormed } from './draft/values.ts';

const textCharsMax = 500;

export function cut(text: string): string {
  return wellFormed(text.slice(0, textCharsMax));
}

/** The answer as JSON. Throws HANDLER_FAILED for what JSON cannot say; `undefined` is null, and in objects absent. */
export function answerJson(value: unknown): string {
  if (value === undefined) return 'null';
  checkAnswer(value, 0);
  return JSON.stringify(value);
}

function checkAnswer(value: unknown, depth: number): void {
  // A value that holds itself ends here too.
  if (depth > messageDepthMax) throw mistake(`an answer nests deeper than ${messageDepthMax}`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw mistake('an answer holds a number that is not finite');
      return;
    case 'object':
      break;
    default:
      throw mistake(`an answer holds a ${typeof value}`);
  }
  if (value === null) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null || prototype === Array.prototype;
  if (!isPlain || 'toJSON' in value) throw mistake('an answer holds what is no plain value');
  if (Array.isArray(value)) {
    for (const part of value) checkAnswer(part, depth + 1);
    return;
  }
  if (prototype === Array.prototype) throw mistake('an answer holds what is no plain value');
  for (const [key, part] of Object.entries(value)) {
    if (isReservedKey(key)) throw mistake(`an answer holds the key ${key}`);
    checkAnswer(part, depth + 1);
  }
}
