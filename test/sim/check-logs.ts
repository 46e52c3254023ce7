// C7 at the end: the logs of all that serve a chain are one history, and what they hold reads back.

import type { ChainId } from '../../engine/base/ids.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import type { Update } from '../../engine/document/life/update.ts';
import { decodeSection } from '../../engine/document/life/update.ts';
import type { OpenedRecord } from '../../engine/store/format.ts';
import { sectionsOf } from '../../engine/store/format.ts';
import { mergeInPlace } from './state.ts';
import type { World } from './world.ts';

/** The updates of every document, in order: number 1 comes first. */
export type Documents = ReadonlyMap<string, readonly Update[]>;

/** Finds what differs, and returns what the heads hold. */
export function checkLogs(world: World): Documents {
  for (const [chain, { members, head }] of world.claims) {
    const reference = members.has(head) ? logOf(world, chain, head) : [];
    for (const id of members.keys()) compare(world, chain, head, reference, id, logOf(world, chain, id));
  }
  return documentsIn(world);
}

/** What the heads hold, also while something is on its way to the others. */
export function documentsIn(world: World): Documents {
  const documents = new Map<string, Update[]>();
  for (const [chain, { members, head }] of world.claims) {
    if (members.has(head)) for (const record of logOf(world, chain, head)) collect(world, documents, record);
  }
  return documents;
}

function logOf({ machines }: World, chain: ChainId, host: string): readonly OpenedRecord[] {
  return machines.find(({ id }) => id === host)?.logOf(chain) ?? [];
}

function compare(
  world: World,
  chain: number,
  head: string,
  reference: readonly OpenedRecord[],
  id: string,
  log: readonly OpenedRecord[],
): void {
  const differs = reference.findIndex(({ hash }, index) => log[index]?.hash !== hash);
  const found = (text: string): void => world.history.find('logs', `chain ${chain}: ${text}`);
  if (differs !== -1) found(`${id} has another record ${differs + 1} than ${head}, or none, of ${reference.length}`);
  else if (log.length !== reference.length) found(`${id} has ${log.length} records, ${head} ${reference.length}`);
  log.forEach(({ lsn, epoch }, index) => {
    if (lsn !== index + 1) found(`${id} has record ${lsn} in place ${index + 1}`);
    const before = log[index - 1]?.epoch ?? 0;
    if (epoch < before) found(`${id} has a record of e${epoch} behind one of e${before}`);
  });
}

function collect(world: World, documents: Map<string, Update[]>, record: OpenedRecord): void {
  for (const { name, bytes, seqFirst } of sectionsOf(record)) {
    const updates = documents.get(name) ?? [];
    documents.set(name, updates);
    if (seqFirst !== updates.length + 1)
      world.history.find('logs', `record ${record.lsn} goes on with ${name} at ${seqFirst}, not ${updates.length + 1}`);
    for (const update of decodeSection(bytes)) {
      updates.push(update);
      if (update.seq !== updates.length)
        world.history.find('logs', `${name} has update ${update.seq} in a wrong place`);
    }
  }
}

/** Walks the states of a document: `visit` is called before the first update and after each. */
export function replay(updates: readonly Update[], visit: (seq: number, state: JsonObject) => void): void {
  const state: JsonObject = {};
  visit(0, state);
  for (const update of updates) {
    mergeInPlace(state, update.redo);
    visit(update.seq, state);
  }
}
