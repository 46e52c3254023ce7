// What documents did by themselves, at the end: each timer rang once and not before its time, each effect was heard of once, each message to another
// document was handled once and in order, and its answer was heard once. All of it is in the documents: the log says what they are.

import { accountSpace } from '../../engine/base/ids.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import { standingOf } from '../../engine/document/quota/claim.ts';
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

/** The account of the space counts what there is, and waits for nothing. */
function checkQuota(world: World, states: ReadonlyMap<string, JsonObject>): void {
  const account = (states.get(`${accountSpace}/ledger`) ?? {}) as Account;
  const there = [...states.values()].flatMap((state) => standingOf(state) ?? []);
  const { documents = 0, bytes = 0, claims = {} } = account;
  const sum = there.reduce((total, one) => total + one.bytes, 0);
  const found = (text: string): void => world.history.find('quota', text);
  if (Object.keys(claims).length > 0) found(`the account waits for ever: ${JSON.stringify(claims)}`);
  if (documents !== there.length) found(`${there.length} documents are there, and the account has ${documents}`);
  if (bytes !== sum) found(`${sum} bytes are there, and the account has ${bytes}`);
}

type Account = { readonly documents?: number; readonly bytes?: number; readonly claims?: JsonObject };

function last(updates: Parameters<typeof replay>[0]): JsonObject {
  let found: JsonObject = {};
  replay(updates, (_seq, state) => {
    found = state;
  });
  return found;
}
