// Messages between documents, taken to whoever heads the chain of the one that they go to: this host, or another one over a link like a proxy's. Links
// are begun when the first message goes abroad. Nothing is kept here: who sends asks again until it is answered.
import { placeDocument } from '../chain/placement.ts';
import { CodedError, retryOf } from '../engine/base/errors.ts';
import type { ChainId } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import { documentAskMs } from '../engine/base/limits.ts';
import type { Letter, Reply } from '../engine/document/document.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import type { Desk } from './desk.ts';

export const letterQuestion = 'letter';

/** A link to another host. */
export interface PostLink {
  ask(question: string, args: Readonly<Record<string, unknown>>, waitMs: number): Promise<string>;
  close(): void;
}

export type PostParts = {
  readonly chains: number;
  /** Undefined where the chain is not headed here. */
  readonly deskOf: (chain: ChainId) => Desk | undefined;
  /** The other hosts. */
  readonly peers: readonly string[];
  readonly dial: (peer: string, onMessage: (message: ToProxy) => void, onDown: () => void) => PostLink;
};

export class Post {
  readonly #parts: PostParts;
  readonly #links = new Map<string, PostLink>();
  /** What each of the others heads, as it said last: the epoch of each chain. */
  readonly #routes = new Map<string, ReadonlyMap<number, number>>();

  constructor(parts: PostParts) {
    this.#parts = parts;
  }

  /** Resolves with the answer of `to`, a document's name. Rejects where nobody can say what became of it: it is to be sent again. */
  async deliver(to: string, letter: Letter): Promise<Reply> {
    try {
      return await this.#deliver(to, letter);
    } catch (cause) {
      // What would be refused for ever is an answer.
      if (!(cause instanceof CodedError) || retryOf(cause.code) !== 'never') throw cause;
      return { code: cause.code, text: cause.message, json: '' };
    }
  }

  async #deliver(to: string, letter: Letter): Promise<Reply> {
    const { chains, deskOf } = this.#parts;
    const { name } = documentName(to);
    const chain = placeDocument(name, chains);
    const desk = deskOf(chain);
    if (desk !== undefined) return await desk.life.receive(name, letter);
    const answer = await this.#linkTo(chain).ask(letterQuestion, { to: name, ...letter }, documentAskMs);
    const said = JSON.parse(answer) as { reply?: Reply; error?: { code: string; text: string } };
    if (said.reply !== undefined) return said.reply;
    const { code, text } = said.error ?? { code: 'CHAIN_PROTOCOL', text: 'no reply' };
    throw new CodedError(code as 'CHAIN_BUSY', text);
  }

  /** A message that a peer's document sent comes in. */
  async receive(args: Readonly<Record<string, unknown>>): Promise<{ readonly reply: Reply }> {
    const { to, from, incarnation, n, channel, message } = args;
    const texts = [to, from, incarnation, channel, message];
    if (!texts.every((text) => typeof text === 'string') || !Number.isSafeInteger(n)) {
      throw new CodedError('CHAIN_PROTOCOL', 'a message of a document has the wrong shape');
    }
    const { name } = documentName(to as string);
    documentName(from as string);
    const desk = this.#parts.deskOf(placeDocument(name, this.#parts.chains));
    if (desk === undefined) throw new CodedError('CHAIN_NOT_SERVING', 'the chain is not headed here now');
    return { reply: await desk.life.receive(name, { from, incarnation, n, channel, message } as Letter) };
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #linkTo(chain: number): PostLink {
    for (const peer of this.#parts.peers) if (!this.#links.has(peer)) this.#dial(peer);
    let best: { readonly peer: string; readonly epoch: number } | undefined;
    for (const [peer, routes] of this.#routes) {
      const epoch = routes.get(chain);
      if (epoch !== undefined && epoch > (best?.epoch ?? -1)) best = { peer, epoch };
    }
    const link = best && this.#links.get(best.peer);
    if (link === undefined) throw new CodedError('CHAIN_NOT_SERVING', `nobody is known to head chain ${chain}`);
    return link;
  }

  #dial(peer: string): void {
    const onMessage = (message: ToProxy): void => {
      if (message[0] !== toProxy.routes) return;
      const heads = message[1].filter(([, , isServing]) => isServing);
      this.#routes.set(peer, new Map(heads.map(([chain, epoch]) => [chain, epoch])));
    };
    this.#links.set(
      peer,
      this.#parts.dial(peer, onMessage, () => this.#routes.delete(peer)),
    );
  }
}
