// Reads are linearizable, document by document. The log gives every write its place; so a read at seq s must not miss what was
// answered or read before it began, must not show what was sent only after it ended, and must show exactly the state at s.

import { hexOf } from '../../engine/document/life/hex.ts';
import { noLook } from '../../engine/document/view/look.ts';
import { Viewers } from '../../engine/document/view/viewers.ts';
import type { Documents } from './check-logs.ts';
import { replay } from './check-logs.ts';
import type { ReadRecord } from './history.ts';
import { ledgerPlan } from './ledger.ts';
import { isSame } from './state.ts';
import type { World } from './world.ts';

type Known = { readonly atMs: number; readonly seq: number; readonly what: string };

export function checkReads(world: World, documents: Documents): void {
  for (const doc of world.docs) {
    const reads = world.history.reads.filter((read) => read.doc === doc);
    checkRealTime(world, doc, reads);
    const begun = documents.get(doc)?.[0];
    const incarnation = begun === undefined ? '' : hexOf(begun.id);
    for (const read of reads) {
      if (read.incarnation !== incarnation)
        found(world, `${read.client} saw incarnation ${read.incarnation} of ${doc}`);
    }
    checkShown(world, doc, documents);
  }
}

function checkRealTime(world: World, doc: string, reads: readonly ReadRecord[]): void {
  const sends = world.history.sends.filter((send) => send.doc === doc);
  const known: Known[] = sends.flatMap(({ value, outcome }) =>
    outcome.kind === 'answered' ? [{ atMs: outcome.atMs, seq: outcome.seq, what: `the answer to ${value}` }] : [],
  );
  for (const { endedMs, seq, client } of reads) known.push({ atMs: endedMs, seq, what: `a read of ${client}` });
  known.sort((a, b) => a.atMs - b.atMs);
  const begun = reads.flatMap((read) => (read.beganMs === undefined ? [] : [{ ...read, beganMs: read.beganMs }]));
  begun.sort((a, b) => a.beganMs - b.beganMs);
  let next = 0;
  let highest: Known = { atMs: 0, seq: 0, what: '' };
  for (const { client, beganMs, endedMs, seq } of begun) {
    for (; (known[next]?.atMs ?? Number.POSITIVE_INFINITY) < beganMs; next += 1) {
      const one = known[next];
      if (one !== undefined && one.seq > highest.seq) highest = one;
    }
    if (seq < highest.seq) {
      found(
        world,
        `${client} reads ${doc} at seq ${seq} from ${beganMs} ms on, after ${highest.what} at ${highest.seq}`,
      );
    }
    for (const { value, sentMs, outcome } of sends) {
      if (outcome.kind === 'answered' && sentMs > endedMs && outcome.seq <= seq) {
        found(world, `${client} read ${doc} at seq ${seq} before ${value} was sent, which stands at ${outcome.seq}`);
      }
    }
  }
}

/** What stood on a screen at seq s is what its viewer may see of the state at s: nothing missed, nothing shown twice. */
function checkShown(world: World, doc: string, documents: Documents): void {
  const shown = world.history.shown.filter((one) => one.doc === doc).sort((a, b) => a.seq - b.seq);
  const updates = documents.get(doc) ?? [];
  let next = 0;
  replay(updates, (seq, state) => {
    for (; shown[next]?.seq === seq; next += 1) {
      const one = shown[next];
      if (one !== undefined && !isSame(new Viewers(ledgerPlan, state).viewOf(one.who, noLook), one.view)) {
        world.history.find('views', `${one.client} saw at ${one.atMs} ms another ${doc} than that of seq ${seq}`);
      }
    }
  });
  const ahead = shown[next];
  if (ahead !== undefined) {
    world.history.find('views', `${ahead.client} saw ${doc} at seq ${ahead.seq}, and it ends at ${updates.length}`);
  }
}

function found(world: World, text: string): void {
  world.history.find('reads', text);
}
