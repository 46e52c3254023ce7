// Plants fit the server as it is compiled now, and one that does not is named.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { applyPlant, plantNames, plants } from '../../bench/faults/plants.ts';

t.test('every plant fits', async (t) => {
  for (const plant of plants) {
    const text = readFileSync(new URL(`../../${plant.file}`, import.meta.url), 'utf8');
    t.not(applyPlant(text, plant), text, `${plant.name} changes ${plant.file}`);
  }
  t.ok(plantNames.length > 1, `there are ${plantNames.join(', ')}`);
});

t.test('a plant whose text is gone, or is there twice, fails by name', async (t) => {
  const plant = { name: 'one', file: 'a.js', find: 'x < y', replace: 'x <= y' };
  t.equal(applyPlant('if (x < y) f();', plant), 'if (x <= y) f();');
  t.throws(() => applyPlant('if (x > y) f();', plant), {
    message: /plant one does not apply: a.js has its text 0 times/,
  });
  t.throws(() => applyPlant('x < y; x < y', plant), { message: /2 times, not once/ });
});
