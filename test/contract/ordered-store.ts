// What engine/store/port.ts promises, S1 to S5, held against every implementation. A rule that only one store keeps is not a
// rule. What an implementation cannot do is data on the fixture.
import fc from 'fast-check';
import { type Test, test } from 'tap';
import type { OrderedReader, OrderedStore, Put } from '../../engine/store/port.ts';
import { fuzz } from '../fuzz.ts';

export type Fixture = {
  readonly store: OrderedStore;
  /** Closes the store and opens the same bytes again; undefined where nothing outlives it. */
  readonly reopen?: (() => Promise<OrderedStore>) | undefined;
  readonly end: () => Promise<void>;
};

export function checkOrderedStore(name: string, make: () => Promise<Fixture>): void {
  const check = (title: string, run: (t: Test, fixture: Fixture) => Promise<void>): void => {
    test(`${title} (${name})`, async (t) => {
      const fixture = await make();
      try {
        await run(t, fixture);
      } finally {
        await fixture.end();
      }
    });
  };
  check('[S1] all puts of a write are applied, the last of one key wins', checkWrite);
  check('[S1] [S4] [S5] what a write removes is gone, in the order of the write', checkRemove);
  check('[S2] what was written is there after the store is opened again', checkReopen);
  check('[S3] a write to a closed store rejects, and so do reads', checkClosed);
  check('[S4] a value is the last written, and never shares memory with it', checkGet);
  check('[S5] a scan gives the range by rising key, its first included and its end not', checkScan);
  check('[S5] a scan is right for any keys', checkScanAtRandom);
  check('[S7] what was not removed is there when what was is erased', checkCompact);
  check('[S5] a scan comes in pages of bounded size, and can be left early', checkPages);
  check('[S6] a view holds what was there when it was taken, whatever is written later', checkView);
}

async function checkWrite(t: Test, { store }: Fixture): Promise<void> {
  await store.write([put('a', '1'), put('b', '2'), put('a', '3')]);
  t.equal(await textAt(store, 'a'), '3');
  t.equal(await textAt(store, 'b'), '2');
  await store.write([put('b', ''), { key: Uint8Array.of(0), value: Uint8Array.of(0, 255) }]);
  t.equal(await textAt(store, 'b'), '', 'an empty value is a value');
  t.same([...((await store.get(Uint8Array.of(0))) ?? [])], [0, 255]);
}

async function checkRemove(t: Test, { store, reopen }: Fixture): Promise<void> {
  await store.write([put('a', '1'), put('b', '2'), put('c', '3'), remove('b')]);
  t.equal(await textAt(store, 'b'), undefined);
  await store.write([remove('a'), put('a', '4'), remove('c'), remove('never there')]);
  t.equal(await textAt(store, 'a'), '4');
  t.equal(await textAt(store, 'c'), undefined);
  t.same(await keysOf(store, 'a', 'z'), ['a']);
  if (reopen === undefined) return;
  const again = await reopen();
  t.same(await keysOf(again, 'a', 'z'), ['a'], 'for good');
}

async function checkReopen(t: Test, { store, reopen }: Fixture): Promise<void> {
  if (reopen === undefined) {
    t.comment('nothing outlives this store');
    return;
  }
  await store.write([put('a', '1'), put('b', 'x'.repeat(300_000))]);
  const again = await reopen();
  t.equal(await textAt(again, 'a'), '1');
  t.equal((await textAt(again, 'b'))?.length, 300_000);
  t.equal(await textAt(again, 'c'), undefined);
}

async function checkClosed(t: Test, { store }: Fixture): Promise<void> {
  await store.close();
  await t.rejects(store.write([put('a', '1')]));
  await t.rejects(store.get(Buffer.from('a')));
  await t.rejects(keysOf(store, 'a', 'b'));
}

async function checkGet(t: Test, { store }: Fixture): Promise<void> {
  t.equal(await textAt(store, 'a'), undefined);
  const value = Buffer.from('1');
  await store.write([{ key: Buffer.from('a'), value }]);
  value[0] = 0;
  t.equal(await textAt(store, 'a'), '1');
  const read = await store.get(Buffer.from('a'));
  read?.fill(0);
  t.equal(await textAt(store, 'a'), '1');
  await store.write([put('a', '2')]);
  t.equal(await textAt(store, 'a'), '2');
  t.equal(await textAt(store, 'aa'), undefined, 'a key is the whole key');
}

async function checkScan(t: Test, { store }: Fixture): Promise<void> {
  t.same(await keysOf(store, 'a', 'z'), []);
  await store.write(['b', 'a', 'ba', 'c', 'ab', '\u007f'].map((key) => put(key, key.toUpperCase())));
  t.same(await keysOf(store, 'a', 'c'), ['a', 'ab', 'b', 'ba']);
  t.same(await keysOf(store, 'aa', 'b\0'), ['ab', 'b']);
  t.same(await keysOf(store, 'b', 'b'), [], 'an empty range');
  t.same(await keysOf(store, 'c', 'a'), [], 'a range that ends before it begins');
  for await (const page of store.scan(Buffer.from('b'), Buffer.from('bb')))
    t.same(
      page.map(({ value }) => Buffer.from(value).toString()),
      ['B', 'BA'],
    );
}

async function checkCompact(t: Test, { store, reopen }: Fixture): Promise<void> {
  await store.write([put('a', '1'), put('b', '2'), put('c', '3'), put('d', '4')]);
  await store.write([remove('b'), put('c', '5')]);
  await store.compact(Buffer.from('a!'), Buffer.from('c!'));
  await store.compact(Buffer.from('x'), Buffer.from('y'));
  t.same(await keysOf(store, 'a', 'z'), ['a', 'c', 'd']);
  t.equal(await textAt(store, 'c'), '5');
  if (reopen !== undefined) t.same(await keysOf(await reopen(), 'a', 'z'), ['a', 'c', 'd']);
}

async function checkScanAtRandom(t: Test, { store }: Fixture): Promise<void> {
  const key = fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Uint8Array.of(0x77, ...bytes));
  const model = new Map<string, string>();
  const property = fc.asyncProperty(
    fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 8 })), { maxLength: 8 }),
    key,
    key,
    async (puts, from, to) => {
      await store.write(puts.map(([key, value]) => ({ key, value })));
      for (const [key, value] of puts) model.set(hexOf(key), hexOf(value));
      const wanted = [...model].filter(([key]) => key >= hexOf(from) && key < hexOf(to)).sort();
      const found: string[][] = [];
      for await (const page of store.scan(from, to))
        for (const { key, value } of page) found.push([hexOf(key), hexOf(value)]);
      t.strictSame(found, wanted);
    },
  );
  await fc.assert(property, { ...fuzz, numRuns: 100 });
}

async function checkPages(t: Test, { store }: Fixture): Promise<void> {
  const value = new Uint8Array(1024);
  const keyAt = (index: number) => Buffer.from(`${index}`.padStart(6, '0'));
  for (let start = 0; start < 4_000; start += 1_000)
    await store.write(Array.from({ length: 1_000 }, (_, index) => ({ key: keyAt(start + index), value })));
  let entries = 0;
  let largest = 0;
  for await (const page of store.scan(keyAt(0), keyAt(999_999))) {
    entries += page.length;
    largest = Math.max(largest, page.length);
  }
  t.equal(entries, 4_000);
  t.ok(largest <= 2_000, `the largest page held ${largest} of them`);
  for await (const page of store.scan(keyAt(0), keyAt(999_999))) {
    t.ok(page.length > 0);
    break;
  }
  // A scan that was left holds nothing open: a write and another scan go on.
  await store.write([put('zz', '1')]);
  t.same(await keysOf(store, 'zz', 'zzz'), ['zz']);
}

async function checkView(t: Test, { store }: Fixture): Promise<void> {
  await store.write([put('a', '1'), put('b', '1'), put('d', '1')]);
  const [view, other] = [store.view(), store.view()];
  await store.write([put('a', '2'), remove('b'), put('c', '2')]);
  const late = store.view();
  const seen: string[][] = [];
  for (const one of [view, late]) {
    const values = ['a', 'b', 'c', 'd'].map((key) => textAt(one, key));
    seen.push((await Promise.all(values)).map((value) => value ?? '-'));
  }
  t.same(seen, ['11-1'.split(''), '2-21'.split('')]);
  t.same(await keysOf(view, 'a', 'z'), ['a', 'b', 'd']);
  t.same(await keysOf(late, 'a', 'z'), ['a', 'c', 'd']);
  const reading = view.scan(Buffer.from('a'), Buffer.from('z'))[Symbol.asyncIterator]();
  const first = await reading.next();
  await store.write([remove('d')]);
  t.same(
    first.value?.map(({ value }: Put) => Buffer.from(value ?? []).toString()),
    ['1', '1', '1'].slice(0, first.value?.length),
  );
  await reading.return?.();
  await Promise.all([view.close(), late.close()]);
  t.same(await keysOf(other, 'a', 'z'), ['a', 'b', 'd'], 'one that is open does not mind those that are closed');
  await other.close();
  t.same(await keysOf(store, 'a', 'z'), ['a', 'c']);
  await store.close();
  t.throws(() => store.view());
}

function remove(key: string): Put {
  return { key: Buffer.from(key), value: undefined };
}

function put(key: string, value: string): Put {
  return { key: Buffer.from(key), value: Buffer.from(value) };
}

async function textAt(store: OrderedReader, key: string): Promise<string | undefined> {
  const value = await store.get(Buffer.from(key));
  return value === undefined ? undefined : Buffer.from(value).toString();
}

async function keysOf(store: OrderedReader, from: string, to: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of store.scan(Buffer.from(from), Buffer.from(to)))
    for (const { key } of page) keys.push(Buffer.from(key).toString());
  return keys;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
