// What the client's two halves share: the frames of PROTOCOL.md, the bounds, and what a refusal does to a send's number.
import type { Retry } from '../../engine/base/errors.ts';
import type { Json } from '../../engine/base/merge-patch.ts';

export const subprotocol = 'levelten.v1.json';
/** A WebSocket message may hold this much: larger ones end the connection. */
export const frameBytesMax = 64 * 1024;
/** Sends of one document that may wait for an answer; more wait here. */
export const sendsInFlightMax = 32;
/** Sends of one document that may wait here; one more is refused with LIMIT_REACHED. */
export const sendsQueuedMax = 1_024;
/** Pauses before the next try, doubled from the first to the last; the real one is anywhere from zero to that. */
export const redialMsMin = 50;
export const redialMsMax = 3_000;
/** What is shown in less than this goes together, the newest of each channel; and the longest frame that shows something. */
export const showMs = 50;
export const showFrameLengthMax = 4_096;
/** What a view looks at in less than this goes together, the newest of it; and the longest that it may be, as JSON. */
export const stateMs = 50;
export const stateLengthMax = 4_096;
/** How often the client pings. A connection on which nothing came for two rounds is given up. */
export const pingMs = 10_000;

export type ServerFrame =
  | { readonly t: 'welcome'; readonly agent: string; readonly authority: string }
  | {
      readonly t: 'view';
      readonly doc: string;
      readonly session: string | null;
      readonly incarnation: string;
      readonly seq: number;
      readonly view: Json;
    }
  | { readonly t: 'answer'; readonly doc: string; readonly n: number; readonly seq: number; readonly value: Json }
  | { readonly t: 'delta'; readonly doc: string; readonly seq: number; readonly delta: Json }
  | RefusedFrame
  | {
      readonly t: 'ephemeral';
      readonly doc: string;
      readonly shown: readonly {
        readonly channel: string;
        readonly who: { readonly agent: string; readonly authority: string };
        readonly value: Json;
      }[];
    }
  | {
      readonly t: 'error';
      readonly doc: string;
      readonly channel: string;
      readonly code: string;
      readonly retry: Retry;
      readonly text: string;
    }
  | {
      readonly t: 'error';
      readonly doc: string;
      readonly about: 'viewer';
      readonly n: number;
      readonly code: string;
      readonly retry: Retry;
      readonly text: string;
    }
  | { readonly t: 'status'; readonly doc: string; readonly state: 'waiting' | 'live' }
  | { readonly t: 'closed'; readonly doc: string }
  | { readonly t: 'pong'; readonly id: number }
  | { readonly t: 'error'; readonly code: string; readonly retry: Retry; readonly text: string };

export type RefusedFrame = {
  readonly t: 'refused';
  readonly doc: string;
  readonly n: number;
  readonly seq: number;
  readonly code: string;
  readonly retry: Retry;
  readonly text: string;
};

/** Undefined for what is no frame: what comes over a network may be anything, and what stands beside it is still to be heard. */
export function frameOf(line: string): ServerFrame | undefined {
  try {
    const frame: unknown = JSON.parse(line);
    return typeof frame === 'object' && frame !== null ? (frame as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

/** Why a send or an open failed. Branch on `code` and `retry`; the text is for people. */
export class RefusedError extends Error {
  /** `RefusedError`. */
  override readonly name = 'RefusedError';
  /** As in PROTOCOL.md, or the application's own, which handlers give to `ctx.abort`. */
  readonly code: string;
  /** What another try would mean. */
  readonly retry: Retry;
  /** @internal */
  constructor(code: string, retry: Retry, text: string) {
    super(text);
    this.code = code;
    this.retry = retry;
  }
}

/** Refusals that come before the handler. The document never saw the send, so the next one takes its number. */
const beforeHandler = new Set([
  'AUTH_REQUIRED',
  'CHAIN_BUSY',
  'CHAIN_NOT_HEAD',
  'CHAIN_NOT_SERVING',
  'CHANNEL_UNKNOWN',
  'DELETE_REFUSED',
  'DOCUMENT_BUSY',
  'DOCUMENT_NAME',
  'DOCUMENT_NOT_OPEN',
  'DOCUMENT_READ_ONLY',
  'DOCUMENT_UNKNOWN',
  'ENGINE_FULL',
  'FRAME_INVALID',
  'FRAME_TOO_BIG',
  'LIMIT_REACHED',
  'MESSAGE_INVALID',
  'SESSION_EXPIRED',
  'SESSION_FULL',
  'SESSION_GAP',
  'SPACE_UNKNOWN',
]);

export function consumesNumber(code: string): boolean {
  return !beforeHandler.has(code);
}

/** Where in [0, doubled) the pause of this try lies ("full jitter"): clients that fell together do not come back together. */
export function pauseMs(tries: number, random: () => number): number {
  return random() * Math.min(redialMsMax, redialMsMin * 2 ** Math.min(tries, 16));
}

/** True when `text` takes more than `bytesMax` bytes as UTF-8. Counted only where the length does not tell. */
export function isOver(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax || text.length * 3 <= bytesMax) return text.length > bytesMax;
  return new TextEncoder().encode(text).length > bytesMax;
}
