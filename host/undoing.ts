// What a client wants undone, found among the updates that are kept of its document.
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import { UpdateReader } from '../engine/document/life/history.ts';
import type { Update } from '../engine/document/life/update.ts';
import type { BackReader } from '../engine/store/documents.ts';

/** Undefined where it is not kept. MESSAGE_INVALID where the message names none; else as Desk.readBack. */
export async function findUpdate(
  message: unknown,
  readBack: (reader: BackReader) => Promise<void>,
): Promise<Update | undefined> {
  const seq: unknown = (message as { readonly seq?: unknown } | null)?.seq;
  if (!Number.isSafeInteger(seq) || (seq as number) < 1) {
    throw new CodedError('MESSAGE_INVALID', 'seq: it is not the seq of an update');
  }
  const reader = new UpdateReader(seq as number);
  await readBack(reader);
  return reader.update;
}

/** Tells of an error that has a code, and throws on what we did wrong. */
export function refusing(refuse: (code: ErrorCode, text: string) => void): (cause: unknown) => void {
  return (cause) => {
    if (!(cause instanceof CodedError)) throw cause;
    refuse(cause.code, cause.message);
  };
}
