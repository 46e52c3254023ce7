// What a deploy to hosts would make of other code for a document under test.
import { compareSpaces, succeed } from '../../engine/document/definition/compare.ts';
import type { Described } from '../../engine/document/definition/describe.ts';
import { describeApp } from '../../engine/document/definition/describe.ts';
import type { Testable } from './types.ts';
import { TestRefused } from './types.ts';

export function describeTest(definition: Testable): Described {
  return describeApp({ spaces: { test: definition } });
}

/** What runs once `definition` has taken the place of `before`. TestRefused with DEPLOY_REFUSED where that is forbidden. */
export function afterDeploy(before: Described, definition: Testable): Described {
  const described = describeTest(definition);
  const findings = compareSpaces(before, described).flatMap((space) => space.findings);
  const forbidden = findings.find(({ verdict }) => verdict === 'forbidden');
  if (forbidden !== undefined) throw new TestRefused('DEPLOY_REFUSED', `${forbidden.path}: ${forbidden.what}`);
  return succeed(before, described);
}
