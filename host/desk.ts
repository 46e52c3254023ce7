// The documents of one chain, on the host that heads it, for as long as it does. Execution runs ahead of durability: a send is
// handled as it arrives, on top of what may not be committed yet. Visibility does not: whatever is derived from a document,
// refusals and views included, goes through the batcher and leaves when everything it may have seen is committed (C18).
// When the chain stops here, all of this is thrown away; the next desk reads its documents from the log.
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import { accountSpace, documentName } from '../engine/base/ids.ts';
import { documentQueueMax, viewBytesMax } from '../engine/base/limits.ts';
import { deleteChannel, undoChannel } from '../engine/document/document.ts';
import type { Claim } from '../engine/document/quota/claim.ts';
import { type ToProxy, toProxy } from '../proxy/link-wire.ts';
import { Acts } from './acts.ts';
import { Attendance } from './attendance.ts';
import { isShort } from './audience.ts';
import { Batcher } from './batcher.ts';
import type { ChainService } from './chain-service.ts';
import type { Done } from './deed.ts';
import { DeskLife } from './desk-life.ts';
import type { DeskParts } from './desk-parts.ts';
import { DeskReads } from './desk-reads.ts';
import { Ephemera } from './ephemera.ts';
import type { Attached, Front, SendRequest, ViewerDesk } from './front.ts';
import { Looks } from './looks.ts';
import { Openings } from './openings.ts';
import { letGo, type Output, saidOf } from './output.ts';
import { Quotas } from './quotas.ts';
import type { AskDocument, Command, Deed, Ran } from './running.ts';
import type { Kept, Waiting } from './shelf.ts';
import { powersOf } from './shelf.ts';
import { Shelves } from './shelves.ts';
import { refusing, type UndoingParts, undo } from './undoing.ts';
import { Waiters } from './waiters.ts';

type Refuse = (code: ErrorCode, text: string) => void;

export class Desk implements ChainService, ViewerDesk {
  readonly #parts: DeskParts;
  readonly queue: Batcher<Output>;
  readonly #shelves: Shelves;
  readonly #attached = new Attendance();
  /** Which view speaks for a session: the one that opened it last. */
  readonly #speakers = new Map<string, Attached>();
  readonly #openings = new Openings();
  readonly ephemera: Ephemera;
  readonly looks: Looks;
  readonly life: DeskLife;
  readonly reads: DeskReads;
  /** Who waits for a commit besides viewers. */
  readonly #waiters = new Waiters((then) => this.whenCommitted(then));
  readonly #acts: Acts;
  readonly #quotas: Quotas;
  readonly #undoing: UndoingParts;
  #isStopped = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.queue = new Batcher(letGo);
    const common = {
      ...parts,
      waiters: this.#waiters,
      isStopped: () => this.#isStopped,
      hasRoom: () => this.#hasRoom,
      whenCommitted: (then: () => void): void => this.whenCommitted(then),
      emit: (front: Front, message: ToProxy): void => this.#emit(front, message),
      ask: ((name, command, done, refused) => this.#ask(name, command, done, refused)) satisfies AskDocument,
    };
    const quotas = new Quotas(common);
    this.#quotas = quotas;
    this.#acts = new Acts({ ...common, quotas, queue: this.queue, expel: (name) => this.#expel(name) });
    this.life = new DeskLife({
      ...common,
      quotas,
      hasRoom: () => this.#hasRoom && parts.full() === undefined,
      hasQueueRoom: common.hasRoom,
      isResident: (name) => this.#shelves.kept(name) !== undefined,
    });
    this.#shelves = new Shelves({
      ...common,
      onLoaded: (name, ran) => {
        this.#take(name, ran);
        if (ran.updates.length > 0) this.#parts.wake();
      },
      isSettled: (serial) => this.queue.isSettled(serial),
      viewers: (name) => this.#viewersAgain(name),
    });
    this.reads = new DeskReads({
      ...common,
      indexed: () => this.#shelves.indexed(),
      failed: (cause) => this.#shelves.failed(cause),
    });
    this.#undoing = {
      ...common,
      begin: (attached) => this.#openings.begin(attached),
      back: (name, reader) => this.reads.back(name, reader),
      with: (name, waiting) => this.#shelves.with(name, waiting),
      sent: (attached, ran) => this.#sent(attached, ran),
    };
    this.ephemera = new Ephemera(this.#shelves, common);
    this.looks = new Looks(this.#shelves, {
      ...common,
      took: (name, ran) => {
        this.#take(name, ran);
        this.#tell(name, ran);
      },
      refuseTooBig: (attached) => this.#refuseTooBig(attached),
      closed: (name) => this.life.closed(name),
    });
  }

  get residentCount(): number {
    return this.#shelves.size;
  }

  /** Other code runs its documents from now on: see Shelves.renew. */
  renew(pause: () => Promise<void>): Promise<number> {
    return this.#shelves.renew(pause);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { front, view } of this.#attached) {
      front.views.delete(view);
      front.push([toProxy.dropped, view, 'CHAIN_NOT_SERVING']);
    }
    this.#waiters.stop();
    this.#attached.clear();
    this.#speakers.clear();
    this.#shelves.stop();
    this.life.stop();
    this.#parts.wake();
  }

  tick(): void {
    this.life.tick();
  }

  /** Calls back when all that anybody was answered before is known here to be committed (C18); never where the chain stops before. */
  whenCommitted(then: () => void): void {
    this.queue.emit(then);
    this.#parts.wake();
  }

  /** A viewer comes; `session` is '' for none, 'new', or one it had. */
  open(attached: Attached): void {
    attached.front.views.set(attached.view, attached);
    this.#attached.add(attached);
    if (!this.#hasRoom) return this.#refuseUnseen(attached, 0, 'CHAIN_BUSY', 'too much waits for the disk');
    const isAccount = documentName(attached.name).space === accountSpace;
    if (isAccount) return this.#refuseUnseen(attached, 0, 'SPACE_UNKNOWN', 'there is no such space');
    // Who comes without a session only reads.
    const full = attached.session === 'new' ? this.#parts.full() : undefined;
    if (full !== undefined) return this.#refuseUnseen(attached, 0, 'ENGINE_FULL', full);
    this.#shelves.with(attached.name, {
      run: (kept) => this.#enter(attached, kept),
      refuse: (code, text) => this.#refuseOpen(attached, code, text),
    });
  }

  /** Documents may run elsewhere: what waits there is bounded too. */
  get #hasRoom(): boolean {
    return this.queue.hasRoom && this.#parts.runner.hasRoom;
  }

  /** Does something to a document beside its messages: see Acts. */
  act(text: string, deed: Deed): Promise<Done> {
    return this.#acts.act(text, deed);
  }

  /** Has something happen to a document that no viewer asked for. */
  #ask(name: string, command: Command, done: (ran: Ran) => void, refused: (error: CodedError) => void): void {
    const then = (ran: Ran): void => {
      this.#take(name, ran);
      const kept = this.#shelves.kept(name);
      if (kept !== undefined) this.#parts.memory.used(kept.tenant);
      this.#tell(name, ran);
      done(ran);
    };
    this.#shelves.with(name, {
      run: ({ document }) => document.ask(command, then),
      refuse: (code, why) => refused(new CodedError(code, why)),
      ...powersOf(command),
    });
  }

  #expel(text: string): void {
    // Who has seen nothing of it yet opens what comes behind it.
    for (const attached of this.#attached.openIn(text)) {
      const { front, view } = attached;
      this.close(attached);
      this.#emit(front, [toProxy.refused, view, 0, 0, 'DOCUMENT_DELETED', 'the document was deleted']);
    }
  }

  send(attached: Attached, request: SendRequest): void {
    const { front, view } = attached;
    const refused = (code: string, text: string): void => {
      this.#emit(front, [toProxy.refused, view, request.n, 0, code, text]);
    };
    const { n } = request;
    if (!this.#hasRoom) return this.#refuseUnseen(attached, n, 'CHAIN_BUSY', 'too much waits for the disk');
    const full = this.#parts.full();
    if (full !== undefined) return this.#refuseUnseen(attached, n, 'ENGINE_FULL', full);
    const busy = (): void => refused('DOCUMENT_BUSY', 'too much waits for the document');
    // A view that was closed meanwhile is not heard: its session may speak through another.
    const later = (): void => {
      if (front.views.get(view) === attached) this.send(attached, request);
    };
    const shelf = this.#shelves.get(attached.name);
    if (shelf?.kind === 'loading') {
      if (shelf.waiting.length >= documentQueueMax) return busy();
      shelf.waiting.push({ run: later, refuse: refused });
      return;
    }
    const waiting = this.#openings.of(attached);
    if (waiting !== undefined) {
      if (waiting.length >= documentQueueMax) return busy();
      waiting.push(later);
      return;
    }
    if (shelf === undefined || !attached.isOpen) return refused('DOCUMENT_NOT_OPEN', 'open the document first');
    const { document } = shelf;
    if (document.pending >= documentQueueMax) return busy();
    if (request.channel === undoChannel) return undo(this.#undoing, attached, request, refused);
    if (request.channel === deleteChannel) return this.#delete(attached, refused);
    const { who, session } = attached;
    document.ask({ kind: 'send', request: { who, session, ...request } }, (ran) => this.#sent(attached, ran));
  }

  /** Where it comes about, whoever views it is told, and he too. */
  #delete({ name, who }: Attached, refused: Refuse): void {
    this.act(name, { kind: 'delete', who, isAsked: true }).catch(refusing(refused)).catch(this.#parts.fatal);
  }

  #sent(attached: Attached, ran: Ran): void {
    const { front, view, name } = attached;
    const { outcome } = ran;
    this.#take(name, ran);
    const kept = ran.updates.length > 0 ? this.#shelves.kept(name) : undefined;
    if (kept !== undefined) this.#parts.memory.used(kept.tenant);
    // Who has left hears nothing.
    const said = this.#attached.has(attached) ? saidOf(view, outcome) : undefined;
    if (said !== undefined) this.#emit(front, said);
    this.#tell(name, ran);
  }

  close(attached: Attached): void {
    const { front, view, viewer } = attached;
    front.views.delete(view);
    if (this.#speakers.get(attached.session) === attached) this.#speakers.delete(attached.session);
    if (!this.#attached.delete(attached) || viewer === undefined) return;
    const kept = this.#shelves.kept(attached.name);
    if (!this.looks.left(attached)) kept?.document.close(viewer);
    kept?.audience.leave(attached);
    this.ephemera.left(attached, kept);
    this.life.closed(attached.name);
  }

  #enter(attached: Attached, { document }: Kept, grant?: Claim): void {
    if (!this.#attached.has(attached)) return grant && this.#quotas.over(grant, false);
    const end = this.#openings.begin(attached);
    const { who, session, create, look } = attached;
    document.ask({ kind: 'open', who, session, create, look: look?.state, grant }, (ran) => {
      if (ran.outcome.kind === 'ungranted') this.#begin(attached, ran.outcome.claim);
      else this.#opened(attached, ran);
      if (grant !== undefined) this.#quotas.over(grant, ran.quota?.standing?.id === grant.id);
      end();
    });
  }

  /** It begins once the accounts of its quota know of it. */
  #begin(attached: Attached, claim: Claim): void {
    const end = this.#openings.begin(attached);
    const enter = (grant?: Claim): void => {
      const refuse: Refuse = (code, text) => {
        if (grant !== undefined) this.#quotas.over(grant, false);
        this.#refuseOpen(attached, code, text);
      };
      this.#shelves.with(attached.name, { run: (kept) => this.#enter(attached, kept, grant), refuse });
      end();
    };
    const refused = ({ code, message }: CodedError): void => {
      this.#refuseOpen(attached, code, message);
      end();
    };
    this.#quotas.claim(claim, () => enter(claim), enter, refused);
  }

  #opened(attached: Attached, ran: Ran): void {
    const { outcome } = ran;
    this.#take(attached.name, ran);
    this.#tell(attached.name, ran);
    if (outcome.kind === 'refused') return this.#refuseOpen(attached, outcome.code, outcome.text);
    if (outcome.kind === 'opened' && this.#attached.has(attached)) {
      attached.isOpen = true;
      attached.session = outcome.session;
      this.#takeOver(attached);
    }
    this.#show(attached, ran);
  }

  /** The first view, or, where the document was lost and read again, one in place of what was told before. */
  #show(attached: Attached, { outcome, seq }: Ran): void {
    const { front, view, name, session } = attached;
    const kept = this.#shelves.kept(name);
    if (outcome.kind !== 'opened') throw new CodedError('ENGINE_CORRUPT', `${name} is not opened`);
    if (kept === undefined) throw new CodedError('ENGINE_CORRUPT', `${name} is not there`);
    const { viewer, viewerKind, incarnation, json, shown, lookRefused } = outcome;
    const isHere = this.#attached.has(attached);
    if (!isHere || !isShort(json)) {
      kept.document.close(viewer);
      this.life.closed(name);
      if (isHere) this.#refuseTooBig(attached);
      return;
    }
    const number = kept.audience.join(attached, viewer, viewerKind);
    this.#parts.memory.used(kept.tenant);
    this.#emit(front, [toProxy.opened, view, number, session, incarnation, seq, json]);
    if (shown !== '') this.#emit(front, [toProxy.shown, 0, view, shown]);
    this.looks.shown(attached, lookRefused);
  }

  /** Those who view a document that is read again: they have their sessions, and are shown what there is. */
  #viewersAgain(name: string): Waiting[] {
    return this.#attached.openIn(name).map((attached) => {
      attached.viewer = undefined;
      const refuse: Refuse = (code, text) => this.#refuseOpen(attached, code, text);
      const run = ({ document }: Kept): void => {
        if (!this.#attached.has(attached)) return;
        document.ask({ kind: 'reopen', who: attached.who, look: attached.look?.state }, (ran) => {
          this.#take(name, ran);
          if (ran.outcome.kind === 'refused') return refuse(ran.outcome.code as ErrorCode, ran.outcome.text);
          this.#show(attached, ran);
        });
      };
      return { run, refuse };
    });
  }

  /**
   * A session speaks through one view at a time. What a client sent over a connection that it lost may still be on its way
   * when it has come back over another and numbered its sends anew: it must not be heard (C15).
   */
  #takeOver(attached: Attached): void {
    const { session } = attached;
    if (session === '') return;
    const former = this.#speakers.get(session);
    this.#speakers.set(session, attached);
    if (former === undefined) return;
    this.close(former);
    this.#emit(former.front, [toProxy.dropped, former.view, 'SESSION_EXPIRED']);
  }

  #refuseOpen(attached: Attached, code: string, text: string): void {
    const { front, view } = attached;
    if (!this.#attached.has(attached)) return;
    this.close(attached);
    this.#emit(front, [toProxy.refused, view, 0, 0, code, text]);
  }

  /** The chain takes no more. This refusal has seen nothing of any document, so it waits for nothing. */
  #refuseUnseen(attached: Attached, n: number, code: ErrorCode, text: string): void {
    const { front, view } = attached;
    if (n === 0) {
      this.#attached.delete(attached);
      front.views.delete(view);
    }
    front.push([toProxy.refused, view, n, 0, code, text]);
    this.#parts.wake();
  }

  /** What was done is to be written, and the application's log is told what of it failed. */
  #take(name: string, ran: Ran): void {
    const { updates, seqFirst, failures } = ran;
    updates.forEach((update, index) => {
      this.queue.add(name, seqFirst + index, update);
    });
    const kept = updates.length > 0 ? this.#shelves.kept(name) : undefined;
    if (kept !== undefined) kept.serial = this.queue.serial;
    for (const { where, failure } of failures) this.#parts.onFailure(name, where, failure);
    this.life.ran(name, ran);
    this.#quotas.ran(name, ran);
  }

  #emit(front: Front, message: ToProxy): void {
    const last = message[message.length - 1];
    this.queue.emit({ front, message }, typeof last === 'string' ? last.length : 0);
    this.#parts.wake();
  }

  #tell(name: string, { deltas, shown, seq }: Ran): void {
    const kept = deltas.length + shown.length > 0 ? this.#shelves.kept(name) : undefined;
    const missed = kept?.audience.tell(deltas, seq, (front, message) => this.#emit(front, message), shown) ?? [];
    for (const attached of missed) this.#refuseTooBig(attached);
  }

  /** What nobody can be told is not told in part: the view ends. */
  #refuseTooBig(attached: Attached): void {
    this.#refuseOpen(attached, 'DOCUMENT_TOO_BIG', `a view has at most ${viewBytesMax} bytes as JSON`);
  }
}
