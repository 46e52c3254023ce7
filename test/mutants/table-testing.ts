// Mutants of the kit for users' own tests: one that checks less than it says lets through what its users rely on it to find.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const seat = 'host/testing/seat.js';
const document = 'host/testing/document.js';

export const testingMutants: readonly Mutant[] = [
  one('D31', 'tells a viewer what his kind hears too', seat, 'if (told.has(viewer))', 'if (false)'),
  one('D31', 'forgets of which kind a viewer is', seat, 'seat.kind = delta.kind;', ''),
  one('D31', 'believes every view', seat, 'if (difference !== undefined)', 'if (false)'),
  one(
    'D31',
    'believes what a policy remembers',
    seat,
    'viewOf(fresh, viewer.who, look)',
    'viewOf(resident, viewer.who, look)',
  ),
  one('D31', 'opens nothing again', document, 'this.#reopen(viewer, seat, mayDiffer);', ''),
  one('D31', 'holds the clock', document, 'this.#nowMs = end;', ''),
  one('D31', 'keeps failures to itself', document, 'this.#noteFailures();', ''),
  one('D31', 'counts what only a check asked', document, 'takeFailures(resident);', ''),
  one('D31', 'hands out views that can be changed', 'host/testing/values.js', 'Object.freeze(value);', ''),
  one('D31', 'hides what a handler threw', 'host/testing/viewer.js', 'attempt.cause', 'undefined'),
];
