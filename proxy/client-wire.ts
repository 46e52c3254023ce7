// What a client may say, checked once: bytes of anybody become a typed frame here, or a CodedError. PROTOCOL.md is the law;
// past this file nobody looks again. Frames to clients are made here too: values from a host are JSON text already, and are
// spliced in as they are, so that a view costs the proxy no parsing.
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError, retryOf } from '../engine/base/errors.ts';
import type { Principal } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import {
  channelLengthMax,
  documentNameBytesMax,
  messageDepthMax,
  messageValuesMax,
  principalBytesMax,
} from '../engine/base/limits.ts';
import { ephemeralFrameLengthMax, viewerStateLengthMax } from '../engine/base/limits-shown.ts';

export const subprotocol = 'levelten.v1.json';

export type ClientFrame =
  | { readonly t: 'hello'; readonly as: string }
  | ClientOpen
  | ClientSend
  | ClientShow
  | ClientLook
  | { readonly t: 'close'; readonly doc: string }
  | { readonly t: 'ping'; readonly id: number }
  | { readonly t: 'unknown' };

/** `viewer`: what it looks at; undefined where it does not say. */
export type ClientOpen = {
  readonly t: 'open';
  readonly doc: string;
  readonly session: string;
  readonly create: unknown;
  readonly viewer: unknown;
};

/** What a view looks at from now on. */
export type ClientLook = { readonly t: 'viewer'; readonly doc: string; readonly n: number; readonly value: unknown };

export type ClientSend = {
  readonly t: 'send';
  readonly doc: string;
  readonly n: number;
  readonly done: number;
  readonly channel: string;
  readonly message: unknown;
};

export type ClientShow = {
  readonly t: 'ephemeral';
  readonly doc: string;
  readonly channel: string;
  readonly message: unknown;
};

/** What a frame was about, where it still could say so: a send; with a channel, what it shows; what it looks at. */
type About = { readonly doc?: string; readonly n?: number; readonly channel?: string; readonly isLook?: boolean };

/** A frame that is refused. `doc` and `n` say what it was about, where it still could say so; `channel` of one that shows something, `isLook` of one that looks at something. */
export class FrameRefused extends CodedError {
  readonly doc: string | undefined;
  readonly n: number;
  readonly channel: string | undefined;
  readonly isLook: boolean;
  constructor(code: ErrorCode, message: string, about: About = {}) {
    super(code, message);
    this.doc = about.doc;
    this.n = about.n ?? 0;
    this.channel = about.channel;
    this.isLook = about.isLook === true;
  }
}

/** A frame on its way to clients. One line may go to many: its bytes are made once, by the first that needs them. */
export type Line = { readonly text: string; bytes?: Buffer };

type Fields = Readonly<Record<string, unknown>>;

const agentPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/;
const sessionPattern = /^[0-9a-f]{32}$/;
const loneSurrogate = /\p{Surrogate}/u;

/** Decodes one line. FrameRefused with FRAME_INVALID, DOCUMENT_NAME or AUTH_REQUIRED for what PROTOCOL.md does not allow. */
export function decodeFrame(line: string): ClientFrame {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new FrameRefused('FRAME_INVALID', 'a frame is one line of JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameRefused('FRAME_INVALID', 'a frame is a JSON object');
  }
  const fields = value as Fields;
  if (Object.hasOwn(fields, '__proto__')) throw new FrameRefused('FRAME_INVALID', '/__proto__ is no field');
  switch (fields.t) {
    case 'hello':
      return { t: 'hello', as: agentOf(fields.as) };
    case 'open':
      return openOf(fields);
    case 'send':
      return sendOf(fields);
    case 'ephemeral':
      return showOf(fields, line.length);
    case 'viewer':
      return lookOf(fields);
    case 'close':
      return { t: 'close', doc: documentOf(fields, 0) };
    case 'ping':
      return { t: 'ping', id: countOf(fields, 'id', 0, {}) };
    default:
      if (typeof fields.t !== 'string') throw new FrameRefused('FRAME_INVALID', '/t is not a string');
      return { t: 'unknown' };
  }
}

function agentOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > principalBytesMax || !agentPattern.test(value)) {
    throw new FrameRefused('AUTH_REQUIRED', '/as is not a name of letters, digits and . _ : @ -');
  }
  return value;
}

function openOf(fields: Fields): ClientFrame {
  const doc = documentOf(fields, 0);
  const { create, viewer } = fields;
  if (create !== undefined) checkMessage(create, { doc, n: 0 });
  if (viewer !== undefined) checkState(viewer, '/viewer', { doc, n: 0 });
  return { t: 'open', doc, session: sessionOf(fields), create, viewer };
}

/** Whatever is wrong with it, its view goes on as it was. */
function lookOf(fields: Fields): ClientLook {
  const n = fields.n === undefined ? 0 : countOf(fields, 'n', 0, {});
  const doc = calmly(() => documentOf(fields, 0));
  const about = { doc, n, isLook: true };
  const { value } = fields;
  if (value === undefined) throw new FrameRefused('FRAME_INVALID', '/value is missing', about);
  checkState(value, '/value', about);
  return { t: 'viewer', doc, n, value };
}

function checkState(state: unknown, path: string, about: About): void {
  checkMessage(state, about, path);
  if (JSON.stringify(state).length <= viewerStateLengthMax) return;
  throw new FrameRefused('FRAME_INVALID', `${path} has at most ${viewerStateLengthMax} characters as JSON`, about);
}

function sendOf(fields: Fields): ClientSend {
  const n = countOf(fields, 'n', 1, {});
  const doc = documentOf(fields, n);
  const about = { doc, n };
  const done = countOf(fields, 'done', 0, about);
  if (done >= n) throw new FrameRefused('FRAME_INVALID', '/done is not below /n', about);
  const { channel, message } = fields;
  if (typeof channel !== 'string' || channel === '' || channel.length > channelLengthMax) {
    throw new FrameRefused('FRAME_INVALID', '/channel is not a name', about);
  }
  checkText(channel, '/channel', about);
  if (message === undefined) throw new FrameRefused('FRAME_INVALID', '/message is missing', about);
  checkMessage(message, about);
  return { t: 'send', doc, n, done, channel, message };
}

/** Whatever is wrong with it, it says nothing of the open document: it names the channel. */
function showOf(fields: Fields, length: number): ClientShow {
  const { channel, message } = fields;
  if (
    typeof channel !== 'string' ||
    channel === '' ||
    channel.length > channelLengthMax ||
    loneSurrogate.test(channel)
  ) {
    throw new FrameRefused('FRAME_INVALID', '/channel is not a name');
  }
  const doc = calmly(() => documentOf(fields, 0));
  const about = { doc, channel };
  if (length > ephemeralFrameLengthMax) {
    throw new FrameRefused('FRAME_INVALID', `what is shown has at most ${ephemeralFrameLengthMax} characters`, about);
  }
  if (message === undefined) throw new FrameRefused('FRAME_INVALID', '/message is missing', about);
  checkMessage(message, about);
  return { t: 'ephemeral', doc, channel, message };
}

/** A refusal that names a document alone would end it. */
function calmly(read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw error instanceof FrameRefused ? new FrameRefused(error.code as ErrorCode, error.message) : error;
  }
}

function documentOf(fields: Fields, n: number): string {
  const { doc } = fields;
  if (typeof doc !== 'string') throw new FrameRefused('FRAME_INVALID', '/doc is not a string');
  try {
    return documentName(doc).name;
  } catch {
    const about = doc.length <= documentNameBytesMax && !loneSurrogate.test(doc) ? { doc, n } : {};
    throw new FrameRefused('DOCUMENT_NAME', '/doc is not space/key in letters, digits and . _ : @ -', about);
  }
}

/** '' stands for none: the document is opened to be read only. */
function sessionOf(fields: Fields): string {
  const { session } = fields;
  if (session === undefined || session === null) return '';
  if (session === 'new') return session;
  if (typeof session === 'string' && sessionPattern.test(session)) return session;
  throw new FrameRefused('FRAME_INVALID', "/session is not 'new' or 32 hex digits", { doc: fields.doc as string });
}

function countOf(fields: Fields, name: string, min: number, about: { doc?: string; n?: number }): number {
  const value = fields[name];
  if (Number.isSafeInteger(value) && (value as number) >= min) return value as number;
  throw new FrameRefused('FRAME_INVALID', `/${name} is not a whole number from ${min}`, about);
}

/** Walks a message within its bounds. What JSON can write and the log cannot keep (1e999, half a surrogate pair) is refused. */
function checkMessage(message: unknown, about: About, root = '/message'): void {
  let valuesLeft = messageValuesMax;
  const visit = (value: unknown, path: string, depth: number): void => {
    valuesLeft -= 1;
    if (valuesLeft < 0) throw new FrameRefused('FRAME_INVALID', `${root} has over ${messageValuesMax} values`, about);
    if (typeof value === 'string') return checkText(value, path, about);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new FrameRefused('FRAME_INVALID', `${path} is not a finite number`, about);
    }
    if (typeof value !== 'object' || value === null) return;
    if (depth > messageDepthMax) throw new FrameRefused('FRAME_INVALID', `${path} is nested too deep`, about);
    for (const [key, part] of Object.entries(value)) {
      checkText(key, path, about);
      if (key === '__proto__') throw new FrameRefused('FRAME_INVALID', `${path}/__proto__ is no field`, about);
      visit(part, `${path}/${key}`, depth + 1);
    }
  };
  visit(message, root, 1);
}

function checkText(text: string, path: string, about: About): void {
  if (loneSurrogate.test(text)) throw new FrameRefused('FRAME_INVALID', `${path} holds half a character`, about);
}

const quote = JSON.stringify;

export function welcomeLine(principal: Principal): Line {
  return { text: `{"t":"welcome","agent":${quote(principal.agent)},"authority":${quote(principal.authority)}}` };
}

export function viewLine(doc: string, session: string, incarnation: string, seq: number, json: string): Line {
  const sessionJson = session === '' ? 'null' : quote(session);
  const head = `{"t":"view","doc":${quote(doc)},"session":${sessionJson},"incarnation":${quote(incarnation)}`;
  return { text: `${head},"seq":${seq},"view":${json}}` };
}

export function answerLine(doc: string, n: number, seq: number, json: string): Line {
  return { text: `{"t":"answer","doc":${quote(doc)},"n":${n},"seq":${seq},"value":${json === '' ? 'null' : json}}` };
}

export function deltaLine(doc: string, seq: number, json: string): Line {
  return { text: `{"t":"delta","doc":${quote(doc)},"seq":${seq},"delta":${json}}` };
}

export function refusedLine(doc: string, n: number, seq: number, code: string, text: string): Line {
  return { text: quote({ t: 'refused', doc, n, seq, code, retry: retryOf(code), text }) };
}

export function shownLine(doc: string, json: string): Line {
  return { text: `{"t":"ephemeral","doc":${quote(doc)},"shown":${json}}` };
}

export function refusedShowLine(doc: string, channel: string, code: string, text: string): Line {
  return { text: quote({ t: 'error', doc, channel, code, retry: retryOf(code), text }) };
}

export function refusedLookLine(doc: string, n: number, code: string, text: string): Line {
  return { text: quote({ t: 'error', doc, about: 'viewer', n, code, retry: retryOf(code), text }) };
}

export function statusLine(doc: string, state: 'waiting' | 'live'): Line {
  return { text: `{"t":"status","doc":${quote(doc)},"state":"${state}"}` };
}

export function closedLine(doc: string): Line {
  return { text: `{"t":"closed","doc":${quote(doc)}}` };
}

export function pongLine(id: number): Line {
  return { text: `{"t":"pong","id":${id}}` };
}

export function errorLine(code: ErrorCode, text: string): Line {
  return { text: quote({ t: 'error', code, retry: retryOf(code), text }) };
}
