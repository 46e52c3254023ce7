// The gateway to the state: what a handler assigns becomes a stored value here, or is refused; and comes back as what was assigned. In between
// every value survives disk, wire and JSON exactly.
import { unreachable } from '../../base/assert.ts';
import type { Json } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { bigintDigitsMax, isDigits } from '../definition/digits.ts';
import type { ValueField } from '../definition/fields.ts';
import { frozenCopy, storeJson } from './json.ts';
import { isPrincipal, mistake, wellFormed } from './values.ts';

/** Returns what to store for `value`, undefined for "absent"; throws HANDLER_FAILED for what the field cannot hold. */
export type Store = (value: unknown) => Json | undefined;

const momentMsMin = Date.parse('0000-01-01T00:00:00.000Z');
const momentMsMax = Date.parse('9999-12-31T23:59:59.999Z');

/** What a value field stores. */
export function scalarStore(field: ValueField, name: string): Store {
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
    case 'enum': {
      const { values } = field;
      const wanted = `one of ${values.map((word) => JSON.stringify(word)).join(', ')}`;
      return (value) => (values.includes(value as string) ? (value as string) : absentOr(value, name, wanted));
    }
    case 'bigint':
      return (value) => {
        const digits = typeof value === 'bigint' ? String(value) : undefined;
        return isDigits(digits) ? digits : absentOr(value, name, `a bigint of at most ${bigintDigitsMax} digits`);
      };
    case 'principal':
      return (value) =>
        isPrincipal(value)
          ? { agent: value.agent, authority: value.authority }
          : absentOr(value, name, 'a principal { agent, authority }');
    case 'dateTime':
      return (value) => (isMoment(value) ? value.toISOString() : absentOr(value, name, 'a Date'));
    case 'json':
      return (value) => storeJson(value, name);
    case 'maybe':
      return scalarStore(field.of, name);
    default:
      return unreachable(field);
  }
}

/** What a handler reads where a field holds `stored`: a copy, never an object of the state itself. */
export function readerOf(field: ValueField): (stored: Json | undefined) => unknown {
  const initial = 'initial' in field ? field.initial : null;
  switch (field.kind) {
    case 'bigint':
      return (stored) => BigInt(typeof stored === 'string' ? stored : field.initial);
    case 'dateTime':
      return (stored) => (typeof stored === 'string' ? new Date(stored) : null);
    case 'json':
      return (stored) => (stored === undefined ? null : frozenCopy(stored));
    case 'maybe': {
      const read = readerOf(field.of);
      return (stored) => (stored === undefined ? null : read(stored));
    }
    case 'principal':
      return (stored) => (isJsonObject(stored) ? { ...stored } : null);
    default:
      return (stored) => stored ?? initial;
  }
}

/** Within what ISO 8601 writes with four digits of a year. */
function isMoment(value: unknown): value is Date {
  if (!(value instanceof Date)) return false;
  const ms = value.getTime();
  return ms >= momentMsMin && ms <= momentMsMax;
}

function absentOr(value: unknown, name: string, wanted: string): undefined {
  if (value === null || value === undefined) return undefined;
  throw mistake(`${name} holds ${wanted}`);
}
