// The views of one document by what they are told: all of a kind of viewers hear the same, through each link once. Who is of which kind is the
// document's word (engine/document/view/viewers.ts); through which links, and under which number there, is known here.
import { viewBytesMax } from '../engine/base/limits.ts';
import type { ViewDelta, ViewShown } from '../engine/document/document.ts';
import type { ToProxy } from '../proxy/link-wire.ts';
import { toProxy } from '../proxy/link-wire.ts';
import type { Attached, Front } from './front.ts';

/** A kind of viewers on one link. */
type Place = { readonly number: number; views: number };

type Emit = (front: Front, message: ToProxy) => void;

/** Whether a link carries this view or delta. Counted only where the length does not tell. */
export function isShort(json: string): boolean {
  return json.length * 3 <= viewBytesMax || Buffer.byteLength(json) <= viewBytesMax;
}

export class Audience {
  readonly #views = new Map<number, Set<Attached>>();
  readonly #kinds = new Map<number, Map<Front, Place>>();

  get size(): number {
    return this.#views.size;
  }

  /** Takes a view in, and returns the number of its kind on its link. */
  join(attached: Attached, viewer: number, kind: number): number {
    this.#meet(attached, viewer);
    return this.#enter(attached, kind);
  }

  leave(attached: Attached): void {
    if (attached.viewer === undefined) return;
    this.#part(attached, attached.viewer);
    attached.viewer = undefined;
    this.#exit(attached);
  }

  /** A view goes on as one of another viewer. Returns the number of its kind on its link. */
  turn(attached: Attached, viewer: number, kind: number): number {
    if (attached.viewer !== undefined) this.#part(attached, attached.viewer);
    this.#meet(attached, viewer);
    return this.#move(attached, kind);
  }

  #meet(attached: Attached, viewer: number): void {
    attached.viewer = viewer;
    const views = this.#views.get(viewer) ?? new Set();
    this.#views.set(viewer, views.add(attached));
  }

  #part(attached: Attached, viewer: number): void {
    const views = this.#views.get(viewer);
    if (views?.delete(attached) === true && views.size === 0) this.#views.delete(viewer);
  }

  /**
   * The deltas of one update, and what is shown with it: those for one viewer alone come first, and what his kind is told is then not for him. Returns
   * the views for which there was a delta that no link carries.
   */
  tell(deltas: readonly ViewDelta[], seq: number, emit: Emit, shown: readonly ViewShown[] = []): Attached[] {
    const alone = new Set<number>();
    const missed: Attached[] = [];
    for (const { viewer, kind, json } of deltas) {
      const isCarried = isShort(json);
      if (viewer === undefined) {
        if (isCarried) this.#tellKind(kind, seq, json, emit);
        else for (const attached of this.#viewsOf(kind, alone)) missed.push(attached);
        continue;
      }
      alone.add(viewer);
      for (const attached of this.#views.get(viewer) ?? []) {
        const number = this.#move(attached, kind);
        if (isCarried) emit(attached.front, [toProxy.viewDelta, attached.view, number, seq, json]);
        else missed.push(attached);
      }
    }
    // Behind the deltas, which say who is of which kind.
    this.#show(shown, emit);
    return missed;
  }

  #show(shown: readonly ViewShown[], emit: Emit): void {
    for (const { viewer, kind, json } of shown) {
      if (viewer === undefined) {
        for (const [front, { number }] of this.#kinds.get(kind) ?? []) emit(front, [toProxy.shown, number, 0, json]);
        continue;
      }
      for (const { front, view } of this.#views.get(viewer) ?? []) emit(front, [toProxy.shown, 0, view, json]);
    }
  }

  #tellKind(kind: number, seq: number, json: string, emit: Emit): void {
    for (const [front, { number }] of this.#kinds.get(kind) ?? []) emit(front, [toProxy.delta, number, seq, json]);
  }

  /** But for those of these viewers. */
  #viewsOf(kind: number, but: ReadonlySet<number>): Attached[] {
    const viewers = [...this.#views].filter(([viewer]) => !but.has(viewer));
    return viewers.flatMap(([, views]) => [...views].filter((one) => one.kind === kind));
  }

  #move(attached: Attached, kind: number): number {
    if (attached.kind === kind) return this.#kinds.get(kind)?.get(attached.front)?.number ?? 0;
    this.#exit(attached);
    return this.#enter(attached, kind);
  }

  #enter(attached: Attached, kind: number): number {
    attached.kind = kind;
    const { front } = attached;
    const fronts = this.#kinds.get(kind) ?? new Map<Front, Place>();
    this.#kinds.set(kind, fronts);
    const place = fronts.get(front) ?? { number: front.nextKindNumber(), views: 0 };
    fronts.set(front, place);
    place.views += 1;
    return place.number;
  }

  #exit({ kind, front }: Attached): void {
    const fronts = this.#kinds.get(kind);
    const place = fronts?.get(front);
    if (fronts === undefined || place === undefined) return;
    place.views -= 1;
    if (place.views === 0) fronts.delete(front);
    if (fronts.size === 0) this.#kinds.delete(kind);
  }
}
