// What a document under test keeps of each viewer, and what must hold of it after each step.
import type { Resident, Viewer } from '../../engine/document/document.ts';
import { shownTo, viewOf } from '../../engine/document/document.ts';
import type { Testable } from './types.ts';
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
    const difference = differenceOf(viewer.view as never, viewOf(fresh, viewer.who));
    if (difference !== undefined) {
      return `the view of ${agent}, kept by deltas, is not what a fresh one is: ${difference}`;
    }
  }
  return undefined;
}
