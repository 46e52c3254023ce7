// Every mutant there is, in the order of the printed table.

import { chainMutants } from './chain-table.ts';
import type { Mutant } from './mutant.ts';
import { backupMutants } from './table-backup.ts';
import { deployMutants } from './table-deploy.ts';
import { documentMutants } from './table-documents.ts';
import { ephemeralMutants } from './table-ephemeral.ts';
import { gossipMutants } from './table-gossip.ts';
import { hostMutants } from './table-host.ts';
import { lifeMutants } from './table-life.ts';
import { lookMutants } from './table-looks.ts';
import { nodeMutants } from './table-node.ts';
import { quotaMutants } from './table-quota.ts';
import { storeMutants } from './table-store.ts';
import { testingMutants } from './table-testing.ts';
import { threadMutants } from './table-threads.ts';
import { trustMutants } from './table-trust.ts';
import { verifyMutants } from './table-verify.ts';
import { viewMutants } from './table-views.ts';

/** The readings of the design that lose data, as the model checker's table has them. */
function readings(): Mutant[] {
  return chainMutants.map(({ name, rule, file, find, replace, also = [] }) => {
    return { name, rule, patches: [{ file, find, replace }, ...also] };
  });
}

export const mutants: readonly Mutant[] = [
  ...readings(),
  ...nodeMutants,
  ...gossipMutants,
  ...storeMutants,
  ...verifyMutants,
  ...trustMutants,
  ...documentMutants,
  ...viewMutants,
  ...ephemeralMutants,
  ...lookMutants,
  ...hostMutants,
  ...threadMutants,
  ...deployMutants,
  ...lifeMutants,
  ...quotaMutants,
  ...backupMutants,
  ...testingMutants,
];
