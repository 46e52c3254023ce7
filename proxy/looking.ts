// What a client's view looks at, on its way to its host. It is kept for as long as the document is open here, so that wherever that is opened next, it is
// opened by it: whoever looks at page 7 is shown page 7 after a failover. The newest counts; it goes at once, and then after a pause where much comes.
import { viewerStateMs } from '../engine/base/limits-shown.ts';
import type { Attachment, Look, Looking, Wire } from './attachment.ts';
import { refusedLookLine } from './client-wire.ts';
import type { ToProxy } from './link-wire.ts';
import { toHost } from './link-wire.ts';

export function createLooking(newest: Look | undefined): Looking {
  return { newest, isDue: false, timer: undefined };
}

export function look(attachment: Attachment, newest: Look): void {
  const { looking, place } = attachment;
  looking.newest = newest;
  // Where it is not open, it will be opened by it.
  if (place === undefined) return;
  looking.isDue = true;
  if (looking.timer === undefined) give(attachment);
}

/** It is open nowhere now. */
export function restLooking({ looking }: Attachment): void {
  clearTimeout(looking.timer);
  looking.timer = undefined;
  looking.isDue = false;
}

function give(attachment: Attachment): void {
  const { looking, place, doc } = attachment;
  if (place === undefined || looking.newest === undefined) return;
  const { n, state, bytes } = looking.newest;
  looking.isDue = false;
  place.wire.link.send([toHost.look, place.view, n, state], bytes + doc.length);
  looking.timer = setTimeout(() => {
    looking.timer = undefined;
    if (looking.isDue) give(attachment);
  }, viewerStateMs);
}

/** What was refused nothing is opened by: its client says what is to be in its place. */
export function passLookRefused(wire: Wire, [, view, n, code, text]: Extract<ToProxy, { readonly 0: 12 }>): void {
  const attachment = wire.views.get(view);
  if (attachment === undefined) return;
  const { looking, viewer, doc } = attachment;
  if (looking.newest?.n === n && !looking.isDue) looking.newest = undefined;
  viewer.push(refusedLookLine(doc, n, code, text));
}
