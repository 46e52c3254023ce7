// Mutants of the kit for users' own tests: one that checks less than it says lets through what its users rely on it to find.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const document = 'host/testing/document.js';

export const testingMutants: readonly Mutant[] = [
  one('D31', 'tells a viewer what his kind hears too', document, 'if (told.has(viewer))', 'if (false)'),
  one('D31', 'forgets of which kind a viewer is', document, 'seat.kind = delta.kind;', ''),
  one('D31', 'believes every view', document, 'if (difference === undefined)', 'if (true)'),
  one('D31', 'believes what a policy remembers', document, 'viewOf(fresh, viewer.who)', 'viewOf(resident, viewer.who)'),
  one('D31', 'opens nothing again', document, 'this.#reopen(viewer, seat);', ''),
  one('D31', 'holds the clock', document, 'this.#nowMs = end;', ''),
  one('D31', 'keeps failures to itself', document, 'this.#noteFailures();', ''),
  one('D31', 'counts what only a check asked', document, 'takeFailures(resident);', ''),
  one('D31', 'hands out views that can be changed', 'host/testing/values.js', 'Object.freeze(value);', ''),
  one('D31', 'hides what a handler threw', 'host/testing/viewer.js', 'attempt.cause', 'undefined'),
];
