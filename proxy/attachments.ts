// Every document that a client has open is an attachment: a place in the proxy that outlives links, heads and epochs. It is
//
//   waiting   no host is known to serve its chain; or the last one said "later"
//   opening   a view number was sent to the head, and the first view has not come
//   live      the head sends deltas to its kind
//
// and moves between these only here. A failover is then nothing special: the view goes, the attachment waits, the next
// route opens it again under the same session, and what was not answered is sent again in order. That is safe because the
// head applies each (session, n) once (C15), and it is invisible because nobody tells the client but a status.
import { CodedError, retryOf } from '../engine/base/errors.ts';
import { samePrincipal } from '../engine/base/ids.ts';
import { clientFrameBytesMax, redialMsMax, redialMsMin } from '../engine/base/limits.ts';
import type { Attachment, Look, UnansweredSend, Viewer, Wire } from './attachment.ts';
import { leaveKind, settle } from './attachment.ts';
import type { ClientSend } from './client-wire.ts';
import { answerLine, deltaLine, refusedLine, statusLine, viewLine } from './client-wire.ts';
import type { HostLink } from './host-link.ts';
import type { ToProxy } from './link-wire.ts';
import { toHost, toProxy } from './link-wire.ts';
import { createLooking, passLookRefused, restLooking } from './looking.ts';
import type { Claims, Guess, Guesses } from './route.ts';
import { areRoutes, disproved, forget, learn, learnGuess, refuseGuess, routeOf } from './route.ts';
import { createShowing, forgetShowing, passShown, passShowRefused } from './showing.ts';

/** A host that says so does not head the chain. */
const areElsewhere: ReadonlySet<string> = new Set(['CHAIN_NOT_HEAD', 'CHAIN_NOT_SERVING']);

export class Attachments {
  readonly #claims: Claims = new Map();
  readonly #wires = new Map<string, Wire>();
  readonly #byChain = new Map<number, Set<Attachment>>();
  readonly #random: () => number;
  readonly #guesses: Guesses = { held: new Map(), refused: new Map() };
  readonly #onFalseHint: (chain: number, epoch: number) => void;
  #isClosed = false;

  /** `onFalseHint`: no epoch of this chain from this one on is real, as the chain itself has shown. */
  constructor(random: () => number, onFalseHint: (chain: number, epoch: number) => void) {
    this.#random = random;
    this.#onFalseHint = onFalseHint;
  }

  get claims(): Claims {
    return this.#claims;
  }

  addLink(link: HostLink): void {
    this.#wires.set(link.hostId, { link, views: new Map(), kinds: new Map(), lastView: 0 });
  }

  /** The host is gone, and is not dialled any more. */
  removeLink(hostId: string): void {
    this.onLinkDown(hostId);
    this.#wires.delete(hostId);
  }

  /** C2: where a chain may be headed, by what was heard of it. */
  hint(chain: number, guess: Guess): void {
    if (learnGuess(this.#guesses, chain, guess)) this.#reroute([chain]);
  }

  onLinkUp(hostId: string): void {
    this.#reroute(this.#guessedAt(hostId));
  }

  #guessedAt(hostId: string): number[] {
    return [...this.#guesses.held].filter(([, guess]) => guess.hostId === hostId).map(([chain]) => chain);
  }

  /** No attachment is opened again from now on. */
  close(): void {
    this.#isClosed = true;
    for (const attachments of this.#byChain.values()) for (const each of attachments) clearTimeout(each.retryTimer);
  }

  attach(doc: string, chain: number, session: string, viewer: Viewer, create?: unknown, look?: Look): Attachment {
    const attachment: Attachment = {
      doc,
      chain,
      viewer,
      session,
      create,
      status: 'waiting',
      place: undefined,
      isWaitTold: false,
      unanswered: new Map(),
      showing: createShowing(),
      looking: createLooking(look),
      retryMs: redialMsMin,
      retryTimer: undefined,
    };
    const others = this.#byChain.get(chain) ?? new Set();
    this.#byChain.set(chain, others.add(attachment));
    this.#replace(attachment, others);
    this.#open(attachment);
    return attachment;
  }

  /**
   * A client that came back with its session before its old connection was found dead: the old attachment must not open
   * again and speak for the session, since the client may have numbered its sends anew (C15).
   */
  #replace(attachment: Attachment, others: ReadonlySet<Attachment>): void {
    const { doc, session, viewer } = attachment;
    if (session === '' || session === 'new') return;
    for (const other of [...others]) {
      const isSame = other !== attachment && other.session === session && other.doc === doc;
      if (!isSame || !samePrincipal(other.viewer.principal, viewer.principal)) continue;
      this.#refuse(other, 0, 'SESSION_EXPIRED', 'the session goes on over another connection');
    }
  }

  /** Ends it from the client's side. */
  detach(attachment: Attachment): void {
    this.#leave(attachment, true);
    this.#end(attachment);
  }

  send(attachment: Attachment, frame: ClientSend, bytes: number): void {
    const send = { frame, bytes };
    attachment.unanswered.set(frame.n, send);
    if (attachment.status === 'live') this.#forward(attachment, send);
  }

  onLinkMessage(hostId: string, message: ToProxy): void {
    const wire = this.#wires.get(hostId);
    if (wire === undefined) return;
    switch (message[0]) {
      case toProxy.routes:
        if (!areRoutes(message[1])) throw new CodedError('CHAIN_PROTOCOL', 'a route is [chain, epoch, serving]');
        return this.#reroute(learn(this.#claims, hostId, message[1]));
      case toProxy.opened:
        return this.#onOpened(wire, message);
      case toProxy.answer:
        return this.#onAnswer(wire, message);
      case toProxy.refused:
        return this.#onRefused(wire, message);
      case toProxy.delta:
        return this.#onDelta(wire, message);
      case toProxy.viewDelta:
        return this.#onViewDelta(wire, message);
      case toProxy.dropped:
        return this.#onDropped(wire, message);
      case toProxy.shown:
        return passShown(wire, message);
      case toProxy.showRefused:
        return passShowRefused(wire, message);
      case toProxy.lookRefused:
        return passLookRefused(wire, message);
      default:
        return;
    }
  }

  onLinkDown(hostId: string): void {
    const wire = this.#wires.get(hostId);
    if (wire === undefined) return;
    const chains = forget(this.#claims, hostId);
    const orphans = [...wire.views.values()];
    for (const attachment of orphans) this.#leave(attachment, false);
    wire.views.clear();
    wire.kinds.clear();
    for (const attachment of orphans) this.#wait(attachment);
    this.#reroute([...new Set([...chains, ...this.#guessedAt(hostId)])]);
  }

  #routeOf(chain: number) {
    return routeOf(this.#claims, this.#guesses, chain, (hostId) => this.#wires.get(hostId)?.link.status === 'up');
  }

  /** Opens what waits for these chains, and moves what is open elsewhere than the newest claim says. */
  #reroute(chains: readonly number[]): void {
    for (const chain of chains) {
      const route = this.#routeOf(chain);
      for (const attachment of this.#byChain.get(chain) ?? []) {
        const place = attachment.place;
        if (place !== undefined) {
          if (place.wire.link.hostId === route?.hostId && place.epoch === route.epoch) {
            place.isGuess = route.isGuess;
            continue;
          }
          this.#leave(attachment, true);
        }
        this.#wait(attachment);
        if (route?.isServing === true) this.#open(attachment);
      }
    }
  }

  #open(attachment: Attachment): void {
    clearTimeout(attachment.retryTimer);
    attachment.retryTimer = undefined;
    const route = this.#routeOf(attachment.chain);
    const wire = route?.isServing === true ? this.#wires.get(route.hostId) : undefined;
    if (route === undefined || wire === undefined || wire.link.status !== 'up' || this.#isClosed) {
      return this.#wait(attachment);
    }
    wire.lastView += 1;
    const { epoch, isGuess } = route;
    attachment.place = { wire, view: wire.lastView, epoch, isGuess, kind: undefined, seq: 0 };
    attachment.status = 'opening';
    wire.views.set(wire.lastView, attachment);
    const { agent, authority } = attachment.viewer.principal;
    const { doc, session, create, looking } = attachment;
    if (looking.newest !== undefined) {
      const { n, state } = looking.newest;
      const begun = create === undefined ? [] : [create];
      const message = [toHost.openAt, wire.lastView, doc, agent, authority, session, n, state, begun] as const;
      return wire.link.send(message, clientFrameBytesMax);
    }
    if (create === undefined) return wire.link.send([toHost.open, wire.lastView, doc, agent, authority, session]);
    wire.link.send([toHost.create, wire.lastView, doc, agent, authority, session, create], clientFrameBytesMax);
  }

  #forward(attachment: Attachment, send: UnansweredSend): void {
    const place = attachment.place;
    if (place === undefined) return;
    const { n, done, channel, message } = send.frame;
    place.wire.link.send([toHost.send, place.view, n, done, channel, message], send.bytes + attachment.doc.length);
  }

  #onOpened(wire: Wire, message: Extract<ToProxy, { readonly 0: 2 }>): void {
    const [, view, kindNumber, session, incarnation, seq, json] = message;
    const attachment = wire.views.get(view);
    if (attachment === undefined) return;
    const wasOpening = attachment.status === 'opening';
    if (attachment.session !== '') attachment.session = session;
    attachment.create = undefined;
    attachment.status = 'live';
    this.#join(attachment, wire, kindNumber, seq);
    this.#learnFrom(attachment);
    attachment.viewer.unshow(attachment.doc);
    attachment.viewer.push(viewLine(attachment.doc, attachment.session, incarnation, seq, json));
    if (attachment.isWaitTold) attachment.viewer.push(statusLine(attachment.doc, 'live'));
    attachment.isWaitTold = false;
    // A view of a live attachment is a reset by the head: what it was sent, it still has.
    if (!wasOpening) return;
    if (attachment.unanswered.size === 0) attachment.retryMs = redialMsMin;
    for (const send of attachment.unanswered.values()) this.#forward(attachment, send);
  }

  /** A first view has passed a barrier: no higher epoch was active before it. */
  #learnFrom({ chain, place }: Attachment): void {
    if (place === undefined || place.isGuess) return;
    const epoch = disproved(this.#guesses, chain, place.epoch);
    if (epoch !== undefined) this.#onFalseHint(chain, epoch);
  }

  #join(attachment: Attachment, wire: Wire, number: number, seq: number): void {
    const place = attachment.place;
    if (place === undefined) return;
    place.seq = seq;
    if (place.kind?.number === number) return;
    leaveKind(attachment, place);
    let kind = wire.kinds.get(number);
    if (kind === undefined) {
      kind = { number, doc: attachment.doc, members: new Set() };
      wire.kinds.set(number, kind);
    }
    if (kind.doc !== attachment.doc) throw new CodedError('CHAIN_PROTOCOL', 'a kind of viewer is of one document');
    kind.members.add(attachment);
    place.kind = kind;
  }

  #onAnswer(wire: Wire, message: Extract<ToProxy, { readonly 0: 3 }>): void {
    const [, view, n, seq, json] = message;
    const attachment = wire.views.get(view);
    if (attachment === undefined || !settle(attachment, n)) return;
    attachment.retryMs = redialMsMin;
    attachment.viewer.push(answerLine(attachment.doc, n, seq, json));
  }

  #onRefused(wire: Wire, message: Extract<ToProxy, { readonly 0: 4 }>): void {
    const [, view, n, seq, code, text] = message;
    const attachment = wire.views.get(view);
    if (attachment === undefined) return;
    const retry = retryOf(code);
    if (n === 0) {
      if (retry === 'later' || retry === 'refresh') return this.#openLater(attachment, true, code);
      return this.#refuse(attachment, seq, code, text);
    }
    // This host does not serve the chain any more: what it says of one send holds for the whole view.
    if (areElsewhere.has(code)) return this.#openLater(attachment, true, code);
    if (settle(attachment, n)) attachment.viewer.push(refusedLine(attachment.doc, n, seq, code, text));
  }

  #onDelta(wire: Wire, message: Extract<ToProxy, { readonly 0: 5 }>): void {
    const [, number, seq, json] = message;
    const kind = wire.kinds.get(number);
    if (kind === undefined) return;
    const line = deltaLine(kind.doc, seq, json);
    for (const { place, viewer } of kind.members) if (place !== undefined && place.seq < seq) viewer.push(line);
  }

  #onViewDelta(wire: Wire, message: Extract<ToProxy, { readonly 0: 9 }>): void {
    const [, view, number, seq, json] = message;
    const attachment = wire.views.get(view);
    if (attachment?.status !== 'live') return;
    this.#join(attachment, wire, number, seq);
    if (json !== '') attachment.viewer.push(deltaLine(attachment.doc, seq, json));
  }

  /** A session that another view has taken must not be taken back: two connections would then drop each other for ever. */
  #onDropped(wire: Wire, message: Extract<ToProxy, { readonly 0: 6 }>): void {
    const [, view, code] = message;
    const attachment = wire.views.get(view);
    if (attachment === undefined) return;
    if (code !== 'SESSION_EXPIRED') return this.#openLater(attachment, false, code);
    this.#refuse(attachment, 0, code, 'the session is no longer known here');
  }

  #refuse(attachment: Attachment, seq: number, code: string, text: string): void {
    this.#leave(attachment, true);
    this.#end(attachment);
    attachment.viewer.push(refusedLine(attachment.doc, 0, seq, code, text));
    attachment.viewer.onGone(attachment.doc);
  }

  /** After a pause, or with the next news of its chain, whichever comes first. At once where only a guess was wrong. */
  #openLater(attachment: Attachment, isOpenAtHost: boolean, code: string): void {
    const { chain, place } = attachment;
    this.#leave(attachment, isOpenAtHost);
    this.#wait(attachment);
    if (place?.isGuess === true && areElsewhere.has(code)) {
      refuseGuess(this.#guesses, chain);
      return this.#reroute([chain]);
    }
    const pauseMs = attachment.retryMs * (0.5 + this.#random() / 2);
    attachment.retryMs = Math.min(attachment.retryMs * 2, redialMsMax);
    clearTimeout(attachment.retryTimer);
    attachment.retryTimer = setTimeout(() => this.#open(attachment), pauseMs);
  }

  #wait(attachment: Attachment): void {
    attachment.status = 'waiting';
    if (attachment.isWaitTold) return;
    attachment.isWaitTold = true;
    attachment.viewer.push(statusLine(attachment.doc, 'waiting'));
  }

  #leave(attachment: Attachment, isOpenAtHost: boolean): void {
    const place = attachment.place;
    if (place === undefined) return;
    attachment.place = undefined;
    forgetShowing(attachment);
    restLooking(attachment);
    place.wire.views.delete(place.view);
    leaveKind(attachment, place);
    if (isOpenAtHost) place.wire.link.send([toHost.close, place.view]);
  }

  #end(attachment: Attachment): void {
    clearTimeout(attachment.retryTimer);
    attachment.status = 'gone';
    const others = this.#byChain.get(attachment.chain);
    others?.delete(attachment);
    if (others?.size === 0) this.#byChain.delete(attachment.chain);
    for (const n of [...attachment.unanswered.keys()]) settle(attachment, n);
  }
}
