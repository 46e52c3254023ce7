// What viewers show each other: it changes no state, writes nothing and takes no number. It is derived from the document all the same, since
// policies and checks read that: it leaves behind what it may have seen (C18).
import type { Principal } from '../base/ids.ts';
import type { Resident } from './resident.ts';
import type { ViewShown } from './view/ephemera.ts';
import type { Viewer } from './view/viewer.ts';

/** The newest value of `who` in a channel; null takes back what he showed. */
export type ShowRequest = { readonly who: Principal; readonly channel: string; readonly message: unknown };

/** The request at `index` was refused. */
export type ShowRefused = { readonly index: number; readonly code: string; readonly text: string };

export function applyShows(resident: Resident, requests: readonly ShowRequest[]): ShowRefused[] {
  return requests.flatMap(({ who, channel, message }, index) => {
    const refused = resident.viewers.ephemera.show(who, channel, message);
    return refused === undefined ? [] : [{ index, code: refused.code, text: refused.text }];
  });
}

/** What viewers are to be told since this was asked last. To be asked after whatever was done, and told behind its deltas. */
export function takeShown(resident: Resident): ViewShown[] {
  return resident.viewers.takeShown();
}

/** What somebody who comes is shown: the list of a frame, '' for none. */
export function shownTo(resident: Resident, viewer: Viewer): string {
  return resident.viewers.ephemera.of(viewer);
}
