// The proxy among the gossips: it is told who is there and how chains stand, and tells it on. It says nothing of its own but that
// it lives. Exchanges go over the links that it has anyway: a host that is heard of and has no link gets one (it was added
// after this proxy began), and one that nobody wrote down loses its link when it is gone.
import type { Configuration } from '../chain/configuration.ts';
import { decodeConfiguration } from '../chain/configuration.ts';
import { createGossip, dueMs, stepGossip } from '../chain/gossip/gossip.ts';
import { bootOf, makeInstance } from '../chain/gossip/instances.ts';
import { lan } from '../chain/gossip/profile.ts';
import type { Gossip, GossipEffect, GossipEvent } from '../chain/gossip/state.ts';
import { decodeGossip, encodeGossip } from '../chain/gossip/wire.ts';
import { CodedError } from '../engine/base/errors.ts';

export type ProxyGossipOptions = {
  /** Its name among all instances of the cluster: no other proxy's, and no host's. */
  readonly id: string;
  readonly region: string;
  /** The hosts of the configuration, by id. */
  readonly hosts: readonly string[];
  readonly random: () => number;
  /** Best effort: lost where there is no link. */
  readonly send: (host: string, bytes: Uint8Array) => void;
  readonly onHost: (host: string, address: string) => void;
  readonly onHostGone: (host: string) => void;
  /** How a chain stands, as somebody says. */
  readonly onHint: (value: Configuration) => void;
};

export class ProxyGossip {
  readonly #options: ProxyGossipOptions;
  readonly #gossip: Gossip;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProxyGossipOptions) {
    const { id, region, hosts, random } = options;
    this.#options = options;
    const boot = bootOf(Date.now(), random());
    const self = makeInstance({ id, boot, roles: ['proxy'], region, address: '', appHash: '' });
    this.#gossip = createGossip({ self, profile: lan, random, bootstrap: hosts, nowMs: performance.now() });
  }

  start(): void {
    const due = dueMs(this.#gossip);
    this.#timer = setTimeout(
      () => {
        const nowMs = performance.now();
        this.#step({ kind: 'tick', nowMs, lagMs: Math.max(0, nowMs - due) });
        this.start();
      },
      Math.max(0, due - performance.now()),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  onLink(host: string, isUp: boolean): void {
    this.#step({ kind: isUp ? 'connected' : 'disconnected', id: host });
  }

  /** CHAIN_PROTOCOL where `bytes` are no gossip. */
  hear(from: string, bytes: Uint8Array): void {
    this.#step({ kind: 'message', from, message: decodeGossip(bytes), nowMs: performance.now() });
  }

  /** What was heard of a chain from this epoch on is false, as the chain itself has shown. */
  withdraw(chain: number, epoch: number): void {
    this.#step({ kind: 'dropHint', chain, epoch, nowMs: performance.now() });
  }

  #step(event: GossipEvent): void {
    const effects: GossipEffect[] = [];
    stepGossip(this.#gossip, event, effects);
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: GossipEffect): void {
    const { send, onHost, onHostGone, onHint } = this.#options;
    switch (effect.kind) {
      case 'gossip':
        return send(effect.to, encodeGossip(effect.message));
      case 'appeared': {
        const { id, roles, address } = effect.instance;
        if (roles.includes('host') && address !== '') onHost(id, address);
        return;
      }
      case 'gone':
        if (effect.why !== 'replaced') onHostGone(effect.instance.id);
        return;
      case 'hint': {
        const value = configurationIn(effect);
        if (value !== undefined) onHint(value);
        return;
      }
    }
  }
}

/** Undefined where the bytes are none, or are another chain's. Whoever told it may have had it from somebody else. */
function configurationIn({ chain, bytes }: GossipEffect & { kind: 'hint' }): Configuration | undefined {
  try {
    const value = decodeConfiguration(bytes);
    return value.chain === chain ? value : undefined;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return undefined;
  }
}
