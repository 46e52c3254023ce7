// What a document under test keeps of each viewer, and what must hold of it after each step.
import type { Resident, ViewDelta, Viewer, ViewShown } from '../../engine/document/document.ts';
import { shownTo, viewOf } from '../../engine/document/document.ts';
import { readLook } from '../../engine/document/view/look.ts';
import type { Testable } from './types.ts';
import { TestRefused } from './types.ts';
import { differenceOf } from './values.ts';
import type { TestViewer } from './viewer.ts';
import { shownTextOf } from './viewer.ts';

export type Seat = {
  readonly session: string;
  viewer: Viewer;
  /** As told last, which is what a proxy goes by. */
  kind: number;
  /** The number of the last send that was written. */
  n: number;
};

/** What a view says that it looks at, as it would come over the network. TestRefused where that may not be. */
export function saidBy({ plan }: Testable, state: unknown): unknown {
  if (state === undefined) return undefined;
  const json: string | undefined = JSON.stringify(state);
  if (json === undefined) throw new TestRefused('FRAME_INVALID', 'what a view looks at is a JSON value');
  const said: unknown = JSON.parse(json);
  const look = readLook(plan.look, said);
  if ('kind' in look) throw new TestRefused(look.code, look.text, look.failure);
  return said;
}

/** As a proxy passes deltas on: those for one viewer alone come first, and what his kind is told is then not for him. */
export function tell<D extends Testable>(
  seats: ReadonlyMap<TestViewer<D>, Seat>,
  deltas: readonly ViewDelta[],
  seq: number,
): void {
  const told = new Set<TestViewer<D>>();
  for (const delta of deltas) {
    for (const [viewer, seat] of seats) {
      if (delta.viewer === undefined ? delta.kind !== seat.kind : delta.viewer !== seat.viewer.id) continue;
      if (told.has(viewer)) continue;
      told.add(viewer);
      seat.kind = delta.kind;
      if (delta.json !== '') viewer.onDelta(seq, delta.json);
    }
  }
}

export function tellShown<D extends Testable>(
  seats: ReadonlyMap<TestViewer<D>, Seat>,
  shown: readonly ViewShown[],
): void {
  for (const { viewer: one, kind, json } of shown) {
    for (const [viewer, seat] of seats) {
      if (one === undefined ? kind === seat.kind : one === seat.viewer.id) viewer.onShown(json);
    }
  }
}

/** What is wrong with what somebody was told. `fresh` is the same document in another memory: nothing that this one remembers is used. */
export function wrongIn<D extends Testable>(
  seats: ReadonlyMap<TestViewer<D>, Seat>,
  resident: Resident,
  fresh: Resident,
): string | undefined {
  for (const [viewer, seat] of seats) {
    const { agent } = viewer.who;
    if (seat.kind !== seat.viewer.kind.id) return `${agent} was not told of what kind he is`;
    if (viewer.shownText !== shownTextOf(shownTo(resident, seat.viewer))) {
      return `${agent} was told something else than what is shown to him`;
    }
    const look = readLook(fresh.definition.plan.look, viewer.said);
    if ('kind' in look) return `${agent} looks at what nobody may: ${look.text}`;
    const difference = differenceOf(viewer.view as never, viewOf(fresh, viewer.who, look));
    if (difference !== undefined) {
      return `the view of ${agent}, kept by deltas, is not what a fresh one is: ${difference}`;
    }
  }
  return undefined;
}
