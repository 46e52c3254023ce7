// The house rules, held against our own source; and each rule seen to fail on a planted file, since a check that was never
// seen to fail checks nothing.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { checkCycles, checkImports, describeTable } from './tidy/imports.ts';
import { checkPurity } from './tidy/purity.ts';
import { checkRules, rulesIn } from './tidy/rules.ts';
import { checkPlaces, checkSizes } from './tidy/sizes.ts';
import { listFiles, parse, readSources } from './tidy/sources.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const paths = listFiles(root);
const sources = readSources(root, paths);
const specPath = join(root, 'SPEC.md');

test('rooms import what the table allows, and no file leads back to itself', async (t) => {
  t.comment(describeTable());
  t.ok(sources.length > 10, `${sources.length} files were read`);
  holdsNothing(t, checkImports(sources), 'imports');
  holdsNothing(t, checkCycles(sources), 'cycles');
});

test('pure rooms touch nothing of the world', async (t) => {
  holdsNothing(t, checkPurity(sources), 'worldly words');
});

test('files and functions stay short, and lie where they belong', async (t) => {
  holdsNothing(t, checkSizes(sources), 'sizes');
  holdsNothing(t, checkPlaces(paths), 'places');
});

test('every rule of the specification has a test', {
  skip: existsSync(specPath) ? false : 'no SPEC.md yet',
}, async (t) => {
  const tests = sources.filter(({ path }) => path.startsWith('test/') || path.startsWith('bench/faults/'));
  holdsNothing(t, checkRules(readFileSync(specPath, 'utf8'), tests), 'rules');
});

test('planted imports are found', async (t) => {
  const refused = (path: string, text: string) => checkImports([parse(path, text)]);
  const plants: readonly (readonly [path: string, text: string, finding: string])[] = [
    [
      'chain/a.ts',
      `import { loop } from '../host/loop.ts';`,
      'chain/a.ts:1 imports ../host/loop.ts: chain may not know host/loop.ts',
    ],
    ['chain/a.ts', `\nimport type { X } from '../proxy/proxy.ts';`, 'chain may not know proxy/proxy.ts'],
    ['chain/a.ts', `export * from '../engine/store/log.ts';`, 'chain may not know engine/store/log.ts'],
    ['chain/a.ts', `type X = import('../host/loop.ts').X;`, 'chain may not know host/loop.ts'],
    ['chain/a.ts', `import { pack } from 'msgpackr';`, 'chain may not use this package'],
    ['chain/a.ts', `import { readFile } from 'node:fs';`, 'chain/a.ts may not use this part of Node'],
    ['engine/base/ids.ts', `import { crc32 } from 'node:zlib';`, 'may not use this part of Node'],
    ['engine/base/ids.ts', `import { x } from '../store/log.ts';`, 'engine/base may not know engine/store/log.ts'],
    [
      'engine/document/a.ts',
      `import { x } from '../store/log.ts';`,
      'engine/document may not know engine/store/log.ts',
    ],
    ['proxy/a.ts', `import { step } from '../chain/replica.ts';`, 'proxy may not know chain/replica.ts'],
    ['proxy/client/client.ts', `import WebSocket from 'ws';`, 'proxy/client may not use this package'],
    ['proxy/client/client.ts', `import { lsn } from '../../engine/base/ids.ts';`, 'may not know engine/base/ids.ts'],
    ['host/a.ts', `const x = await import('../proxy/session.ts');`, 'host may not know proxy/session.ts'],
    ['host/a.ts', `import { z } from 'zod';`, 'host may not use this package'],
    ['examples/a.ts', `import { define } from '../engine/document/define.ts';`, 'examples may not know'],
    ['chain/a.ts', `import { b } from './b.js';`, 'a file of ours is named with its .ts'],
    ['engine/loose.ts', '', 'engine/loose.ts lies in no room'],
  ];
  for (const [path, text, finding] of plants) finds(t, refused(path, text), finding);
  t.same(refused('chain/a.ts', `import { b } from './b.ts'; import { assert } from '../engine/base/assert.ts';`), []);
  t.same(
    refused('chain/a.ts', `// import { x } from '../host/loop.ts';\nexport const s = "import('../host/a.ts')";`),
    [],
  );
  t.same(refused('engine/base/checksum.ts', `import { crc32 } from 'node:zlib';`), []);
  t.same(refused('proxy/client/node.ts', `import WebSocket from 'ws';`), []);
  t.same(refused('examples/a.ts', `import { connect } from 'levelten/client';`), []);
});

test('planted cycles are found, also those of types', async (t) => {
  const a = parse('chain/a.ts', `import { b } from './b.ts';`);
  const b = parse('chain/b.ts', `import type { C } from './deep/c.ts';`);
  const c = parse('chain/deep/c.ts', `export { a } from '../a.ts';`);
  t.same(checkCycles([a, b, c]), ['cycle: chain/a.ts -> chain/b.ts -> chain/deep/c.ts -> chain/a.ts']);
  t.same(checkCycles([a, b, parse('chain/deep/c.ts', '')]), []);
});

test('planted worldly words are found, and only in code', async (t) => {
  const found = (path: string, text: string) => checkPurity([parse(path, text)]);
  const plants: readonly (readonly [text: string, word: string])[] = [
    ['const x = Date.now();', 'Date.now'],
    ['const x = new Date();', 'new Date'],
    ['const x = new Date(2024, 1);', 'new Date'],
    ['const x = Date();', 'new Date'],
    ['const { now } = Date;', 'Date as a value'],
    ['const x = Math.random();', 'Math.random'],
    ["const x = Math['random']();", 'Math as a value'],
    ['const x = performance.now();', 'performance'],
    ['setTimeout(f, 1);', 'setTimeout'],
    ['queueMicrotask(f);', 'queueMicrotask'],
    ['if (process.env.X) f();', 'process'],
    ['crypto.randomUUID();', 'randomUUID'],
    [`const x = \`at \${Date.now()}\`;`, 'Date.now'],
    ['async function f() {}', 'async'],
    ['for await (const x of y) f(x);', 'await'],
    ['const x = Promise.resolve();', 'Promise'],
  ];
  for (const [text, word] of plants) finds(t, found('chain/a.ts', text), `chain/a.ts:1 uses ${word}: chain is pure`);
  t.same(
    found('chain/a.ts', `// Date.now()\n/* await */ const x = 'Math.random() process.env'; const y = /new Date()/;`),
    [],
  );
  t.same(found('chain/a.ts', 'const x = Math.max(1, queue.process); const y = { process: 1 };'), []);
  t.same(found('engine/store/a.ts', 'async function f(): Promise<void> { await g(); }'), []);
  finds(
    t,
    found('engine/store/a.ts', 'setImmediate(f);'),
    'engine/store/a.ts:1 uses setImmediate: engine/store is pure',
  );
  t.same(found('host/a.ts', 'setTimeout(f, Date.now());'), []);
});

test('planted long files, long functions and lost files are found', async (t) => {
  const lines = (count: number) => 'f();\n'.repeat(count);
  t.same(checkSizes([parse('chain/a.ts', lines(400))]), []);
  t.same(checkSizes([parse('chain/a.ts', lines(401))]), ['chain/a.ts has 401 lines: 400 at most']);
  t.same(checkSizes([parse('chain/a.ts', `function g() {\n${lines(58)}}\n`)]), []);
  finds(
    t,
    checkSizes([parse('chain/a.ts', `function g() {\n${lines(59)}}\n`)]),
    'chain/a.ts:1 g has 61 lines: 60 at most',
  );
  finds(t, checkSizes([parse('chain/a.ts', `const x = () => {\n${lines(59)}};\n`)]), 'a function has 61 lines');
  finds(t, checkPlaces(['chain/index.ts']), "chain/index.ts: a room's door is named after it, never index");
  finds(t, checkPlaces(['src/a.ts']), 'src/a.ts: source lies in engine, chain');
  finds(t, checkPlaces(['loose.ts']), 'loose.ts lies in no room');
  t.same(checkPlaces(['README.md', 'chain/replica.ts', 'docs/plot.html', 'biome.json']), []);
});

test('planted rules without tests, and tests without rules, are found', async (t) => {
  const spec = 'Rules\n\n- **ZZ1** one\n  * **ZZ2.** two\n1. **ZZ3 Title** three\n- see **ZZ4**\n';
  t.same(rulesIn(spec), ['ZZ1', 'ZZ2', 'ZZ3']);
  const cites = (text: string) => checkRules(spec, [parse('test/a.test.ts', text)]);
  const all = `test('[ZZ1] [ZZ2] x', f); t.test(\`\${name} [ZZ3]\`, f);`;
  t.same(cites(all), []);
  t.same(cites("test('[ZZ1] [ZZ2]', f); // [ZZ3]"), ['no test cites [ZZ3]']);
  t.same(cites(`${all} test('[ZZ9] y', f);`), ['test/a.test.ts:1 cites [ZZ9], which SPEC.md does not define']);
  t.same(checkRules('- **ZZ1** a\n- **ZZ1** b', [parse('test/a.ts', "test('[ZZ1]', f)")]), [
    'SPEC.md defines ZZ1 twice',
  ]);
  t.same(checkRules('', []), ['SPEC.md defines no rule']);
});

function holdsNothing(t: Test, findings: readonly string[], what: string): void {
  t.equal(findings.join('\n'), '', what);
}

function finds(t: Test, findings: readonly string[], finding: string): void {
  t.ok(
    findings.some((text) => text.includes(finding)),
    `finds: ${finding}`,
    { findings },
  );
}
