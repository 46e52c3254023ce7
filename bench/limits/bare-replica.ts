// A child process: the middle or the tail of the bare chain. It forwards before it syncs, and acknowledges what is synced
// here and, in the middle, acknowledged below.
import { createServer, type Socket } from 'node:net';
import { answerParent } from '../processes.ts';
import { dial, listen } from './bare-socket.ts';
import { openStore, startSyncing } from './bare-store.ts';
import { frame, noPayload, readFrames } from './bare-wire.ts';

/** `belowPort` is null at the tail; `port` may be 0 for any. */
export type ReplicaOptions = { readonly folder: string; readonly port: number; readonly belowPort: number | null };

answerParent({ start });

async function start({ folder, port, belowPort }: ReplicaOptions): Promise<number> {
  const store = await openStore(folder);
  const below = belowPort === null ? undefined : await dial(belowPort);
  let above: Socket | undefined;
  let durable = 0;
  let ackedBelow = 0;
  let acked = 0;
  const advance = (): void => {
    const through = below === undefined ? durable : Math.min(durable, ackedBelow);
    if (through <= acked) return;
    acked = through;
    above?.write(frame(through, noPayload));
  };
  const sync = startSyncing(store, (lsn) => {
    durable = lsn;
    advance();
  });
  if (below !== undefined) {
    readFrames(below, (lsn) => {
      ackedBelow = lsn;
      advance();
    });
  }
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    above = socket;
    readFrames(socket, (lsn, payload) => {
      below?.write(frame(lsn, payload));
      sync(lsn, Buffer.from(payload));
    });
  });
  return listen(server, port);
}
