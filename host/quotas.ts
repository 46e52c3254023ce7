// Documents with a quota and their accounts, as the head of their chain sees it: before one begins, grows or ends, the account of its space and that of
// who began it are told, wherever they are; and behind the commit of what it made of that, that it did (engine/document/quota). Each is told once: what becomes of
// a claim whose answer was lost an account finds out by itself.
import { contentHashOf } from '../engine/base/checksum.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { Principal } from '../engine/base/ids.ts';
import { accountSpace, documentName } from '../engine/base/ids.ts';
import { documentQueueMax } from '../engine/base/limits.ts';
import { accountMsMax, claimAgainMs, claimsAtOnceMax } from '../engine/base/limits-life.ts';
import type { QuotaLimits } from '../engine/document/definition/definition.ts';
import type { Letter } from '../engine/document/document.ts';
import { keyOfPrincipal } from '../engine/document/life/agenda.ts';
import type { ClaimAnswer, ClaimMessage, SettleMessage } from '../engine/document/quota/account.ts';
import type { Claim } from '../engine/document/quota/claim.ts';
import type { DeskParts } from './desk-parts.ts';
import type { AskDocument, Ran } from './running.ts';

export type QuotasParts = Pick<DeskParts, 'store' | 'chain' | 'epoch' | 'deliver' | 'later' | 'fatal'> & {
  readonly ask: AskDocument;
  /** Calls back when all that was made so far is committed; never where the desk stops before. */
  readonly whenCommitted: (then: () => void) => void;
  readonly isStopped: () => boolean;
};

type Refused = (error: CodedError) => void;

export class Quotas {
  readonly #parts: QuotasParts;
  /** Documents for which something is being claimed, and what waits for the end of that. */
  readonly #held = new Map<string, (() => void)[]>();
  /** Documents whose size could not be claimed a moment ago. */
  readonly #resting = new Set<string>();

  constructor(parts: QuotasParts) {
    this.#parts = parts;
  }

  /**
   * Has the accounts count a claim. `granted`: the document is to be asked to make use of it, and then `over` is to be called. `again`: another claim for it was under way, and is over: the
   * document is to be asked anew. Refused as QUOTA_EXCEEDED or CHAIN_BUSY. None is called where the desk stops before.
   */
  claim(claim: Claim, granted: () => void, again: () => void, refused: Refused): void {
    const { document: name } = claim;
    const waiting = this.#held.get(name);
    if (waiting !== undefined && waiting.length < documentQueueMax) return void waiting.push(again);
    if (waiting !== undefined || this.#held.size >= claimsAtOnceMax)
      return refused(busy('too much is claimed at once'));
    this.#held.set(name, []);
    const failed = (error: CodedError): void => {
      this.#release(name);
      refused(error);
    };
    // It says what the document is: no account may go by what is lost if this host is.
    this.#parts.whenCommitted(() => this.#take(claim, granted, failed));
  }

  /** Whether something is being claimed for it: nobody can say yet what comes of that. */
  isClaiming(name: string): boolean {
    return this.#held.has(name);
  }

  /** Whether the document made use of what was granted: the accounts hear of it when that is committed. */
  over(claim: Claim, isDone: boolean): void {
    this.#parts.whenCommitted(() => this.#settle(claim, isDone, accountsOf(claim)));
    this.#release(claim.document);
  }

  /** Of a document in memory, whatever it was asked. */
  ran(name: string, { quota }: Ran): void {
    const claim = quota?.wants;
    if (claim === undefined || this.#held.has(name) || this.#resting.has(name)) return;
    if (this.#resting.size >= claimsAtOnceMax) return;
    const rest = (): void => {
      this.#resting.add(name);
      this.#parts.later(claimAgainMs, () => this.#resting.delete(name));
    };
    const refused = ({ code }: CodedError): void => {
      if (code === 'QUOTA_EXCEEDED') this.#parts.ask(name, { kind: 'resize', claim, isGranted: false }, () => {}, rest);
      else rest();
    };
    this.claim(
      claim,
      () => this.#resize(claim, rest),
      () => {},
      refused,
    );
  }

  #resize(claim: Claim, rest: () => void): void {
    const done = ({ outcome, quota }: Ran): void => {
      this.over(claim, outcome.kind === 'done' && quota?.standing?.key === claim.key);
    };
    const refused = (): void => {
      this.over(claim, false);
      rest();
    };
    this.#parts.ask(claim.document, { kind: 'resize', claim, isGranted: true }, done, refused);
  }

  #release(name: string): void {
    const waiting = this.#held.get(name) ?? [];
    this.#held.delete(name);
    for (const again of waiting) again();
  }

  #take(claim: Claim, granted: () => void, refused: Refused): void {
    const { isStopped } = this.#parts;
    this.#takeAll(claim)
      .then(
        () => !isStopped() && granted(),
        (cause: CodedError) => !isStopped() && refused(cause),
      )
      .catch(this.#parts.fatal);
  }

  async #takeAll(claim: Claim): Promise<void> {
    // Not within what the document is being asked: an account that is needed may take its place in memory.
    await undefined;
    const told: Account[] = [];
    for (const account of accountsOf(claim)) {
      try {
        await this.#takeOne(account, claim);
      } catch (cause) {
        // The one whose answer was lost may have counted it too.
        this.#settle(claim, false, isUsedUp(cause) ? told : [...told, account]);
        throw cause;
      }
      told.push(account);
    }
  }

  async #takeOne({ name, whose, limits }: Account, claim: Claim): Promise<void> {
    const { document, key, id, n, standing, standingKey, documents, bytes, kind } = claim;
    const { store, chain, epoch } = this.#parts;
    const of = { cluster: store.identity.cluster, chain, epoch };
    const about = { document, key, id, n, standing, standingKey, ...of, documents, bytes };
    const message: ClaimMessage = { ...about, isEnd: kind === 'end', limits: limits ?? null };
    const answer = (await this.#tell(name, document, 'claim', message)) as ClaimAnswer;
    if (answer.ok) return;
    if (answer.isBusy) throw busy(answer.text);
    throw new CodedError('QUOTA_EXCEEDED', `${whose} has its ${answer.text}`);
  }

  #settle({ document, key }: Claim, isDone: boolean, accounts: readonly Account[]): void {
    const message: SettleMessage = { key, isDone };
    // Where it is not heard, the account asks.
    for (const { name } of accounts) this.#tell(name, document, 'settle', message).catch(() => undefined);
  }

  #tell(account: string, from: string, channel: string, message: object): Promise<unknown> {
    const letter = { from, incarnation: '', n: 0, channel, message: JSON.stringify(message) };
    const { deliver, later } = this.#parts;
    return new Promise((resolve, reject) => {
      // Whatever befell the way there is of hosts and chains, and no client's to know.
      const fail = (): void => reject(busy('an account of the quota does not answer'));
      later(accountMsMax, fail);
      deliver(account, letter).then(({ code, json }) => {
        if (code === '') resolve(JSON.parse(json));
        else fail();
      }, fail);
    });
  }
}

/** Whether an account has to hear of it though nothing new may be written: of all but what adds. */
export function makesRoom({ channel, message }: Pick<Letter, 'channel' | 'message'>): boolean {
  if (channel !== 'claim') return true;
  const { documents, bytes } = JSON.parse(message) as ClaimMessage;
  return documents <= 0 && bytes <= 0;
}

type Account = { readonly name: string; readonly whose: string; readonly limits: QuotaLimits | undefined };

/** Of a space, or of one principal in it. */
export function accountName(space: string, who?: Principal): string {
  return whoseAccount(space, who === undefined ? '' : keyOfPrincipal(who));
}

function whoseAccount(space: string, who: string): string {
  return `${accountSpace}/${space}${who === '' ? '' : `:${contentHashOf(Buffer.from(who)).slice(0, 32)}`}`;
}

/** That of the space first; nobody in particular has none. */
export function accountsOf({ document, who, limits }: Pick<Claim, 'document' | 'who' | 'limits'>): Account[] {
  const { space } = documentName(document);
  const ofSpace = { name: whoseAccount(space, ''), whose: 'the space', limits: limits?.space };
  if (who === '') return [ofSpace];
  return [ofSpace, { name: whoseAccount(space, who), whose: 'who begins it', limits: limits?.principal }];
}

function isUsedUp(cause: unknown): cause is CodedError {
  return cause instanceof CodedError && cause.code === 'QUOTA_EXCEEDED';
}

function busy(text: string): CodedError {
  return new CodedError('CHAIN_BUSY', text);
}
