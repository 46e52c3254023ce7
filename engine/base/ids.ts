// Branded ids. Each has one function that makes it, and that function checks: past it nobody looks again.
import { assert } from './assert.ts';
import { CodedError } from './errors.ts';
import { documentNameBytesMax } from './limits.ts';

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A host of the cluster, by the name that its configuration gives it. */
export type HostId = Brand<string, 'HostId'>;
/** A chain of the cluster: 0 ... chains - 1. */
export type ChainId = Brand<number, 'ChainId'>;
/** The number of a chain's configuration: 1 is the first, 0 means none. */
export type Epoch = Brand<number, 'Epoch'>;
/** A position in a chain's log: 1 is the first record, 0 means none. */
export type Lsn = Brand<number, 'Lsn'>;
/** The rolling hash after a record: 32 lower-case hex digits (16 bytes). */
export type Hash = Brand<string, 'Hash'>;
/** A document's name, `space/key`. */
export type DocumentName = Brand<string, 'DocumentName'>;

/** Who acts: an agent as known to an authority. Two principals are one only if both parts are equal. */
export type Principal = {
  /** Who it is, for the authority. */
  readonly agent: string;
  /** Who says so: `dev` in development mode. */
  readonly authority: string;
};

/** The place in a chain's history right after a record. */
export type Position = { readonly lsn: Lsn; readonly hash: Hash };

const hostPattern = /^[a-z0-9][a-z0-9-]{0,31}$/;
const spacePattern = /^[a-z][a-z0-9-]{0,31}$/;
const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/;

export function hostId(text: string): HostId {
  if (!hostPattern.test(text)) throw new CodedError('HOST_OPTIONS', `not a host id: ${JSON.stringify(text)}`);
  return text as HostId;
}

export function chainId(value: number): ChainId {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, `chain id ${value} is not 0...65535`);
  return value as ChainId;
}

export function epoch(value: number): Epoch {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, `epoch ${value} is not a u32`);
  return value as Epoch;
}

export function lsn(value: number): Lsn {
  assert(Number.isSafeInteger(value) && value >= 0, `lsn ${value} is not a safe integer`);
  return value as Lsn;
}

/** Where every history begins. */
export const origin: Position = { lsn: 0 as Lsn, hash: '0'.repeat(32) as Hash };

export function samePosition(a: Position, b: Position): boolean {
  return a.lsn === b.lsn && a.hash === b.hash;
}

/** Documents of the platform's own: accounts of quotas. */
export const accountSpace = 'levelten-quota';

/** Takes `space/key` apart. DOCUMENT_NAME unless the space is `[a-z][a-z0-9-]*` and the key `[A-Za-z0-9._:@-]+`. */
export function documentName(text: string): { name: DocumentName; space: string; key: string } {
  const slash = text.indexOf('/');
  const space = text.slice(0, Math.max(slash, 0));
  const key = text.slice(slash + 1);
  if (text.length > documentNameBytesMax || !spacePattern.test(space) || !keyPattern.test(key)) {
    throw new CodedError('DOCUMENT_NAME', 'a document is named space/key, in letters, digits and . _ : @ -');
  }
  return { name: text as DocumentName, space, key };
}

export function samePrincipal(a: Principal, b: Principal): boolean {
  return a.agent === b.agent && a.authority === b.authority;
}
