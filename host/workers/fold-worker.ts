// Runs in a worker thread: makes snapshots out of updates. Bytes come in and go out; nothing else is shared.
import { foldDocument } from '../../engine/document/life/snapshot.ts';
import type { FoldResult, FoldTask } from '../../engine/store/folding.ts';

/** Each result has memory of its own: the encoder's is shared, and would be copied whole with every one. */
export default function fold(tasks: readonly FoldTask[]): FoldResult[] {
  return tasks.map((task) => {
    const { state, deleted } = foldDocument(task.state, task.sections);
    return { state: state === undefined ? undefined : new Uint8Array(state), deleted: deleted && ownedOf(deleted) };
  });
}

function ownedOf({ seq, pieces }: NonNullable<FoldResult['deleted']>): FoldResult['deleted'] {
  return { seq, pieces: pieces.map((piece) => ({ ...piece, updates: new Uint8Array(piece.updates) })) };
}
