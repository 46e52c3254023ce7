// The account of a space, or of one principal in it: how many documents it has, how long they may become, and how fast it has begun them. An account is a document
// like any other, and its rules are written as anybody's are: it is durable before it answers, and fails over with its chain.
//
// A claim is counted when it comes, and is settled when it is known whether its document made use of it: what would add is then taken back, or stays;
// what would take away is taken. Whoever heads the document says so. Where nobody does within `claimKeptMs`, the account asks the document itself: a message
// on the channel `@quota`, which every document answers with its `id`, `n` and `key`. So counts are exact whoever fails in between, and on the way they are too high, never
// too low. What a head asked for that leads its chain no more is refused, once its successor has asked for anything.
import type { DocumentName } from '../../base/ids.ts';
import { accountSpace, documentName } from '../../base/ids.ts';
import { claimKeptMs, claimsLookedAtOnce, claimsMax, quotaStrayMs } from '../../base/limits-life.ts';
import type { JsonObject } from '../../base/merge-patch.ts';
import { isJsonObject } from '../../base/merge-patch.ts';
import { definitionBrand } from '../app.ts';
import { quotaChannel } from '../context.ts';
import { document, t } from '../define.ts';
import type { AnswerValue, Context, Definition, QuotaLimits, StandardSchema } from '../definition/definition.ts';
import type { Draft } from '../definition/drafts.ts';
import { documentAuthority } from '../life/agenda.ts';
import type { StandingAnswer } from './claim.ts';

export type ClaimMessage = {
  readonly document: string;
  readonly key: string;
  readonly id: string;
  readonly n: number;
  readonly standing: number;
  readonly standingKey: string;
  /** The chain of the document, the epoch of whoever heads it, and the cluster whose epoch that is. */
  readonly cluster: string;
  readonly chain: number;
  readonly epoch: number;
  readonly isEnd: boolean;
  readonly documents: number;
  readonly bytes: number;
  readonly limits: QuotaLimits | null;
};
export type SettleMessage = { readonly key: string; readonly isDone: boolean };
/** `text`: what is used up. */
export type ClaimAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly text: string; readonly isBusy: boolean };

const shape = {
  documents: t.int(0),
  bytes: t.int(0),
  /** Documents begun, as many as run off at the rate that is allowed: a bucket that leaks. */
  begun: t.double(0),
  begunAtMs: t.double(0),
  /** By their keys. `asked`: the number of the message that asks the document about it. */
  claims: t.map(
    t.record({
      document: t.string(''),
      id: t.string(''),
      n: t.int(0),
      isEnd: t.boolean(false),
      documents: t.int(0),
      bytes: t.int(0),
      dueMs: t.double(0),
      asked: t.int(0),
    }),
  ),
  /** The timer that is set while there are claims, and when it rings. */
  look: t.string(''),
  lookMs: t.double(0),
  /** Whoever is restored from a backup is of another cluster, whose epochs begin anew. */
  cluster: t.string(''),
  /** By chain: the highest epoch of whoever claimed anything for its documents. */
  epochs: t.map(t.int(0)),
};
type Account = Draft<typeof shape>;
type ClaimDraft = NonNullable<ReturnType<Account['claims']['get']>>;

export const account: Definition & { readonly [definitionBrand]: true } = document(shape)
  .events({ invent: ({ who }) => who.authority === documentAuthority })
  .timer('look', anything<null>(), ({ doc, ctx }) => {
    let left = claimsLookedAtOnce;
    for (const [, claim] of doc.claims.entries()) {
      if (claim.dueMs > ctx.now || left === 0) continue;
      left -= 1;
      claim.dueMs = ctx.now + quotaStrayMs;
      claim.asked = ctx.send(claim.document, quotaChannel, null);
    }
    doc.look = '';
    lookLater(doc, ctx);
  })
  .delivered(({ doc, receipt, ctx }) => {
    const found = doc.claims.entries().find(([, { asked }]) => asked === receipt.n);
    if (found === undefined) return;
    const [key, claim] = found;
    // No such space, or a document that cannot be made: it is asked again, much later.
    if (!receipt.ok) return;
    const said = receipt.answer as StandingAnswer;
    const isThere = said.id === claim.id;
    settle(doc, key, claim, claim.isEnd ? !isThere : isThere && said.n === claim.n && said.key === key);
    lookLater(doc, ctx);
  })
  .channel('claim', anything<ClaimMessage>(), ({ doc, message, ctx }): AnswerValue => {
    if (isFormer(doc, message))
      return { ok: false, text: 'another host leads its chain', isBusy: true } satisfies ClaimAnswer;
    settleBefore(doc, message);
    const { document: name, key, id, n, isEnd, documents, bytes } = message;
    const why = whyNot(doc, message, ctx.now);
    if (why !== undefined) return why satisfies ClaimAnswer;
    if (isRated(message)) doc.begun += 1;
    doc.documents += Math.max(documents, 0);
    doc.bytes += Math.max(bytes, 0);
    const about = { document: name, id, n, isEnd, documents, bytes };
    doc.claims.set(key, { ...about, dueMs: ctx.now + claimKeptMs, asked: 0 });
    lookLater(doc, ctx);
    return { ok: true } satisfies ClaimAnswer;
  })
  .channel('settle', anything<SettleMessage>(), ({ doc, message, ctx }) => {
    const claim = doc.claims.get(message.key);
    if (claim !== undefined) settle(doc, message.key, claim, message.isDone);
    lookLater(doc, ctx);
  });

/** What an account has counted; nothing of any other document. */
export function countsOf(name: DocumentName, state: JsonObject): object {
  if (documentName(name).space !== accountSpace) return {};
  const { documents = 0, bytes = 0, claims = {} } = state;
  return { documents, bytes, claims: isJsonObject(claims) ? Object.keys(claims).length : 0 };
}

/** An account of which nothing is open rests. A timer whose code did not end is over, and is set again. */
function lookLater(doc: Account, ctx: Context): void {
  const isSet = doc.look !== '' && ctx.now <= doc.lookMs + claimKeptMs;
  if (isSet === doc.claims.size > 0) return;
  ctx.cancel(doc.look);
  doc.look = doc.claims.size > 0 ? ctx.schedule('look', claimKeptMs, null) : '';
  doc.lookMs = ctx.now + claimKeptMs;
}

function isFormer(doc: Account, { cluster, chain, epoch }: ClaimMessage): boolean {
  if (cluster !== doc.cluster) for (const known of [...doc.epochs.keys()]) doc.epochs.delete(known);
  doc.cluster = cluster;
  const known = doc.epochs.get(`${chain}`) ?? 0;
  if (epoch > known) doc.epochs.set(`${chain}`, epoch);
  return epoch < known;
}

/** Claims of a document are made one after the other: what came of those before this one is what the document was when it was made. */
function settleBefore(doc: Account, { id, standing, standingKey }: ClaimMessage): void {
  if (doc.claims.size === 0) return;
  for (const [key, claim] of doc.claims.entries()) {
    if (claim.id === id) settle(doc, key, claim, !claim.isEnd && claim.n === standing && key === standingKey);
  }
}

function settle(doc: Account, key: string, { documents, bytes }: ClaimDraft, isDone: boolean): void {
  doc.documents += isDone ? Math.min(documents, 0) : -Math.max(documents, 0);
  doc.bytes += isDone ? Math.min(bytes, 0) : -Math.max(bytes, 0);
  if (!isDone && documents > 0) doc.begun = Math.max(0, doc.begun - 1);
  doc.claims.delete(key);
}

/** What is used up, where something is. Whatever makes it less is let in. */
function whyNot(doc: Account, message: ClaimMessage, nowMs: number): ClaimAnswer | undefined {
  const { documents, bytes, limits } = message;
  if (doc.claims.size >= claimsMax)
    return { ok: false, text: 'too many documents begin or change at once', isBusy: true };
  const { documents: documentsMax = Infinity, bytes: bytesMax = Infinity, createsPerMinute = Infinity } = limits ?? {};
  const used = (text: string): ClaimAnswer => ({ ok: false, text, isBusy: false });
  if (isRated(message)) leak(doc, createsPerMinute, nowMs);
  if (documents > 0 && doc.documents + documents > documentsMax) return used(`${documentsMax} documents`);
  if (documents > 0 && doc.begun + 1 > createsPerMinute) return used(`${createsPerMinute} new documents a minute`);
  if (bytes > 0 && doc.bytes + bytes > bytesMax) return used(`${bytesMax} bytes`);
  return undefined;
}

/** What was there before its quota is not begun by being counted. */
function isRated({ documents, limits }: ClaimMessage): boolean {
  return documents > 0 && limits?.createsPerMinute !== undefined;
}

function leak(doc: Account, createsPerMinute: number, nowMs: number): void {
  const goneMs = Math.max(0, nowMs - doc.begunAtMs);
  doc.begun = Math.max(0, doc.begun - (goneMs * createsPerMinute) / 60_000);
  doc.begunAtMs = nowMs;
}

/** Only hosts send these, of the same release: their shapes are checked by the compiler. */
function anything<T>(): StandardSchema<T, T> {
  return { '~standard': { version: 1, vendor: 'levelten', validate: (value) => ({ value: value as T }) } };
}
