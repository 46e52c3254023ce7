// What tests of quotas ask of a desk.
import type { Principal } from '../../engine/base/ids.ts';
import { keyOfPrincipal } from '../../engine/document/life/agenda.ts';
import { accountsOf } from '../../host/quotas.ts';
import { ada, type DeskStage, type ViewerStage } from './desk-stage.ts';

export type AccountSeen = { readonly documents: number; readonly bytes: number; readonly claims: readonly string[] };

/** What is committed of the account of the space, or of one principal in it. */
export function accountOf(stage: DeskStage, space: string, who?: Principal): AccountSeen {
  const about = { document: `${space}/x`, who: who === undefined ? '' : keyOfPrincipal(who), limits: undefined };
  const name = accountsOf(about).at(-1)?.name ?? '';
  const { documents = 0, bytes = 0, claims = {} } = stage.committed(name).state as Record<string, never>;
  return { documents, bytes, claims: Object.keys(claims) };
}

/** What a viewer was told last: the code of a refusal, or what kind of message. */
export function lastOf(viewer: ViewerStage): string {
  const said = viewer.heard.at(-1) ?? [];
  return String(said.find((part) => typeof part === 'string' && /^[A-Z]+_[A-Z_]+$/.test(part)) ?? 'fine');
}

export async function begin(stage: DeskStage, name: string, who = ada): Promise<ViewerStage> {
  const viewer = await stage.come(name, 'new', who);
  await stage.settle();
  return viewer;
}

export async function fill(stage: DeskStage, viewer: ViewerStage, count: number): Promise<string> {
  stage.send(viewer, { thousands: count }, 'fill');
  await stage.settle();
  stage.listen(viewer);
  return lastOf(viewer);
}
