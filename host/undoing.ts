// What a client wants undone, found among the updates that are kept of its document.
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import { UpdateReader } from '../engine/document/life/history.ts';
import type { Update } from '../engine/document/life/update.ts';
import type { BackReader } from '../engine/store/documents.ts';
import type { Attached, SendRequest } from './front.ts';
import type { Command, Ran } from './running.ts';
import type { Kept, Waiting } from './shelf.ts';

export type UndoingParts = {
  /** To be called when a view's sends are to wait; what comes back ends that. */
  readonly begin: (attached: Attached) => () => void;
  readonly back: (name: string, reader: BackReader) => Promise<void>;
  readonly with: (name: string, waiting: Waiting) => void;
  readonly sent: (attached: Attached, ran: Ran) => void;
  readonly fatal: (cause: unknown) => void;
};

/** What is to be undone is read from the store, and then the document is asked. Whatever is sent behind it waits. */
export function undo(parts: UndoingParts, attached: Attached, request: SendRequest, refuse: Waiting['refuse']): void {
  const { name, who, session } = attached;
  const end = parts.begin(attached);
  const ask = (former: Update | undefined): void => {
    const command: Command = { kind: 'undo', request: { who, session, ...request }, former };
    const run = ({ document }: Kept): void => document.ask(command, (ran) => parts.sent(attached, ran));
    parts.with(name, { run, refuse });
  };
  findUpdate(request.message, (reader) => parts.back(name, reader))
    .then(ask, refusing(refuse))
    .finally(end)
    .catch(parts.fatal);
}

/** Undefined where it is not kept. MESSAGE_INVALID where the message names none; else as DeskReads.back. */
async function findUpdate(
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
