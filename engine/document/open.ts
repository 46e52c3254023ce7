// Who opens a document: it begins where he may have it begin, he is let in, and registered. Who closes it is missed after a while.
import { assert } from '../base/assert.ts';
import type { Principal } from '../base/ids.ts';
import { accountSpace, documentName } from '../base/ids.ts';
import { documentLengthMax, updateBytesMax } from '../base/limits.ts';
import { presentMax } from '../base/limits-life.ts';
import { quotaChannel } from './context.ts';
import type { Look } from './definition/definition.ts';
import { isPrincipal } from './draft/values.ts';
import type { Env } from './env.ts';
import type { Happened, Letter, Reply } from './events.ts';
import { changed, documentPrincipal, nothing, receive, sceneOf, stopped, written } from './events.ts';
import type { Refusal } from './handle.ts';
import { runCode, validate } from './handle.ts';
import { groupOf, keyOfPrincipal, wakeKey } from './life/agenda.ts';
import { hexOf } from './life/hex.ts';
import { lengthOf } from './life/length.ts';
import { mergeInPlace } from './life/merge-in-place.ts';
import { register, sessionOf } from './life/sessions.ts';
import { Staged } from './life/staged.ts';
import { encodeUpdate, noMessage } from './life/update.ts';
import { birthOf } from './life/version.ts';
import { countsOf } from './quota/account.ts';
import type { Claim, StandingAnswer } from './quota/claim.ts';
import { birthWith, claimToCreate, standingOf } from './quota/claim.ts';
import type { Inside, Resident } from './resident.ts';
import { noLook, readLook } from './view/look.ts';
import type { Turned, Viewer } from './view/viewer.ts';

/**
 * `session`: '' = only to view, 'new' = with a session to send in, else 32 hex digits of one to go on with. `create`: what a document that does not exist is to be; undefined
 * where it is only to be opened. `look`: what the view looks at, as its client says it; undefined where it does not.
 */
export type OpenRequest = {
  readonly who: Principal;
  readonly session: string;
  readonly create?: unknown;
  readonly look?: unknown;
  /** What its accounts have taken: a document with a quota begins by it. */
  readonly grant?: Claim | undefined;
};

export const tooLate = 'the accounts of its quota took too long';

/** Nothing was done: the accounts are to be asked, and then this again. */
export type Ungranted = { readonly kind: 'ungranted'; readonly claim: Claim };

/** Why a view does not look at what its client says: it goes on as it was. */
export type LookRefused = { readonly code: string; readonly text: string };

/** `updates` are in order, `deltas` to viewers that were there before. */
export type Opened = Happened & {
  readonly result:
    | {
        readonly kind: 'opened';
        readonly viewer: Viewer;
        /** '' where none was asked for. */
        readonly session: string;
        readonly incarnation: string;
        readonly seq: number;
        /** The whole view. */
        readonly json: string;
        /** It is the view of somebody who has said nothing. */
        readonly lookRefused: LookRefused | undefined;
      }
    | { readonly kind: 'refused'; readonly code: string; readonly text: string }
    | Ungranted;
};

/**
 * Lets a principal view the document, and begins it where it may. Refusals: SESSION_EXPIRED, DOCUMENT_UNKNOWN, VIEW_REFUSED, LIMIT_REACHED, and what
 * `construct` or `connected` refuse with.
 */
export function openView(resident: Resident, request: OpenRequest, env: Env): Opened {
  const { who } = request;
  assert(isPrincipal(who), 'the proxy checks who it is');
  const isNew = request.session === 'new';
  if (!isNew && request.session !== '' && sessionOf(resident.sessions, request.session, who) === undefined) {
    return refused([], 'SESSION_EXPIRED', 'this session is not known here: ask for a new one');
  }
  const inside: Inside = resident;
  const happened: Happened[] = [];
  if (inside.incarnation === '') {
    const begun = begin(inside, who, env, request);
    if ('claim' in begun) return { ...nothing, result: begun };
    if ('code' in begun) return refused([], begun.code, begun.text, begun.failure);
    happened.push(begun);
  }
  const entered = enter(inside, who, env);
  if ('code' in entered) return refused(happened, entered.code, entered.text, entered.failure);
  happened.push(entered);
  let session = request.session;
  if (isNew) {
    const id = freshId(env);
    session = hexOf(id);
    inside.seq += 1;
    const { seq } = inside;
    const update = encodeUpdate({ ...noMessage, kind: 'session', seq, atMs: env.nowMs, who, id });
    happened.push({ ...nothing, updates: [update] });
    register(inside.sessions, session, seq, { agent: who.agent, authority: who.authority });
  }
  const { look, refused: lookRefused } = lookIn(inside, request.look);
  happened.push({ ...nothing, failure: failing('viewer state', lookRefused?.failure) });
  const { viewer, json } = inside.viewers.open(who, look);
  const { incarnation, seq } = inside;
  return { ...together(happened), result: { kind: 'opened', viewer, session, incarnation, seq, json, lookRefused } };
}

/** A view has to look at something: where what it says is refused, at what who says nothing does. */
function lookIn({ definition }: Inside, said: unknown): { readonly look: Look; readonly refused?: Refusal } {
  const plan = definition.plan.look;
  const look = readLook(plan, said);
  return 'kind' in look ? { look: plan?.initial ?? noLook, refused: look } : { look };
}

/** A message of another document comes to this one, which begins where that may have it begin. */
export function deliver(
  resident: Resident,
  letter: Letter,
  env: Env,
  isStopped = false,
  grant?: Claim,
): Happened & { readonly reply: Reply; readonly claim?: Claim } {
  const inside: Inside = resident;
  if (letter.channel === quotaChannel) return { ...nothing, reply: sayStanding(inside, letter) };
  const happened: Happened[] = [];
  if (inside.incarnation === '') {
    if (isStopped) return { ...nothing, reply: { code: stopped.code, text: stopped.text, json: '' } };
    const begun = begin(inside, documentPrincipal(letter.from), env, { grant });
    if ('claim' in begun) return { ...nothing, reply: { code: '', text: '', json: '' }, claim: begun.claim };
    if ('code' in begun) return { ...nothing, reply: { code: begun.code, text: begun.text, json: '' } };
    happened.push(begun);
  }
  const { happened: what, reply } = receive(inside, letter, env, isStopped);
  return { ...together([...happened, what]), reply };
}

/** One view less of this viewer. */
export function closeView(resident: Resident, viewer: Viewer, nowMs: number): void {
  resident.viewers.close(viewer);
  if (!resident.viewers.has(viewer.who)) resident.hours.left(keyOfPrincipal(viewer.who), nowMs);
}

/**
 * One view of this viewer looks at something else, as its client says: it is one of the viewer that comes back, from now on. Nothing happens to the document.
 * MESSAGE_INVALID.
 */
export function turnView(resident: Resident, viewer: Viewer, said: unknown): Turned | Refusal {
  const look = readLook(resident.definition.plan.look, said);
  return 'kind' in look ? look : resident.viewers.turn(viewer, look);
}

/** Begins the document for whoever may have it begin: its first update. */
function begin(
  inside: Inside,
  who: Principal,
  env: Env,
  { create, grant }: Pick<OpenRequest, 'create' | 'grant'>,
): Happened | Refusal | Ungranted {
  const { key } = documentName(inside.name);
  const { construct, create: creation } = inside.definition.plan.events;
  const isCreated = create !== undefined && creation !== undefined;
  if (create === undefined ? !mayInvent(inside, who, key) : !isCreated) {
    return refusal('DOCUMENT_UNKNOWN', 'there is no such document');
  }
  const valid = isCreated && creation.schema !== undefined ? validate({ schema: creation.schema }, create) : undefined;
  if (valid !== undefined && 'kind' in valid) return { ...valid, failure: failing('create', valid.failure) };
  const { quota } = inside.definition.plan;
  if (quota !== undefined && grant !== undefined && env.nowMs > grant.untilMs) {
    return refusal('CHAIN_BUSY', tooLate);
  }
  let isMade = true;
  const outcome = runCode(sceneOf(inside, env), new Staged(inside.state), (doc, ctx) => {
    const about = { doc, who: { agent: who.agent, authority: who.authority }, key, ctx };
    const value = construct?.(about);
    if (value instanceof Promise || valid === undefined) return value instanceof Promise ? value : undefined;
    const answer = creation?.handler({ ...about, arg: valid.value });
    isMade = answer !== false;
    return answer instanceof Promise ? answer : undefined;
  });
  if (outcome.kind === 'refused') return { ...outcome, failure: failing('construct', outcome.failure) };
  if (!isMade) {
    outcome.rollback();
    return refusal('DOCUMENT_UNKNOWN', 'there is no such document');
  }
  if (quota !== undefined && grant === undefined) {
    outcome.rollback();
    const length = inside.length + lengthOf(outcome.redo);
    return { kind: 'ungranted', claim: claimToCreate(inside.name, quota, who, length, env) };
  }
  const { tasks } = outcome;
  const birth = birthOf(inside.definition.plan.version);
  const counted = quota === undefined ? {} : birthWith(grant);
  mergeInPlace(inside.state, birth.redo);
  mergeInPlace(inside.state, counted);
  const redo = { ...birth.redo, ...counted, ...outcome.redo };
  const uncounted = Object.fromEntries(Object.keys(counted).map((key) => [key, null]));
  const undo = { ...birth.undo, ...uncounted, ...outcome.undo };
  const id = freshId(env);
  const seq = inside.seq + 1;
  const update = encodeUpdate({ ...noMessage, kind: 'invent', seq, atMs: env.nowMs, who, id, redo, undo });
  // What is put into nothing is within `updateLengthMax`, and that fits.
  assert(update.length <= updateBytesMax, `an update of ${update.length} bytes, of at most ${updateBytesMax}`);
  inside.hours.forget();
  inside.incarnation = hexOf(id);
  inside.seq = seq;
  return { updates: [update], deltas: changed(inside, redo, undo), tasks, failure: undefined };
}

/** To accounts: what came of a claim is nobody else's to know. */
function sayStanding({ name, incarnation, state }: Inside, { from }: Letter): Reply {
  if (documentName(from).space !== accountSpace) {
    return { code: 'CHANNEL_UNKNOWN', text: 'there is no such channel', json: '' };
  }
  const standing = incarnation === '' ? undefined : standingOf(state);
  const answer: StandingAnswer = { id: standing?.id ?? '', n: standing?.n ?? 0, key: standing?.key ?? '' };
  return { code: '', text: '', json: JSON.stringify({ ...answer, ...countsOf(name, state) }) };
}

function mayInvent({ definition }: Inside, who: Principal, key: string): boolean {
  const { invent } = definition.plan;
  if (invent === undefined) return false;
  try {
    const answer: unknown = invent({ who: { agent: who.agent, authority: who.authority }, key });
    // A promise is no yes, and nobody else would hear of it when it fails.
    if (answer instanceof Promise) answer.catch(() => undefined);
    return answer === true;
  } catch {
    return false;
  }
}

/** Who is not there yet comes in, where documents of this kind want to know. */
function enter(inside: Inside, who: Principal, env: Env): Happened | Refusal {
  const { connected, isPresenceKept } = inside.definition.plan.events;
  if (!isPresenceKept) return nothing;
  const key = keyOfPrincipal(who);
  inside.hours.came(key, env.nowMs);
  const staged = new Staged(inside.state);
  if (groupOf(inside.state, wakeKey, 'here')?.[key] !== undefined) return nothing;
  if (staged.sizeOf(wakeKey, 'here') >= presentMax) return refusal('LIMIT_REACHED', 'too many view this document');
  staged.set(wakeKey, 'here', key, true);
  let isLetIn = true;
  // Who may not come in cannot make a full one shorter.
  const outcome = runCode({ ...sceneOf(inside, env), room: documentLengthMax }, staged, (doc, ctx) => {
    const value = connected?.({ doc, who: { agent: who.agent, authority: who.authority }, ctx });
    isLetIn = value !== false;
    return value instanceof Promise ? value : undefined;
  });
  if (outcome.kind === 'refused') return { ...outcome, failure: failing('connected', outcome.failure) };
  if (!isLetIn) {
    outcome.rollback();
    return refusal('VIEW_REFUSED', 'the document does not let you in');
  }
  return written(inside, { name: 'connected', who, over: () => undefined }, outcome, env);
}

function together(happened: readonly Happened[]): Happened {
  return {
    updates: happened.flatMap(({ updates }) => updates),
    deltas: happened.flatMap(({ deltas }) => deltas),
    tasks: happened.flatMap(({ tasks }) => tasks),
    failure: happened.find(({ failure }) => failure !== undefined)?.failure,
  };
}

function refused(happened: readonly Happened[], code: string, text: string, failure?: unknown): Opened {
  const what = together(happened);
  return {
    ...what,
    failure: (failure as Happened['failure']) ?? what.failure,
    result: { kind: 'refused', code, text },
  };
}

function failing(where: string, failure: unknown): Happened['failure'] {
  return failure === undefined ? undefined : { where, failure };
}

function refusal(code: string, text: string): Refusal {
  return { kind: 'refused', code, text, failure: undefined };
}

function freshId(env: Env): Uint8Array {
  const id = env.randomBytes16();
  assert(id.length === 16, `${id.length} random bytes of 16`);
  return new Uint8Array(id);
}
