// The gateway to the state: what a handler assigns becomes a stored value here, or is refused. Past it every value
// survives disk, wire and JSON exactly.
import { unreachable } from '../base/assert.ts';
import { CodedError } from '../base/errors.ts';
import type { Principal } from '../base/ids.ts';
import { principalBytesMax } from '../base/limits.ts';
import type { Json } from '../base/merge-patch.ts';
import type { PrincipalField, ScalarField } from './fields.ts';

/** Returns what to store for `value`, undefined for "absent"; throws HANDLER_FAILED for what the field cannot hold. */
export type Store = (value: unknown) => Json | undefined;

const keyCharsMax = 128;
const reservedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

// Node 20 has these; the ES2023 types do not name them yet.
type Utf16 = { isWellFormed(): boolean; toWellFormed(): string };

/** A handler's mistake. Its text is for the application's log and never reaches a client. */
export function mistake(text: string): CodedError {
  return new CodedError('HANDLER_FAILED', text);
}

export function isReservedKey(key: string): boolean {
  return reservedKeys.has(key);
}

/** `text` with lone surrogates replaced by U+FFFD: what UTF-8 would make of it, made now. */
export function wellFormed(text: string): string {
  return (text as unknown as Utf16).toWellFormed();
}

/**
 * Refuses a map's key that is empty, longer than 128 UTF-16 units, not well-formed, one of `__proto__`, `constructor`
 * and `prototype`, or that starts with `@`: a delta tells how lists are ordered under such keys.
 */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string') throw mistake('a key is a string');
  if (key.length === 0 || key.length > keyCharsMax) throw mistake(`a key has 1 to ${keyCharsMax} characters`);
  if (reservedKeys.has(key) || key.startsWith('@')) throw mistake(`the key ${JSON.stringify(key)} is reserved`);
  if (!(key as unknown as Utf16).isWellFormed()) throw mistake('a key holds no lone surrogates');
}

export function isPrincipal(value: unknown): value is Principal {
  if (typeof value !== 'object' || value === null) return false;
  const { agent, authority } = value as Partial<Record<'agent' | 'authority', unknown>>;
  return isPrincipalPart(agent) && isPrincipalPart(authority);
}

function isPrincipalPart(value: unknown): boolean {
  return typeof value === 'string' && value.length <= principalBytesMax && (value as unknown as Utf16).isWellFormed();
}

export function scalarStore(field: ScalarField | PrincipalField, name: string): Store {
  switch (field.kind) {
    case 'string':
      return (value) => (typeof value === 'string' ? wellFormed(value) : absentOr(value, name, 'a string'));
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : absentOr(value, name, 'a boolean'));
    case 'int':
      return (value) =>
        typeof value === 'number' && Number.isSafeInteger(value) ? value + 0 : absentOr(value, name, 'a safe integer');
    case 'double':
      return (value) =>
        typeof value === 'number' && Number.isFinite(value) ? value + 0 : absentOr(value, name, 'a finite number');
    case 'principal':
      return (value) =>
        isPrincipal(value)
          ? { agent: value.agent, authority: value.authority }
          : absentOr(value, name, 'a principal { agent, authority }');
    default:
      return unreachable(field);
  }
}

function absentOr(value: unknown, name: string, wanted: string): undefined {
  if (value === null || value === undefined) return undefined;
  throw mistake(`${name} holds ${wanted}`);
}
