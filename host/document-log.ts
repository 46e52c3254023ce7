// What a host's log says of documents: names, and what an application threw; never what a document holds.
import type { Logger } from 'pino';
import type { CodedError } from '../engine/base/errors.ts';
import { unreadableToldMax } from '../engine/base/limits.ts';
import { packThrown, unpackThrown } from './workers/document-wire.ts';

export function failureLogger(log: Logger): (document: string, channel: string, err: unknown) => void {
  return (document, channel, failure) =>
    log.warn({ document, channel, err: sayable(failure) }, 'the application failed');
}

/** What was thrown, as a log may look at it: an application can throw what throws again when it is looked at. */
export function sayable(thrown: unknown): unknown {
  return unpackThrown(packThrown(thrown));
}

/** Said once of each. An older snapshot in place of a newer one looks like this too, and a walk tells the two apart (E11). */
export function unreadableLogger(log: Logger, askScrub: () => void): (document: string, err: CodedError) => void {
  const told = new Set<string>();
  return (document, err) => {
    if (told.has(document) || told.size >= unreadableToldMax) return;
    told.add(document);
    log.error({ document, err }, 'a document cannot be made of what is stored of it; others go on');
    askScrub();
  };
}
