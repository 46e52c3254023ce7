// What documents did by themselves, at the end: each timer rang once and not before its time, each effect was heard of once, each message to another
// document was handled once and in order, and its answer was heard once. All of it is in the documents: the log says what they are.

import { accountSpace } from '../../engine/base/ids.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { standingOf } from '../../engine/document/quota/claim.ts';
import { accountsOf } from '../../host/quotas.ts';
import { type Documents, documentsIn, replay } from './check-logs.ts';
import { hearer } from './ledger.ts';
import type { World } from './world.ts';

type Ledger = {
  readonly timers?: number;
  readonly rings?: Readonly<Record<string, number>>;
  readonly early?: number;
  readonly notes?: number;
  readonly noted?: number;
  readonly sent?: number;
  readonly receipts?: number;
  readonly heard?: Readonly<Record<string, number>>;
  readonly disorder?: number;
};

/** Whether nothing is before any document any more, as the heads have them. Costs a walk over all logs. */
export function isIdle(world: World): boolean {
  return [...documentsIn(world).values()].every((updates) => !('@wake' in last(updates)));
}

export function checkLife(world: World, documents: Documents): void {
  const ledgers = new Map([...documents].map(([name, updates]) => [name, last(updates)]));
  const heard = (ledgers.get(hearer) as Ledger | undefined)?.heard ?? {};
  checkQuota(world, ledgers);
  for (const [name, state] of ledgers) {
    const found = (text: string): void => world.history.find('life', `${name}: ${text}`);
    if ('@wake' in state) found(`something is before it for ever: ${JSON.stringify(state['@wake'])}`);
    const {
      timers = 0,
      rings = {},
      early = 0,
      notes = 0,
      noted = 0,
      sent = 0,
      receipts = 0,
      disorder = 0,
    } = state as Ledger;
    const rang = Object.keys(rings).length;
    if (rang !== timers) found(`${timers} timers were set, and ${rang} rang`);
    for (const [value, times] of Object.entries(rings))
      if (times !== 1) found(`the timer of ${value} rang ${times} times`);
    if (early > 0) found(`${early} timers rang before their time`);
    if (noted !== notes) found(`${notes} effects were asked for, and it was told of ${noted}`);
    if (receipts !== sent) found(`${sent} messages were sent, and ${receipts} answered`);
    if (disorder > 0) found(`${disorder} messages were not the next ones`);
    if ((heard[name] ?? 0) !== sent) found(`${sent} messages were sent, and the last that was heard is ${heard[name]}`);
  }
}

/** Each account, of the space and of who began something, counts what there is, and waits for nothing. */
function checkQuota(world: World, states: ReadonlyMap<string, JsonObject>): void {
  const counted = new Map<string, { documents: number; bytes: number }>();
  for (const name of states.keys())
    if (name.startsWith(`${accountSpace}/`)) counted.set(name, { documents: 0, bytes: 0 });
  for (const [document, state] of states) {
    const standing = standingOf(state);
    if (standing === undefined) continue;
    for (const { name } of accountsOf({ document, who: standing.who, limits: undefined })) {
      const { documents, bytes } = counted.get(name) ?? { documents: 0, bytes: 0 };
      counted.set(name, { documents: documents + 1, bytes: bytes + standing.bytes });
    }
  }
  for (const [name, there] of counted) {
    const { documents = 0, bytes = 0, claims = {} } = (states.get(name) ?? {}) as Account;
    const found = (text: string): void => world.history.find('quota', `${name} ${text}`);
    if (Object.keys(claims).length > 0) found(`waits for ever: ${JSON.stringify(claims)}`);
    if (documents !== there.documents) found(`has ${documents} documents, and ${there.documents} are there`);
    if (bytes !== there.bytes) found(`has ${bytes} bytes, and ${there.bytes} are there`);
  }
}

type Account = { readonly documents?: number; readonly bytes?: number; readonly claims?: JsonObject };

function last(updates: Parameters<typeof replay>[0]): JsonObject {
  let found: JsonObject = {};
  replay(updates, (_seq, state) => {
    found = state;
  });
  return found;
}
