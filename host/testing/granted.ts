// A document under test has accounts that grant whatever it claims: quotas are of a whole space.
import { assert } from '../../engine/base/assert.ts';
import type {
  Env,
  Happened,
  Letter,
  Opened,
  OpenRequest,
  Reply,
  Resident,
  Ungranted,
} from '../../engine/document/document.ts';
import { deliver, openView } from '../../engine/document/document.ts';

type Granted = Happened & { readonly result: Exclude<Opened['result'], Ungranted> };

export function openGranted(resident: Resident, request: OpenRequest, env: Env): Granted {
  const first = openView(resident, request, env);
  const { result, ...what } =
    first.result.kind === 'ungranted' ? openView(resident, { ...request, grant: first.result.claim }, env) : first;
  assert(result.kind !== 'ungranted', 'what was granted is not asked for again');
  return { ...what, result };
}

export function deliverGranted(resident: Resident, letter: Letter, env: Env): Happened & { readonly reply: Reply } {
  const { claim, ...first } = deliver(resident, letter, env);
  return claim === undefined ? first : deliver(resident, letter, env, false, claim);
}
