// What a document with a quota counts for, in the accounts of its space and of who began it (account.ts). The document says it itself, under a key
// of its state that no field can have:
//
//   "@quota": { "id", "n", "key", "bytes", "who", "fullMs"? }
//
// `bytes` is what it may grow to as far as its accounts have been asked; it asks for more before it has used that up. A claim is one change of what it counts
// for: its accounts take it first, then the document, in the update that makes use of it. Claims of one document are made one after the other
// and numbered by `n`, under the `id` of the first. `key` is that of the last one that came about: whoever knows these three knows of each claim what came of it.
import type { Principal } from '../../base/ids.ts';
import { documentLengthMax } from '../../base/limits.ts';
import { claimMsMax, quotaAgainMs, quotaStep } from '../../base/limits-life.ts';
import type { JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import type { Plan, QuotaPlan } from '../definition/definition.ts';
import type { Env } from '../env.ts';
import { keyOfPrincipal, quotaKey } from '../life/agenda.ts';
import { hexOf } from '../life/hex.ts';
import type { Resident } from '../resident.ts';

/** What a document counts for. `fullMs`: when it was last told that it may not grow. */
export type Standing = {
  readonly id: string;
  readonly n: number;
  readonly key: string;
  readonly bytes: number;
  /** Who began it; '' for nobody in particular. */
  readonly who: string;
  readonly fullMs: number | undefined;
};

export type Claim = {
  readonly kind: 'create' | 'adopt' | 'resize' | 'end';
  readonly document: string;
  /** Of this claim alone. */
  readonly key: string;
  readonly id: string;
  readonly n: number;
  /** The `n` and the `key` of the document when it asked. */
  readonly standing: number;
  readonly standingKey: string;
  readonly who: string;
  /** What it counts for more, or less. */
  readonly documents: number;
  readonly bytes: number;
  /** Undefined: it is counted, whatever is there. */
  readonly limits: QuotaPlan | undefined;
  /** Of use until then, in ms since 1970. */
  readonly untilMs: number;
};

/** What a document says of itself; '' and 0 where it counts for nothing. */
export type StandingAnswer = { readonly id: string; readonly n: number; readonly key: string };

/** Of a document of its kind as it is after a command. */
export type QuotaState = { readonly standing: Standing | undefined; readonly wants: Claim | undefined };

export function standingOf(state: JsonObject): Standing | undefined {
  const value = state[quotaKey];
  if (!isJsonObject(value)) return undefined;
  const { id, n, key, bytes, who, fullMs } = value;
  return {
    id: id as string,
    n: n as number,
    key: key as string,
    bytes: bytes as number,
    who: who as string,
    fullMs: fullMs as number | undefined,
  };
}

/** How long the document may become, in JSON characters. One whose quota was taken away asks no more, and so is not full. */
export function roomOf({ quota }: Pick<Plan, 'quota'>, state: JsonObject): number {
  const standing = quota === undefined ? undefined : standingOf(state);
  return standing?.fullMs === undefined ? documentLengthMax : Math.min(standing.bytes, documentLengthMax);
}

/** What a document of this length counts for: a quarter more, in whole steps, so that it asks seldom. */
export function bytesFor(length: number): number {
  return Math.ceil((length * 1.25) / quotaStep) * quotaStep;
}

/** The document does not exist, and is to be begun, `length` long. */
export function claimToCreate(name: string, limits: QuotaPlan, who: Principal, length: number, env: Env): Claim {
  const size = { documents: 1, bytes: bytesFor(length) };
  return { ...firstClaim(name, env), kind: 'create', who: keyOfPrincipal(who), ...size, limits };
}

/** Undefined where it counts for nothing. */
export function claimToEnd({ name, state }: Resident, env: Env): Claim | undefined {
  const standing = standingOf(state);
  if (standing === undefined) return undefined;
  const { id, n, key: standingKey, who, bytes } = standing;
  const size = { documents: -1, bytes: -bytes };
  const about = { kind: 'end', document: name, id, n: n + 1, standing: n, standingKey, who } as const;
  return { ...about, ...size, limits: undefined, ...freshly(env) };
}

/** Whether the document still is as it was when it claimed this, and in time. */
export function isOfUse({ id, standing, untilMs }: Claim, { state }: Pick<Resident, 'state'>, nowMs: number): boolean {
  const now = standingOf(state);
  return nowMs <= untilMs && (standing === 0 ? now === undefined : now?.id === id && now.n === standing);
}

/** Undefined where there is no quota: most documents are asked no more. */
export function quotaStateOf(resident: Resident, env: () => Env): QuotaState | undefined {
  const { definition, incarnation, state } = resident;
  const { quota } = definition.plan;
  if (incarnation === '' || (quota === undefined && !(quotaKey in state))) return undefined;
  const standing = standingOf(state);
  return { standing, wants: quota && wantedBy(resident, standing, quota, env) };
}

function wantedBy(
  { name, length }: Resident,
  standing: Standing | undefined,
  limits: QuotaPlan,
  env: () => Env,
): Claim | undefined {
  const wanted = bytesFor(length);
  if (standing === undefined) {
    return { ...firstClaim(name, env()), kind: 'adopt', who: '', documents: 1, bytes: wanted, limits: undefined };
  }
  const { id, n, key: standingKey, who, bytes, fullMs } = standing;
  const isLong = wanted <= bytes / 2;
  const isShort = length > bytes - bytes / 8;
  if (!isLong && !isShort && fullMs === undefined) return undefined;
  const now = env();
  if (!isLong && fullMs !== undefined && now.nowMs < fullMs + quotaAgainMs) return undefined;
  // What is refused to one that is full may be more than all that it has left: it asks for a step more, though it has not used that up.
  const next = isLong ? wanted : Math.max(wanted, bytes + quotaStep);
  const about = { kind: 'resize', document: name, id, n: n + 1, standing: n, standingKey, who } as const;
  return { ...about, documents: 0, bytes: next - bytes, limits, ...freshly(now) };
}

type First = Pick<Claim, 'document' | 'id' | 'n' | 'standing' | 'standingKey' | 'untilMs' | 'key'>;

function firstClaim(document: string, env: Env): First {
  return { document, id: hexOf(env.randomBytes16()), n: 1, standing: 0, standingKey: '', ...freshly(env) };
}

function freshly({ nowMs, randomBytes16 }: Env): Pick<Claim, 'untilMs' | 'key'> {
  return { untilMs: nowMs + claimMsMax, key: hexOf(randomBytes16()) };
}

/** What a document begins with whose claim was granted. */
export function birthWith(claim: Claim | undefined): JsonObject {
  if (claim === undefined) return {};
  const { id, n, key, bytes, who } = claim;
  return { [quotaKey]: { id, n, key, bytes, who } };
}
