// Clients of a desk under chance: threads die, chains stop and start, views close, open again and take sessions over. What was answered is there
// once and in order, what was refused is not there, and every view is what the document is.

import type { Test } from 'tap';
import t from 'tap';
import { documentRestMs, sendsInFlightMax } from '../../engine/base/limits.ts';
import { MemoryStore } from '../contract/memory-store.ts';
import { Prng } from '../prng.ts';
import { DeskStage, type ViewerStage } from './desk-stage.ts';
import type { Pool } from './pool.ts';
import { poolOf } from './pool.ts';

const seeds = 5;
const names = ['bad/a', 'bad/b', 'bad/c'];

type Said = { readonly said: string[] };

/** Somebody behind a proxy: opens again what it lost, and sends again what has no answer. */
class Client {
  readonly stage: DeskStage;
  readonly name: string;
  readonly who: { agent: string; authority: string };
  session = 'new';
  viewer: ViewerStage | undefined;
  isLive = false;
  n = 0;
  read = 0;
  readonly unanswered = new Map<number, { text: string; channel: string }>();
  readonly applied: string[] = [];
  readonly refused: string[] = [];
  /** Nobody can say whether they were applied. */
  readonly unknown: string[] = [];
  former: { readonly viewer: ViewerStage; readonly n: number; readonly text: string } | undefined;
  rests = 0;

  constructor(stage: DeskStage, name: string, agent: string) {
    this.stage = stage;
    this.name = name;
    this.who = { agent, authority: 'test' };
  }

  open(): void {
    this.viewer = this.stage.open(this.name, this.session, this.who);
    this.isLive = false;
    this.read = 0;
  }

  close(): void {
    if (this.viewer !== undefined) this.stage.desk.close(this.viewer.attached);
    this.viewer = undefined;
    this.isLive = false;
  }

  send(text: string, channel = 'say'): void {
    if (this.session === 'new' || this.unanswered.size >= sendsInFlightMax) return;
    this.n += 1;
    this.unanswered.set(this.n, { text, channel });
    if (this.isLive) this.#give(this.n);
  }

  #give(n: number): void {
    const what = this.unanswered.get(n);
    if (what === undefined || this.viewer === undefined) return;
    const done = Math.min(...this.unanswered.keys()) - 1;
    const message = what.channel === 'say' ? { text: what.text } : {};
    const { attached } = this.viewer;
    attached.front.views.get(attached.view)?.desk.send(attached, { n, done, channel: what.channel, message });
  }

  /** What it heard. */
  listen(): void {
    const { viewer } = this;
    if (viewer === undefined) return;
    this.stage.listen(viewer);
    for (; this.viewer === viewer && this.read < viewer.heard.length; ) {
      const message = viewer.heard[this.read];
      this.read += 1;
      if (message?.[0] === 2) {
        const wasLive = this.isLive;
        this.session = message[3];
        this.isLive = true;
        if (!wasLive) this.#giveLate();
        if (!wasLive) for (const n of [...this.unanswered.keys()].sort((a, b) => a - b)) this.#give(n);
      } else if (message?.[0] === 3) this.#settle(message[2], this.applied);
      else if (message?.[0] === 4) this.#refused(message[2], message[4]);
      else if (message?.[0] === 6) this.#lost(message[2]);
    }
  }

  #settle(n: number, to: string[]): void {
    const what = this.unanswered.get(n);
    if (what === undefined) return;
    this.unanswered.delete(n);
    to.push(what.text);
  }

  #refused(n: number, code: string): void {
    if (n === 0) return this.#lost(code);
    if (code !== 'HANDLER_STOPPED') throw new Error(`${this.name}: ${n} was refused with ${code}`);
    this.#settle(n, this.refused);
  }

  /** The chain is headed elsewhere: whatever was on its way is not any more. */
  reroute(): void {
    this.viewer = undefined;
    this.isLive = false;
  }

  #lost(code: string): void {
    this.reroute();
    if (code === 'DOCUMENT_RESTS') this.rests += 1;
    if (code !== 'SESSION_EXPIRED' && code !== 'DOCUMENT_DELETED') return;
    this.session = 'new';
    this.n = 0;
    for (const { text } of this.unanswered.values()) this.unknown.push(text);
    this.unanswered.clear();
  }

  /** Over another connection. What was sent over the former comes late, before this one is there or when it is. */
  takeOver(text: string): void {
    const former = this.viewer;
    if (former === undefined || !this.isLive || this.session === 'new') return;
    this.open();
    this.send(text);
    this.former = { viewer: former, n: this.n, text };
    this.#giveLate();
  }

  /** By now it may have been sent again, answered, and another have its number. */
  #giveLate(): void {
    if (this.former === undefined) return;
    const { viewer, n, text } = this.former;
    const { attached } = viewer;
    const late = {
      n: this.isLive ? this.n + 1 : n,
      done: 0,
      channel: 'say',
      message: { text: this.isLive ? 'late' : text },
    };
    if (this.isLive) this.former = undefined;
    attached.front.views.get(attached.view)?.desk.send(attached, late);
  }
}

class Chaos {
  readonly #chance: Prng;
  readonly #stage: DeskStage;
  readonly #pool: Pool | undefined;
  readonly clients: readonly Client[];
  #sent = 0;
  /** Threads that end one after the other and have done nothing would end the host. */
  #mayKill = true;

  constructor(seed: number, stage: DeskStage, pool: Pool | undefined) {
    this.#chance = new Prng(seed);
    this.#stage = stage;
    this.#pool = pool;
    this.clients = names.flatMap((name) => ['ada', 'bob', 'cy'].map((agent) => new Client(stage, name, agent)));
  }

  #text(): string {
    this.#sent += 1;
    return `${this.#sent}`;
  }

  listen(): void {
    for (const client of this.clients) client.listen();
  }

  pass(ms: number): void {
    if (this.#pool !== undefined) this.#pool.clock.ms += ms;
  }

  async step(): Promise<void> {
    const client = this.#chance.pick(this.clients);
    const dice = this.#chance.below(100);
    if (client.viewer === undefined) client.open();
    else if (dice < 50) for (let count = this.#chance.below(4); count >= 0; count -= 1) client.send(this.#text());
    else if (dice < 56) client.close();
    else if (dice < 64) client.takeOver(this.#text());
    else if (dice < 72) this.#hurt(client, dice < 69);
    else if (dice < 75) await this.#move();
    else if (dice < 78) await this.#stage.turn();
    else if (dice < 82) {
      await this.#stage.settle();
      this.#mayKill = true;
    } else await new Promise(setImmediate);
    if (this.#chance.below(3) === 0) this.listen();
    this.pass(1_000);
  }

  #hurt(client: Client, isByMessage: boolean): void {
    if (this.#pool === undefined) return;
    if (isByMessage) return client.send(this.#text(), 'exit');
    if (this.#mayKill) for (const [thread] of this.#pool.threads) void thread?.terminate();
    this.#mayKill = false;
  }

  /** The chain stops, and is headed here again. */
  async #move(): Promise<void> {
    this.#stage.desk.stop();
    this.listen();
    for (const client of this.clients) client.reroute();
    await this.#stage.start();
  }

  /** Whether all are there and have all answers in the end. */
  async rest(): Promise<boolean> {
    for (let round = 0; round < 50; round += 1) {
      this.pass(documentRestMs);
      for (const client of this.clients) if (client.viewer === undefined) client.open();
      await this.#stage.settle();
      this.listen();
      if (this.clients.every(({ isLive, unanswered }) => isLive && unanswered.size === 0)) return true;
    }
    return false;
  }
}

function check(t: Test, clients: readonly Client[]): void {
  const views = clients.map(({ viewer }) => (viewer?.view as Said | undefined)?.said);
  const said = views[0] ?? [];
  for (const view of views) t.same(view, said, 'views are one');
  t.equal(new Set(said).size, said.length, 'each is there once');
  for (const { applied, refused } of clients) {
    const his = said.filter((text) => applied.includes(text));
    t.same(his, applied, 'what was answered is there, in order');
    t.notOk(refused.some((text) => said.includes(text)));
  }
  const known = new Set(clients.flatMap(({ applied, unknown }) => [...applied, ...unknown]));
  const strange = said.filter((text) => !known.has(text));
  t.same(strange, [], 'and nothing else');
}

let rests = 0;

async function run(t: Test, seed: number, pool?: Pool): Promise<void> {
  const stage = await DeskStage.of(new MemoryStore(), undefined, pool);
  const chaos = new Chaos(seed, stage, pool);
  for (let step = 0; step < 150; step += 1) await chaos.step();
  t.ok(await chaos.rest(), 'it comes to rest');
  for (const name of names) {
    const clients = chaos.clients.filter((client) => client.name === name);
    check(t, clients);
    for (const client of clients) rests += client.rests;
  }
  t.same(stage.fatal, []);
  stage.desk.stop();
}

for (let seed = 1; seed <= seeds; seed += 1) {
  t.test(`[C15] [C18] [D29] in the loop of a host, seed ${seed}`, (t) => run(t, seed));
  t.test(`[C15] [C18] [D29] [D30] [D33] in threads, seed ${seed}`, async (t) => run(t, seed, await poolOf(t, 2)));
}
t.test('[D33] some documents had to rest', async (t) => {
  t.ok(rests > 0, `${rests} views were sent away`);
});
