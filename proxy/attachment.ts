// A document that a client has open, as its proxy knows it: whose it is, where it is open now, and what waits for an answer.
import type { Principal } from '../engine/base/ids.ts';
import type { ClientSend, Line } from './client-wire.ts';
import type { HostLink } from './host-link.ts';

/** The one whom an attachment belongs to. */
export type Viewer = {
  readonly principal: Principal;
  readonly push: (line: Line) => void;
  /** `json` is the list in `line`: of a value that the client has not read yet only the newest need come. */
  readonly show: (doc: string, json: string, line: Line) => void;
  /** A view comes, in place of all that it was shown of the document. */
  readonly unshow: (doc: string) => void;
  /** The attachment is gone: the open was refused for good. */
  readonly onGone: (doc: string) => void;
  /** A send of this many bytes was answered. */
  readonly onAnswered: (bytes: number) => void;
};

export type Attachment = {
  readonly doc: string;
  readonly chain: number;
  readonly viewer: Viewer;
  /** '' to read only, 'new' until the head gives it a session, then its id. */
  session: string;
  /** What the document is to be where it does not exist; undefined where it is only to be opened, and once it was. */
  create: unknown;
  status: 'waiting' | 'opening' | 'live' | 'gone';
  /** Where it is open; undefined while it waits. */
  place: Place | undefined;
  /** The client was told to wait, and is owed the news that it is over. */
  isWaitTold: boolean;
  /** In the order of n: a client's sends arrive so, and stay so. */
  readonly unanswered: Map<number, UnansweredSend>;
  /** What it shows, on its way. */
  readonly showing: Showing;
  /** What it looks at. */
  readonly looking: Looking;
  retryMs: number;
  retryTimer: NodeJS.Timeout | undefined;
};

export type Place = {
  readonly wire: Wire;
  readonly view: number;
  readonly epoch: number;
  /** Nobody but gossip said that this host heads the chain. */
  isGuess: boolean;
  kind: Kind | undefined;
  /** Up to which this view was told what is for it alone: a delta of its kind of that seq is not for it. */
  seq: number;
};
/** What waits to be shown, the newest of each channel. `timer`: the pause after what went last. */
export type Showing = { readonly newest: Map<string, Show>; timer: NodeJS.Timeout | undefined };
export type Show = { readonly message: unknown; readonly bytes: number };
/** `newest`: undefined where nothing was said, or what was is refused. `isDue`: the host has not heard it; `timer`: the pause after what went last. */
export type Looking = { newest: Look | undefined; isDue: boolean; timer: NodeJS.Timeout | undefined };
export type Look = { readonly n: number; readonly state: unknown; readonly bytes: number };
export type UnansweredSend = { readonly frame: ClientSend; readonly bytes: number };

/** What is open on one link. It is emptied when the link goes; view numbers are never used again. */
export type Wire = {
  readonly link: HostLink;
  readonly views: Map<number, Attachment>;
  readonly kinds: Map<number, Kind>;
  lastView: number;
};

/** Viewers who see the same of one document: a delta is one line for all of them. */
export type Kind = { readonly number: number; readonly doc: string; readonly members: Set<Attachment> };

/** False when `n` does not wait for an answer: a repeat, which the client has seen. */
export function settle(attachment: Attachment, n: number): boolean {
  const send = attachment.unanswered.get(n);
  if (send === undefined) return false;
  attachment.unanswered.delete(n);
  attachment.viewer.onAnswered(send.bytes);
  return true;
}

export function leaveKind(attachment: Attachment, place: Place): void {
  const kind = place.kind;
  if (kind === undefined) return;
  place.kind = undefined;
  kind.members.delete(attachment);
  if (kind.members.size === 0) place.wire.kinds.delete(kind.number);
}
