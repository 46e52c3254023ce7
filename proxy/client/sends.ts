// One message on its way: its frame, and why it may not leave at all.
import { frameBytesMax, isOver, RefusedError, sendsQueuedMax } from './frames.ts';
import type { Answer, DocumentStatus } from './words.ts';

export type Send = {
  readonly channel: string;
  /** The message as JSON. */
  readonly body: string;
  readonly resolve: (answer: Answer<never>) => void;
  readonly reject: (error: RefusedError) => void;
  n: number;
};

type Sender = { readonly doc: string; readonly status: DocumentStatus; readonly isReadOnly: boolean };

/** `queued`: how many wait. */
export function refusalOf(
  { doc, status, isReadOnly }: Sender,
  channel: string,
  body: string | undefined,
  queued: number,
): RefusedError | undefined {
  if (status === 'closed') return new RefusedError('DOCUMENT_NOT_OPEN', 'never', 'the document was closed');
  if (isReadOnly) return new RefusedError('DOCUMENT_READ_ONLY', 'never', 'the document was opened to be read');
  if (body === undefined) return new RefusedError('FRAME_INVALID', 'never', 'a message is a JSON value');
  const longest = Number.MAX_SAFE_INTEGER;
  if (isOver(sendLine(doc, longest, longest, channel, body), frameBytesMax)) {
    return new RefusedError('FRAME_TOO_BIG', 'never', `a frame has at most ${frameBytesMax} bytes`);
  }
  if (queued < sendsQueuedMax) return undefined;
  return new RefusedError('LIMIT_REACHED', 'later', `${sendsQueuedMax} sends wait already`);
}

export function sendLine(doc: string, n: number, done: number, channel: string, body: string): string {
  const head = `{"t":"send","doc":${JSON.stringify(doc)},"n":${n},"done":${done}`;
  return `${head},"channel":${JSON.stringify(channel)},"message":${body}}`;
}
