// Every order of what may happen in the small worlds of scopes.ts. The counts are pinned: a change of the protocol, or of what is
// told apart, shows here, and whoever makes it says why.
import t from 'tap';
import { explore } from './model.ts';
import { scopes } from './scopes.ts';

t.setTimeout(600_000);

/** DEEPER=3 looks that many steps further than what is pinned. */
const deeper = Number(process.env['DEEPER'] ?? 0);

for (const scope of scopes) {
  t.test(`[C1] [C4] [C6] [C7] [C9] [C13] ${scope.name}`, { timeout: 600_000 }, async (t) => {
    const { states, depth, mended, broken } = explore({ ...scope, depth: scope.depth + deeper });
    t.comment(`${states} states, ${depth} steps deep, ${mended} of them mended`);
    for (const line of broken?.story ?? []) t.comment(line);
    t.equal(broken?.reason, undefined);
    if (deeper === 0) t.equal(states, scope.states, 'states');
  });
}
