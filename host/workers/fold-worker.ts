// Runs in a worker thread: makes snapshots out of updates. Bytes come in and go out; nothing else is shared.
import { foldSections } from '../../engine/document/snapshot.ts';
import type { FoldTask } from '../../engine/store/folding.ts';

/** Each result has memory of its own: the encoder's is shared, and would be copied whole with every one. */
export default function fold(tasks: readonly FoldTask[]): Uint8Array[] {
  return tasks.map(({ state, sections }) => new Uint8Array(foldSections(state, sections)));
}
