// One viewer of a document under test: its view, kept as a client keeps it, and all that it ever heard.
import { applyDelta } from '../../engine/base/delta.ts';
import { retryOf } from '../../engine/base/errors.ts';
import type { Json } from '../../engine/base/merge-patch.ts';
import type { Principal, View, ViewerStateOf } from '../../engine/document/define.ts';
import type { LookRefused, Opened, Sent, ShowRefused } from '../../engine/document/document.ts';
import { undoChannel } from '../../engine/document/document.ts';
import { Shown } from '../../proxy/client/node.ts';
import type { AnswerOf, Attempt, ChannelName, EphemeralName, MessageOf, ShownOf, ShowOf, Testable } from './types.ts';
import { TestRefused } from './types.ts';
import { frozen, parseFrozen } from './values.ts';

export type Opening = Extract<Opened['result'], { readonly kind: 'opened' }>;

/** What a viewer needs of its document. */
export type Wire<V> = {
  readonly doc: string;
  /** `message` is plain JSON. */
  readonly send: (viewer: V, channel: string, message: unknown) => Sent;
  /** Undefined: it was taken. */
  readonly show: (viewer: V, channel: string, message: unknown) => ShowRefused | undefined;
  /** As `show`. */
  readonly look: (viewer: V, state: unknown) => LookRefused | undefined;
  readonly close: (viewer: V) => void;
};

type ShownItem = { readonly channel: string; readonly who: Principal; readonly value: Json };

/** One viewer of a document under test: its view, kept as a client keeps it, and all that it ever heard. */
export class TestViewer<D extends Testable> {
  /** Who it is. */
  readonly who: Principal;
  readonly #wire: Wire<TestViewer<D>>;
  #view: Json = frozen({});
  #seq = 0;
  #deltas: Json[] = [];
  #heardCount = 0;
  readonly #frames: string[] = [];
  readonly #shown = new Map<string, Shown>();
  /** What it shows itself, as JSON: shown again when its document begins anew. */
  readonly #own = new Map<string, string>();
  /** What it looks at, as it says it; undefined where it has said nothing. */
  #said: unknown;
  #isClosed = false;

  /** @internal Use `TestDocument.as`. */
  constructor(who: Principal, wire: Wire<TestViewer<D>>) {
    this.who = frozen(who);
    this.#wire = wire;
  }

  /** What this viewer sees, kept by deltas as a client keeps it. Frozen. */
  get view(): View<D> {
    return this.#view as View<D>;
  }

  /** The document's seq that the view shows. */
  get seq(): number {
    return this.#seq;
  }

  /** All deltas since the view was opened. */
  get deltas(): readonly Json[] {
    return [...this.#deltas];
  }

  /** Every frame that ever came, views, deltas, answers and refusals, one a line: what is not in here was never told. */
  get heardText(): string {
    return this.#frames.join('\n');
  }

  /** The deltas since this was asked last. */
  heard(): readonly Json[] {
    const heard = this.#deltas.slice(this.#heardCount);
    this.#heardCount = this.#deltas.length;
    return heard;
  }

  /** Sends a message and returns what its handler answered, as a client gets it. TestRefused where it is refused. */
  send<Name extends ChannelName<D>>(channel: Name, message: MessageOf<D, Name>): AnswerOf<D, Name> {
    const attempt = this.trySend(channel, message);
    if (!attempt.ok) throw new TestRefused(attempt.code, attempt.text, attempt.cause);
    return attempt.value;
  }

  /** The same, for what may be refused. */
  trySend<Name extends ChannelName<D>>(channel: Name, message: MessageOf<D, Name>): Attempt<AnswerOf<D, Name>> {
    if (this.#isClosed) throw new Error(`the view of ${this.who.agent} was closed`);
    // As it would come over the network; a client refuses by itself what is no JSON.
    const body: string | undefined = JSON.stringify(message);
    if (body === undefined) {
      const text = 'a message is a JSON value';
      return { ok: false, code: 'FRAME_INVALID', text, cause: undefined, seq: this.#seq };
    }
    const { result, failure } = this.#wire.send(this, channel, JSON.parse(body));
    if (result.kind === 'answered') return { ok: true, value: parseFrozen(result.json) as never, seq: result.seq };
    return { ok: false, code: result.code, text: result.text, cause: failure, seq: result.seq };
  }

  /** Takes back what an own message did, by the seq of its answer. TestRefused, as UNDO_CONFLICT. */
  undo(seq: number): void {
    const { result, failure } = this.#wire.send(this, undoChannel, { seq });
    if (result.kind === 'refused') throw new TestRefused(result.code, result.text, failure);
  }

  /** Has the view look at something else, as its definition's `viewerState` takes it. TestRefused where it does not: the view goes on as it was. */
  look(state: ViewerStateOf<D>): void {
    if (this.#isClosed) throw new Error(`the view of ${this.who.agent} was closed`);
    const body: string | undefined = JSON.stringify(state);
    if (body === undefined) throw new TestRefused('FRAME_INVALID', 'what a view looks at is a JSON value');
    const refused = this.#wire.look(this, JSON.parse(body));
    if (refused === undefined) return;
    this.#tellRefused(refused);
    throw new TestRefused(refused.code, refused.text);
  }

  /** Shows something in an ephemeral channel; null takes it back. TestRefused where it is refused. */
  show<Name extends EphemeralName<D>>(channel: Name, message: ShowOf<D, Name> | null): void {
    if (this.#isClosed) throw new Error(`the view of ${this.who.agent} was closed`);
    const body: string | undefined = JSON.stringify(message);
    if (body === undefined) throw new TestRefused('FRAME_INVALID', 'what is shown is a JSON value');
    const refused = this.#wire.show(this, channel, JSON.parse(body));
    if (refused === undefined) {
      this.#own.set(channel, body);
      return;
    }
    const { code, text } = refused;
    this.#frames.push(JSON.stringify({ t: 'error', doc: this.#wire.doc, channel, code, retry: retryOf(code), text }));
    throw new TestRefused(code, text);
  }

  /** Who shows what in an ephemeral channel, as far as this viewer sees it: always the same object, which changes. */
  shown<Name extends EphemeralName<D>>(channel: Name): Shown<ShownOf<D, Name>> {
    return this.#shownIn(channel) as Shown<ShownOf<D, Name>>;
  }

  #shownIn(channel: string): Shown {
    const shown = this.#shown.get(channel) ?? new Shown();
    this.#shown.set(channel, shown);
    return shown;
  }

  /** Ends this view; nothing is heard any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wire.close(this);
  }

  /** @internal For the document. */
  get said(): unknown {
    return this.#said;
  }

  /** @internal For the document. */
  onLooked(said: unknown): void {
    this.#said = said;
  }

  /** @internal For the document: other code takes it no more. */
  onLookRefused(refused: LookRefused): void {
    this.#said = undefined;
    this.#tellRefused(refused);
  }

  #tellRefused({ code, text }: LookRefused): void {
    const about = { t: 'error', doc: this.#wire.doc, about: 'viewer' };
    this.#frames.push(JSON.stringify({ ...about, code, retry: retryOf(code), text }));
  }

  /** @internal For the document: the whole view, at first and after a restart. */
  onView({ session, incarnation, seq, json }: Opening): void {
    const about = { t: 'view', doc: this.#wire.doc, session, incarnation, seq };
    this.#frames.push(frame(about, 'view', json));
    this.#view = parseFrozen(json);
    this.#seq = seq;
    for (const shown of this.#shown.values()) shown.clear();
  }

  /** @internal For the document: what others show, the list of a frame. */
  onShown(json: string): void {
    this.#frames.push(frame({ t: 'ephemeral', doc: this.#wire.doc }, 'shown', json));
    for (const { channel, who, value } of parseFrozen(json) as unknown as readonly ShownItem[]) {
      this.#shownIn(channel).set([[who, value]]);
    }
  }

  /** @internal For the document, behind a restart. */
  showAgain(): void {
    for (const [channel, body] of this.#own) this.#wire.show(this, channel, JSON.parse(body));
  }

  /** @internal For the document: all that is shown to this viewer, as it was told, by channel and principal. */
  get shownText(): string {
    const all = [...this.#shown].flatMap(([channel, shown]) =>
      shown.entries.map(([{ agent, authority }, value]) => JSON.stringify([channel, agent, authority, value])),
    );
    return all.sort().join('\n');
  }

  /** @internal For the document. */
  onDelta(seq: number, json: string): void {
    this.#frames.push(frame({ t: 'delta', doc: this.#wire.doc, seq }, 'delta', json));
    const delta = parseFrozen(json);
    this.#deltas.push(delta);
    this.#view = frozen(applyDelta(this.#view, delta) ?? {});
    this.#seq = seq;
  }

  /** @internal For the document: what became of a message. */
  onResult(result: Sent['result']): void {
    const about = { doc: this.#wire.doc, n: result.n, seq: result.seq };
    if (result.kind === 'answered') this.#frames.push(frame({ t: 'answer', ...about }, 'value', result.json));
    else {
      const { code, text } = result;
      this.#frames.push(JSON.stringify({ t: 'refused', ...about, code, retry: retryOf(code), text }));
    }
  }
}

/** As `shownText` of a viewer. */
export function shownTextOf(json: string): string {
  const list = (json === '' ? [] : JSON.parse(json)) as ShownItem[];
  const all = list.map(({ channel, who, value }) => JSON.stringify([channel, who.agent, who.authority, value]));
  return all.sort().join('\n');
}

/** A frame as PROTOCOL.md has it; `json` goes in as it is. */
function frame(about: object, name: string, json: string): string {
  return `${JSON.stringify(about).slice(0, -1)},"${name}":${json}}`;
}
