// What is asked for of an agenda: a patch and its exact way back.
import fc from 'fast-check';
import { test } from 'tap';
import type { Json, JsonObject } from '../../engine/base/merge-patch.ts';
import type { Group, Root } from '../../engine/document/life/agenda.ts';
import { mergeInPlace } from '../../engine/document/life/merge-in-place.ts';
import { Staged } from '../../engine/document/life/staged.ts';

const places: readonly (readonly [Root, Group])[] = [
  ['@wake', 'due'],
  ['@wake', 'every'],
  ['@wake', 'out'],
  ['@wake', 'here'],
  ['@life', 'out'],
  ['@life', 'from'],
];
const value = fc.oneof(
  fc.constant(undefined),
  fc.nat(3),
  fc.constant(true),
  fc.dictionary(fc.constantFrom('at', 'name', 'arg'), fc.nat(2), { minKeys: 1, noNullPrototype: true }),
);
const set = fc.record({ place: fc.constantFrom(...places), key: fc.constantFrom('a', 'b', 'c'), value });
const steps = fc.array(fc.array(set, { maxLength: 8 }), { maxLength: 8 });

/** The entries that there are, whatever stands around them. */
function entriesOf(state: JsonObject): Map<string, Json> {
  const found = new Map<string, Json>();
  for (const [root, groups] of Object.entries(state)) {
    for (const [group, keys] of Object.entries(groups as JsonObject)) {
      for (const [key, one] of Object.entries(keys as JsonObject)) found.set(`${root} ${group} ${key}`, one);
    }
  }
  return found;
}

function isBare(state: JsonObject): boolean {
  return Object.values(state).every(
    (groups) =>
      Object.keys(groups as JsonObject).length > 0 &&
      Object.values(groups as JsonObject).every((keys) => Object.keys(keys as JsonObject).length > 0),
  );
}

test('[D7] [D45] what is staged is made by redo and taken back by undo exactly, and nothing empty stays', (t) => {
  const runs = fc.property(steps, (rounds) => {
    const state: JsonObject = {};
    const entries = new Map<string, Json>();
    for (const round of rounds) {
      const before = structuredClone(state);
      const staged = new Staged(state);
      for (const { place, key, value: one } of round) {
        const [root, group] = place;
        staged.set(root, group, key, one);
        if (one === undefined) entries.delete(`${root} ${group} ${key}`);
        else entries.set(`${root} ${group} ${key}`, one);
        const size = [...entries.keys()].filter((path) => path.startsWith(`${root} ${group} `)).length;
        t.equal(staged.sizeOf(root, group), size);
      }
      const change = staged.change();
      if (change === undefined) continue;
      mergeInPlace(state, change.redo);
      const after = structuredClone(state);
      mergeInPlace(state, change.undo);
      t.strictSame(state, before);
      mergeInPlace(state, change.redo);
      t.strictSame(state, after);
      t.strictSame(entriesOf(state), entries);
      t.ok(isBare(state), JSON.stringify(state));
    }
  });
  fc.assert(runs, { numRuns: 200 });
  t.end();
});
