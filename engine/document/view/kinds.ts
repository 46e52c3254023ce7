// Viewers of one kind see the same: one projection, one delta, one encoded text for all of them. A definition without
// viewerIs has one kind; with it, each principal is one. (Principals for whom every policy comes out equal could share:
// later, and nothing outside this file would notice.)
import type { Principal } from '../../base/ids.ts';
import type { JsonObject } from '../../base/merge-patch.ts';
import type { ViewPlan } from './privacy.ts';
import { projectDocument, refresh } from './project.ts';

export type ViewKind = {
  /** Names the kind within its document, for as long as it has viewers. */
  readonly key: string;
  /** Any viewer of the kind: all see what this one sees. */
  readonly who: Principal;
  /** How many views are open. */
  viewers: number;
  /** What they have been sent, all deltas up to the document's seq included. */
  readonly view: JsonObject;
  /** `view` as JSON, undefined when it changed since. */
  json: string | undefined;
};

/** A merge patch, as JSON, for every viewer of `kind`. */
export type KindDelta = { readonly kind: ViewKind; readonly json: string };

export type Kinds = Map<string, ViewKind>;

/** The kind of `who`, made where this is its first viewer. */
export function kindOf(kinds: Kinds, plan: ViewPlan, state: JsonObject, who: Principal): ViewKind {
  const key = plan.isPersonal ? JSON.stringify([who.agent, who.authority]) : 'all';
  const known = kinds.get(key);
  if (known !== undefined) return known;
  const kind = { key, who, viewers: 0, view: projectDocument(plan, state, who), json: undefined };
  kinds.set(key, kind);
  return kind;
}

/** The view of a kind as JSON. */
export function jsonOf(kind: ViewKind): string {
  kind.json ??= JSON.stringify(kind.view);
  return kind.json;
}

/** Brings all kinds up to date with `state`, which `redo` made; a kind that sees no difference gets no delta. */
export function deltasOf(kinds: Kinds, plan: ViewPlan, state: JsonObject, redo: JsonObject): KindDelta[] {
  const deltas: KindDelta[] = [];
  for (const kind of kinds.values()) {
    const delta = refresh(plan, kind.view, state, redo, kind.who);
    if (delta === undefined) continue;
    kind.json = undefined;
    deltas.push({ kind, json: JSON.stringify(delta) });
  }
  return deltas;
}
