// No mutant outlives its code: each text that one replaces stands in the built code exactly once.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { mutants } from './tables.ts';

const dist = fileURLToPath(new URL('../../', import.meta.url));

t.test('every mutant fits the code, and no two have one name', async (t) => {
  const texts = new Map<string, string>();
  const misfits = mutants.flatMap(({ rule, name, patches }) => {
    return patches.flatMap(({ file, find }) => {
      const text = texts.get(file) ?? readFileSync(`${dist}${file}`, 'utf8');
      texts.set(file, text);
      const count = text.split(find).length - 1;
      return count === 1 ? [] : [`${rule} ${name}: ${file} has this ${count} times: ${find}`];
    });
  });
  t.same(misfits, []);
  t.ok(mutants.length > 200, `${mutants.length} mutants`);
  t.equal(new Set(mutants.map(({ rule, name }) => `${rule} ${name}`)).size, mutants.length);
});
