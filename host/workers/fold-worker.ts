// Runs in a worker thread: makes snapshots out of updates. Bytes come in and go out; nothing else is shared.
import { foldDocument } from '../../engine/document/snapshot.ts';
import type { FoldResult, FoldTask } from '../../engine/store/folding.ts';

/** Each result has memory of its own: the encoder's is shared, and would be copied whole with every one. */
export default function fold(tasks: readonly FoldTask[]): FoldResult[] {
  return tasks.map((task) => {
    const { state, deleted } = foldDocument(task.state, task.sections);
    const kept = deleted === undefined ? undefined : { ...deleted, updates: new Uint8Array(deleted.updates) };
    return { state: state === undefined ? undefined : new Uint8Array(state), deleted: kept };
  });
}
