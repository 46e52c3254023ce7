// Mutants of code changes on a live document.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const compare = 'engine/document/definition/compare.js';
const migrate = 'engine/document/definition/migrate.js';
const code = 'host/code.js';

export const deployMutants: readonly Mutant[] = [
  one(
    'D40',
    'begins documents of no version',
    'engine/document/life/version.js',
    'return version === 1',
    'return true',
  ),
  one('D40', 'serves what newer code made', migrate, 'if (is <= runs)', 'if (true)'),
  one('D40', 'takes a step too few', migrate, 'to <= plan.version', 'to < plan.version'),
  one(
    'D40',
    'gives back a state as older code had it',
    'engine/document/operate.js',
    'isBehind(definition, to.state) ?',
    'false ?',
  ),
  one('D40', 'migrates on a full disk', 'host/held.js', 'if (waits && full !== undefined)', 'if (false)'),
  one('D40', 'keeps a migration to itself', 'host/desk.js', 'this.#take(name, ran);\n                if (', 'if ('),
  one('D40', 'lets nobody end what cannot be migrated', 'host/shelves.js', 'if (erasing.length === 0)', 'if (true)'),
  one(
    'D41',
    'drops what no field knows',
    'engine/document/draft/stored.js',
    'field === undefined ? part',
    'field === undefined ? undefined',
  ),
  one('D41', 'forgets what a field left behind', compare, 'gone[path] = field;', ''),
  one('D41', 'lets a list get shorter', compare, 'if (after < before)', 'if (false)'),
  one(
    'D41',
    'forgets what an older version held',
    compare,
    '{ ...before.others, [version]: { fields, gone } }',
    'before.others',
  ),
  one(
    'D42',
    'forgets what old code has not done',
    'host/workers/slot.js',
    'return this.#pending.splice(0);',
    'return [];',
  ),
  one('D42', 'leaves documents with the old code', 'host/shelves.js', 'document === undefined ||', 'true ||'),
  one('D42', 'deploys what is forbidden', 'host/deploying.js', "if (verdict === 'forbidden')", 'if (false)'),
  one('D42', 'starts with what it ran before', code, 'deployed?.file ?? given', 'given'),
  one('D42', 'starts with what was deployed beside another', code, 'deployed.given === given ?', 'true ?'),
];
