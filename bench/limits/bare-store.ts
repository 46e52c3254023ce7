// One LevelDB entry per batch, synced. While a sync runs, what arrives waits and becomes the next write.
import { Level } from 'level';

export type BufferStore = Level<Buffer, Buffer>;

export async function openStore(folder: string): Promise<BufferStore> {
  const store = new Level<Buffer, Buffer>(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    writeBufferSize: 32 << 20,
  });
  await store.open();
  return store;
}

export function keyOf(lsn: number): Buffer {
  const key = Buffer.alloc(10);
  key.writeBigUInt64BE(BigInt(lsn), 2);
  return key;
}

/** Returns a function that queues an entry; `onDurable` hears the last lsn of every write. */
export function startSyncing(
  store: BufferStore,
  onDurable: (lsn: number) => void,
): (lsn: number, value: Buffer) => void {
  let queue: { type: 'put'; key: Buffer; value: Buffer }[] = [];
  let newest = 0;
  let isBusy = false;
  const pump = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    while (queue.length > 0) {
      const operations = queue;
      const last = newest;
      queue = [];
      await store.batch(operations, { sync: true });
      onDurable(last);
    }
    isBusy = false;
  };
  return (lsn, value) => {
    queue.push({ type: 'put', key: keyOf(lsn), value });
    newest = lsn;
    void pump();
  };
}
