// What a host remembers of its store in a file of its own (E5).
import t from 'tap';
import { encodeSlot, readWatermark, slotEvery } from '../../engine/store/watermark.ts';

const storeId = 'a1'.repeat(16);

/** A file with these serials in its slots. */
function fileOf(first: number | undefined, second: number | undefined): Uint8Array {
  const file = new Uint8Array(2 * slotEvery);
  if (first !== undefined) file.set(encodeSlot({ storeId, serial: first }), 0);
  if (second !== undefined) file.set(encodeSlot({ storeId, serial: second }), slotEvery);
  return file;
}

t.test('[E5] the higher of two slots holds, whichever it is, and one alone', async (t) => {
  t.same(readWatermark(fileOf(7, 8)), { storeId, serial: 8 });
  t.same(readWatermark(fileOf(9, 8)), { storeId, serial: 9 });
  t.same(readWatermark(fileOf(undefined, 8)), { storeId, serial: 8 });
  t.same(readWatermark(fileOf(9, undefined)), { storeId, serial: 9 });
});

t.test('[E5] any one byte of a slot that is wrong leaves the other slot, and two leave nothing', async (t) => {
  const length = encodeSlot({ storeId, serial: 9 }).length;
  for (let at = 0; at < length; at += 1) {
    const file = fileOf(8, 9);
    file[slotEvery + at] = (file[slotEvery + at] ?? 0) ^ 0x40;
    t.same(readWatermark(file), { storeId, serial: 8 });
    file[at] = (file[at] ?? 0) ^ 0x40;
    t.throws(() => readWatermark(file), { code: 'ENGINE_CORRUPT' });
  }
  for (const bytes of [0, 1, 2, 10, 40])
    t.throws(() => readWatermark(fileOf(8, 9).subarray(0, bytes)), { code: 'ENGINE_CORRUPT' });
});
