// What one thread can sync through LevelDB: batches of 1, 8, 64 and 512 entries, awaited one after the other.
import type { Context, MeasureRow } from '../measure.ts';
import { row } from '../measure.ts';
import { onStage } from '../processes.ts';
import { keyOf, openStore } from './bare-store.ts';

const entriesPerBatch = [1, 8, 64, 512];
const valueBytes = 268;

export function measureLeveldb({ secondsPerPoint, progress }: Context): Promise<MeasureRow[]> {
  return onStage(async (stage) => {
    const store = await openStore(stage.folder());
    stage.onRelease(() => store.close());
    const value = Buffer.alloc(valueBytes, 'x');
    const rows: MeasureRow[] = [];
    let lsn = 0;
    for (const entries of entriesPerBatch) {
      let count = 0;
      const startMs = performance.now();
      while (performance.now() - startMs < secondsPerPoint * 1000) {
        const operations = Array.from({ length: entries }, () => {
          lsn += 1;
          return { type: 'put' as const, key: keyOf(lsn), value };
        });
        await store.batch(operations, { sync: true });
        count += entries;
      }
      const perSecond = count / ((performance.now() - startMs) / 1000);
      const what = `LevelDB, synced batches of ${entries} x ${valueBytes} B`;
      progress(`L1.${entries}  ${what}: ${Math.round(perSecond)} entries/s`);
      rows.push(row({ id: `L1.${entries}`, what, value: perSecond, unit: 'entries/s' }));
    }
    return rows;
  });
}
