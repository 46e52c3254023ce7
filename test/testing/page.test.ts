// The pages of docs/ that show code: every example compiles under strict rules, and runs, in a folder of its own beside what a user has installed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** With how many examples. */
const pages: readonly (readonly [file: string, examples: number])[] = [
  ['docs/testing.md', 3],
  ['docs/documents.md', 14],
];

for (const [file, examples] of pages) {
  t.test(`[D31] the examples of ${file} compile and pass`, async (t) => {
    const page = readFileSync(join(root, file), 'utf8');
    // By the name in its first line.
    const blocks = [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(
      ([, name = '', text = '']) => [name, text] as const,
    );
    t.equal(blocks.length, examples);
    await runAll(t, page, blocks);
  });
}

async function runAll(
  t: Test,
  page: string,
  blocks: readonly (readonly [name: string, text: string])[],
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'levelten-page-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const names = blocks.map(([name]) => name);
  t.equal(blocks.length, page.match(/^```ts$/gm)?.length, 'every example has a name, and is run');
  mkdirSync(join(dir, 'node_modules/@types'), { recursive: true });
  symlinkSync(root, join(dir, 'node_modules/levelten'));
  for (const name of ['zod', '@types/node'])
    symlinkSync(join(root, 'node_modules', name), join(dir, 'node_modules', name));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  for (const [name, text] of blocks) writeFileSync(join(dir, name), text);

  t.same(compile(names.map((name) => join(dir, name))), []);
  for (const name of names.filter((one) => one.endsWith('.test.ts'))) {
    const file = join(dir, name.replace(/ts$/, 'js'));
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    t.equal(status, 0, `${name} passes`, { stdout, stderr });
    t.match(stdout, /^(#|ℹ) pass [1-9]/m, 'and tested something');
  }
}

/** Emits beside the sources; returns what the compiler finds. */
function compile(files: readonly string[]): string[] {
  const program = ts.createProgram([...files], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const found = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return found.map(
    ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
}
