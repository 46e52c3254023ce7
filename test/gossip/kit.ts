// Peers whose messages are carried by hand: each test says which arrive, how often, and when.
import { createGossip, stepGossip } from '../../chain/gossip/gossip.ts';
import { type Instance, type InstanceParts, makeInstance } from '../../chain/gossip/instances.ts';
import type { GossipKind, GossipMessage } from '../../chain/gossip/messages.ts';
import { paper } from '../../chain/gossip/profile.ts';
import type { Gossip, GossipEffect, GossipEvent } from '../../chain/gossip/state.ts';
import { decodeGossip, encodeGossip } from '../../chain/gossip/wire.ts';
import { Prng } from '../prng.ts';

export type Said = { readonly from: string; readonly to: string; readonly message: GossipMessage };
export type HintHeard = Extract<GossipEffect, { kind: 'hint' }>;

export function instanceOf(id: string, parts: Partial<InstanceParts> = {}): Instance {
  const address = `10.0.0.1:${id.slice(1)}`;
  return makeInstance({ id, boot: 'b1', roles: ['host'], region: 'r', appHash: 'app', address, ...parts });
}

/** A peer and what it did, apart. */
export class Person {
  readonly gossip: Gossip;
  readonly id: string;
  said: Said[] = [];
  /** `+id` and `-id why`, in order. */
  news: string[] = [];
  heard: HintHeard[] = [];

  constructor(self: Instance, nowMs = 0, bootstrap: readonly string[] = []) {
    const prng = new Prng(7);
    this.id = self.id;
    this.gossip = createGossip({ self, profile: paper, random: () => prng.next(), bootstrap, nowMs });
  }

  step(event: GossipEvent): Said[] {
    const out: GossipEffect[] = [];
    stepGossip(this.gossip, event, out);
    const said: Said[] = [];
    for (const effect of out) {
      if (effect.kind === 'gossip') said.push({ from: this.id, to: effect.to, message: effect.message });
      else if (effect.kind === 'appeared') this.news.push(`+${effect.instance.id}`);
      else if (effect.kind === 'gone') this.news.push(`-${effect.instance.id} ${effect.why}`);
      else this.heard.push(effect);
    }
    this.said.push(...said);
    return said;
  }

  tick(nowMs: number, lagMs = 0): Said[] {
    return this.step({ kind: 'tick', nowMs, lagMs });
  }

  hear({ from, message }: Said, nowMs: number): Said[] {
    return this.step({ kind: 'message', from, message: decodeGossip(encodeGossip(message)), nowMs });
  }

  takeNews(): string[] {
    return this.news.splice(0);
  }

  get ids(): string[] {
    return this.gossip.set.instances.map(({ id }) => id);
  }
}

/** Carries what was said, and what it makes others say, until nobody says anything; gives the kinds in order. */
export function carry(people: readonly Person[], said: readonly Said[], nowMs: number): GossipKind[] {
  const queue = [...said];
  const kinds: GossipKind[] = [];
  for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
    const { to } = one;
    kinds.push(one.message.kind);
    queue.push(...(people.find(({ id }) => id === to)?.hear(one, nowMs) ?? []));
  }
  return kinds;
}

/** An exchange that `from` begins with `to`: what a tick would, but with whom the test says. */
export function exchange(from: Person, to: Person, nowMs: number): GossipKind[] {
  return carry([from, to], [hello(from, to, nowMs)], nowMs);
}

export function hello(from: Person, to: Person, nowMs: number): Said {
  const { gossip } = from;
  const { peers, bootstrapAtMs } = gossip;
  gossip.peers = [to.id];
  gossip.bootstrapAtMs = Number.POSITIVE_INFINITY;
  gossip.gossipAtMs = nowMs;
  const said = from.tick(nowMs).find(({ message }) => message.kind === 'hello');
  gossip.peers = peers;
  gossip.bootstrapAtMs = bootstrapAtMs;
  if (said === undefined) throw new Error(`${from.id} calls nobody`);
  return { ...said, to: to.id };
}

/** Ticks that go nowhere: a second apart, as `paper` wants them. */
export function idle(person: Person, fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000) person.tick(nowMs);
}

export function people(...ids: string[]): Person[] {
  return ids.map((id) => new Person(instanceOf(id)));
}
