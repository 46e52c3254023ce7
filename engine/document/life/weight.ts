// What a document takes in memory, about: for a budget, not for a bill.
import { documentWeightMin, sessionWeight } from '../../base/limits.ts';
import type { Resident } from '../resident.ts';

/** Objects take some times what their JSON does: keys and values of a state each have a head and a place in a table. Answers are text. */
const bytesPerUnit = 4;
const bytesPerTextUnit = 2;

export function weightOf({ length, sessions }: Resident): number {
  return (
    documentWeightMin +
    length * bytesPerUnit +
    sessions.byId.size * sessionWeight +
    sessions.answersLength * bytesPerTextUnit
  );
}
