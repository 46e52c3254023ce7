// Words that every gateway to the state goes by: which keys and texts it takes, who is a principal, and how a handler's mistake is said.
import { CodedError } from '../../base/errors.ts';
import type { Principal } from '../../base/ids.ts';
import { principalBytesMax } from '../../base/limits.ts';

const keyCharsMax = 128;
const reservedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

// Node 20 has these; the ES2023 types do not name them yet.
type Utf16 = { isWellFormed(): boolean; toWellFormed(): string };

/** A handler's mistake. Its text is for the application's log and never reaches a client. */
export function mistake(text: string): CodedError {
  return new CodedError('HANDLER_FAILED', text);
}

/** Whether all that `value` holds are fields of its own: a Map, a Date or a draft would only look empty. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
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
