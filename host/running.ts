// What a desk asks of the documents that it holds, wherever they run: in the loop of its host (held.ts), or in threads beside it
// (workers/document-pool.ts). Whatever goes in and comes out is plain data. Commands to one document are carried out in the order in which they
// were asked, and their results come in that order: at once, or later. The desk cannot tell which.
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { DocumentName, Principal } from '../engine/base/ids.ts';
import type { EventsPlan } from '../engine/document/definition/definition.ts';
import type {
  Former,
  Letter,
  LookRefused,
  OpenRequest,
  Reply,
  SendRequest,
  ShowRefused,
  ShowRequest,
  Task,
  TaskResult,
  Ungranted,
  ViewDelta,
  ViewShown,
} from '../engine/document/document.ts';
import type { Update } from '../engine/document/life/update.ts';
import type { Claim, QuotaState } from '../engine/document/quota/claim.ts';
import type { Stored } from '../engine/store/documents.ts';

/** What is done to a document beside its messages: an operator's rewind, or its end. */
export type Deed =
  | { readonly kind: 'rewind'; readonly to: Former; readonly who: Principal }
  /** `isAsked`: a viewer wants it, and the definition is asked. */
  | {
      readonly kind: 'delete';
      readonly who: Principal;
      readonly isAsked?: boolean;
      /** What its accounts know of; else, where it has some, nothing is done and it is `ungranted`. */
      readonly told?: Claim;
    };

export type Command =
  /**
   * Before all others. What is of an older version of its definition is migrated, unless there is a reason why nothing new may be written. It fails
   * with DOCUMENT_UNREADABLE, DOCUMENT_NEWER, MIGRATION_FAILED and ENGINE_FULL. `returnByMs`: until when those who were there may come back, in ms since
   * 1970.
   */
  | {
      readonly kind: 'load';
      readonly stored: Stored;
      readonly full?: string | undefined;
      readonly returnByMs: number;
    }
  /** Stands for a document that cannot be made, so that it can be deleted. */
  | { readonly kind: 'ruin'; readonly stored: Stored; readonly returnByMs: number }
  | ({ readonly kind: 'open' } & OpenRequest)
  /** For a view of a document that was lost, and read again. */
  | ({ readonly kind: 'reopen' } & Pick<OpenRequest, 'who' | 'look'>)
  /** One view of this viewer looks at something else. */
  | { readonly kind: 'look'; readonly viewer: number; readonly state: unknown }
  | { readonly kind: 'send'; readonly request: SendRequest }
  /** Of whoever views it. Also asked with none, to be told what is shown no more. */
  | { readonly kind: 'show'; readonly shows: readonly ShowRequest[] }
  /** A message whose handler is not to run (again): `code` is written as its refusal. */
  | { readonly kind: 'refuse'; readonly request: SendRequest; readonly code: ErrorCode; readonly text: string }
  /** A message that undoes one: `former` is its update, where that is kept. */
  | { readonly kind: 'undo'; readonly request: SendRequest; readonly former: Update | undefined }
  /** Time went by: the first thing that is due happens. */
  | { readonly kind: 'tick' }
  /** What was due under this number did not end, and is over without its code. */
  | { readonly kind: 'pass'; readonly due: number }
  /** What became of a task that this incarnation of it asked for. `isStopped`: what hears of it did not end last time, and is not run. */
  | {
      readonly kind: 'settle';
      readonly incarnation: string;
      readonly n: number;
      readonly result: TaskResult;
      readonly isStopped?: boolean;
    }
  /** Another document sends it a message. */
  | { readonly kind: 'letter'; readonly letter: Letter; readonly isStopped?: boolean; readonly grant?: Claim }
  /** What its accounts made of what it claimed. */
  | { readonly kind: 'resize'; readonly claim: Claim; readonly isGranted: boolean }
  /** All tasks that it waits for are wanted again. */
  | { readonly kind: 'tasks' }
  | Deed;

export type Outcome =
  | { readonly kind: 'done' }
  /** `viewer` and `viewerKind` are the ids of both in this document in memory. */
  | {
      readonly kind: 'opened';
      readonly viewer: number;
      readonly viewerKind: number;
      readonly session: string;
      readonly incarnation: string;
      readonly json: string;
      /** What others show him. */
      readonly shown: string;
      /** He looks at what who says nothing does. */
      readonly lookRefused: LookRefused | undefined;
    }
  /** The view is one of this viewer now; `json` is the delta for it alone, or ''. Refused, it is one of the viewer that it was. */
  | {
      readonly kind: 'looked';
      readonly viewer: number;
      readonly viewerKind: number;
      readonly json: string;
      readonly refused: LookRefused | undefined;
    }
  | { readonly kind: 'shown'; readonly refused: readonly ShowRefused[] }
  | { readonly kind: 'answered'; readonly n: number; readonly seq: number; readonly json: string }
  /** `n` is 0 where a view is not opened. */
  | {
      readonly kind: 'refused';
      readonly n: number;
      readonly seq: number;
      readonly code: string;
      readonly text: string;
    }
  | { readonly kind: 'replied'; readonly reply: Reply }
  /** Nothing was done: the accounts of its quota are to be asked first. */
  | Ungranted
  /** Nothing was done. */
  | { readonly kind: 'failed'; readonly error: CodedError };

/** What the application's code threw, and where: for its log. */
export type Failure = { readonly where: string; readonly failure: unknown };

/** What came of a command. */
export type Ran = {
  readonly outcome: Outcome;
  /** To be written before any of the rest leaves; the first has the number `seqFirst`. */
  readonly updates: readonly Uint8Array[];
  readonly seqFirst: number;
  readonly deltas: readonly ViewDelta[];
  /** To be told behind the deltas. */
  readonly shown: readonly ViewShown[];
  /** To be carried out when the updates are committed, for this incarnation of the document. */
  readonly tasks: readonly Task[];
  readonly incarnation: string;
  readonly failures: readonly Failure[];
  /** Of the document after it: its seq, and about what it takes in memory. */
  readonly seq: number;
  readonly weight: number;
  /** When something is due in it next, in ms since 1970; undefined where nothing is. */
  readonly wakeMs: number | undefined;
  /** What it counts for, where it has a quota. */
  readonly quota: QuotaState | undefined;
};

/** Has a document in memory, or read from disk for it, carry a command out: one of the two is called, unless the desk stops before. */
export type AskDocument = (
  name: string,
  command: Command,
  done: (ran: Ran) => void,
  refused: (error: CodedError) => void,
) => void;

/** A command whose result has not come. */
export type Asked = { readonly command: Command; readonly then: (ran: Ran) => void };

/** Where it ran it is no more, with all that it did and nobody heard of. */
export type Lost = {
  /** In order. */
  readonly pending: readonly Asked[];
  /** One of these: it was at work when that happened, and is to be blamed. */
  readonly stopped: Asked | undefined;
  /** Of a tick that is to be blamed: the number of what was due. */
  readonly due: number;
};

/** One document in memory. */
export interface Running {
  readonly seq: number;
  readonly weight: number;
  /** Commands whose results have not come. */
  readonly pending: number;
  ask(command: Command, then: (ran: Ran) => void): void;
  /** One view less of this viewer. */
  close(viewer: number): void;
  /** It leaves memory. No result of it comes any more: returns, in order, what waits for one. */
  drop(): readonly Asked[];
}

export interface Runner {
  /** Too much waits: whoever asks is refused. */
  readonly hasRoom: boolean;
  has(space: string): boolean;
  /** What happens to documents of a space without messages; undefined where there is no such space. */
  eventsOf(space: string): EventsPlan | undefined;
  /** It stopped its thread again and again: viewers are refused for a while (D33). */
  rests(document: string): boolean;
  /** To be loaded first. `onLost` ends what was begun here. */
  begin(name: DocumentName, onLost: (lost: Lost) => void): Running;
}

/** What comes of a command that was not carried out. */
export function unrun(command: Command, code: ErrorCode, text: string): Ran {
  const outcome = outcomeOf(command, code, text);
  const nothing = { updates: [], deltas: [], shown: [], tasks: [], failures: [] };
  return { outcome, ...nothing, seqFirst: 0, incarnation: '', seq: 0, weight: 0, wakeMs: undefined, quota: undefined };
}

function outcomeOf(command: Command, code: ErrorCode, text: string): Outcome {
  if (command.kind === 'open' || command.kind === 'reopen') return { kind: 'refused', n: 0, seq: 0, code, text };
  if ('request' in command) return { kind: 'refused', n: command.request.n, seq: 0, code, text };
  return { kind: 'failed', error: new CodedError(code, text) };
}
