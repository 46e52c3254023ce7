// What clients show in a document, on its way to its host and back. It is not answered and not kept: the newest of each channel goes, after a pause
// where much comes; and where a document is not live nothing does, since a client shows what it has again behind each view.
import { ephemeralMs, ephemeralsMax } from '../engine/base/limits-shown.ts';
import type { Attachment, Show, Showing, Wire } from './attachment.ts';
import { refusedShowLine, shownLine } from './client-wire.ts';
import type { ToProxy } from './link-wire.ts';
import { toHost } from './link-wire.ts';

export function createShowing(): Showing {
  return { newest: new Map(), timer: undefined };
}

export function show(attachment: Attachment, channel: string, show: Show): void {
  const { newest, timer } = attachment.showing;
  if (attachment.status !== 'live') return;
  if (!newest.delete(channel) && newest.size >= ephemeralsMax) return;
  newest.set(channel, show);
  if (timer === undefined) give(attachment);
}

/** What waits was of a view that is gone. */
export function forgetShowing({ showing }: Attachment): void {
  clearTimeout(showing.timer);
  showing.timer = undefined;
  showing.newest.clear();
}

function give(attachment: Attachment): void {
  const { showing, place, doc } = attachment;
  if (place === undefined) return;
  for (const [channel, { message, bytes }] of showing.newest) {
    place.wire.link.send([toHost.show, place.view, channel, message], bytes + doc.length);
  }
  showing.newest.clear();
  showing.timer = setTimeout(() => {
    showing.timer = undefined;
    if (showing.newest.size > 0) give(attachment);
  }, ephemeralMs);
}

/** One line for all of a kind, or for one view. */
export function passShown(wire: Wire, [, number, view, json]: Extract<ToProxy, { readonly 0: 10 }>): void {
  if (number === 0) {
    const attachment = wire.views.get(view);
    if (attachment?.status !== 'live') return;
    return attachment.viewer.show(attachment.doc, json, shownLine(attachment.doc, json));
  }
  const kind = wire.kinds.get(number);
  if (kind === undefined) return;
  const line = shownLine(kind.doc, json);
  for (const { viewer } of kind.members) viewer.show(kind.doc, json, line);
}

export function passShowRefused(wire: Wire, [, view, channel, code, text]: Extract<ToProxy, { readonly 0: 11 }>): void {
  const attachment = wire.views.get(view);
  attachment?.viewer.push(refusedShowLine(attachment.doc, channel, code, text));
}
