// P7: what the failure detector does among 1,000 hosts. All of it is simulated and of one seed: the same figures everywhere, for a
// given program. Crashes, counters and silences are watched from outside, by reading what every peer holds.
import { lan, type Profile, paper } from '../chain/gossip/profile.ts';
import { Prng } from '../test/prng.ts';
import { GossipWorld, type Peer } from './gossip-world.ts';
import { type Context, type MeasureRow, row } from './measure.ts';

type Setting = { readonly profile: Profile; readonly hosts: number; readonly loss: number; readonly seed: number };
type Crash = { readonly peer: Peer; readonly atMs: number; knownMs: number; readonly by: Set<string> };

const [large, small] = [1_000, 32];
const loss = 0.1;
const probes = 20;
const crashesPerWorld = 8;

/** A world that watches itself: who was declared dead by whom, rightly or not. */
class Watched {
  readonly world: GossipWorld;
  readonly setting: Setting;
  readonly random: Prng;
  readonly crashes = new Map<string, Crash>();
  /** Hosts that stand still for longer than anybody's patience: suspecting them is right. */
  readonly asleep = new Set<string>();
  falseCount = 0;

  constructor(setting: Setting) {
    const { profile, hosts } = setting;
    this.setting = setting;
    this.random = new Prng(setting.seed);
    this.world = new GossipWorld({
      profile,
      random: () => this.random.next(),
      bootstrap: ['h1', 'h2', 'h3'],
      loss: setting.loss,
      delayMsMax: 5,
      encodeEvery: 1_009,
      onGone: (observer, { id }) => this.#onGone(observer, id),
    });
    for (let host = 1; host <= hosts; host += 1)
      this.world.at(this.random.below(profile.gossipMsMax), () => this.world.start(`h${host}`));
  }

  /** Seconds until everybody knows everybody; then until nothing of it is news any more. */
  form(): number {
    const { hosts, profile } = this.setting;
    const isFormed = (): boolean =>
      this.world.peers.size === hosts && this.up().every(({ gossip }) => gossip.set.instances.length === hosts);
    if (!this.world.runUntil(120_000, isFormed, 100)) throw new Error('the hosts did not find each other');
    const seconds = this.world.nowMs / 1000;
    this.run(profile.recentMs * 1.5);
    return seconds;
  }

  run(lengthMs: number): void {
    this.world.runUntil(this.world.nowMs + lengthMs);
  }

  up(): Peer[] {
    return [...this.world.peers.values()].filter(({ status }) => status !== 'down');
  }

  /** Crashes hosts, one each so many patiences or so; gives the worst time until all that live knew of one, in seconds. */
  crash(patiences: number, firstHost = 4): number {
    const { profile, hosts } = this.setting;
    for (let count = 0; count < crashesPerWorld; count += 1) {
      const peer = this.world.peers.get(`h${firstHost + Math.floor(((hosts - 4) * count) / crashesPerWorld)}`);
      if (peer === undefined) throw new Error('a host to crash');
      this.world.crash(peer);
      this.crashes.set(peer.id, { peer, atMs: this.world.nowMs, knownMs: 0, by: new Set() });
      this.run(profile.deadMs * patiences * (0.8 + 0.4 * this.random.next()));
    }
    this.run(profile.deadMs * 3);
    const worst = [...this.crashes.values()].slice(-crashesPerWorld).map(({ peer, atMs, knownMs, by }) => {
      const unaware = this.up().filter(({ id }) => !by.has(id));
      if (unaware.length > 0) throw new Error(`${unaware.length} never heard of the crash of ${peer.id}`);
      return (knownMs - atMs) / 1000;
    });
    return Math.max(...worst);
  }

  /** The most rounds that a counter took from its owner to everybody, of so many probes at once. */
  spread(): number {
    const { profile, hosts } = this.setting;
    const roundMs = (profile.gossipMsMin + profile.gossipMsMax) / 2;
    const open = Array.from({ length: probes }, (_, probe) => {
      const peer = this.world.peers.get(`h${1 + Math.floor((hosts * probe) / probes)}`) as Peer;
      const place = peer.gossip.selfAt;
      // The next one: probes begin with the birth of a counter.
      return { place, peer, counter: (peer.gossip.counters[place] ?? 0) + 1, bornMs: 0, rounds: 0 };
    });
    const peers = this.up();
    const isDone = (): boolean => {
      for (const probe of open) {
        const { place, peer, counter } = probe;
        if (probe.bornMs === 0 && (peer.gossip.counters[place] ?? 0) >= counter) probe.bornMs = this.world.nowMs;
        if (probe.bornMs === 0 || probe.rounds > 0) continue;
        if (!peers.every(({ gossip }) => (gossip.counters[place] ?? 0) >= counter)) continue;
        probe.rounds = (this.world.nowMs - probe.bornMs) / roundMs;
      }
      return open.every(({ rounds }) => rounds > 0);
    };
    if (!this.world.runUntil(this.world.nowMs + 60 * roundMs, isDone, 10)) throw new Error('a counter never spread');
    return Math.max(...open.map(({ rounds }) => rounds));
  }

  totals() {
    const totals = { exchanges: 0, happy: 0, slow: 0, bytes: 0 };
    for (const { gossip } of this.world.peers.values()) {
      const { happy, reverse, slow, bytes } = gossip.metrics;
      totals.exchanges += happy + reverse + slow;
      totals.happy += happy;
      totals.slow += slow;
      for (const sent of Object.values(bytes)) totals.bytes += sent;
    }
    return totals;
  }

  #onGone(observer: Peer, id: string): void {
    if (observer.status === 'down') return;
    const crash = this.crashes.get(id);
    if (crash === undefined) {
      if (!this.asleep.has(id)) this.falseCount += 1;
      return;
    }
    crash.by.add(observer.id);
    crash.knownMs = Math.max(crash.knownMs, this.world.nowMs);
  }
}

export async function measureGossip({ secondsPerPoint, progress }: Context): Promise<MeasureRow[]> {
  const isQuick = secondsPerPoint < 3;
  const minutes = isQuick ? 1 : 10;
  return [
    ...measurePaper(isQuick ? 1 : 10, progress),
    ...measureLan('P7.lan32', small, 10, isQuick ? 10 : 50, 3, progress),
    ...measureLan('P7.lan1000', large, minutes, isQuick ? 1 : 3, 5, progress),
  ];
}

function measurePaper(minutes: number, progress: Context['progress']): MeasureRow[] {
  const calm = new Watched({ profile: paper, hosts: large, loss: 0, seed: 1 });
  const formed = calm.form();
  const forming = calm.totals();
  progress(`${large} hosts, paper: formed after ${formed} s`);
  const rounds = calm.spread();
  const calmCrash = calm.crash(0.25);
  progress(`a counter took ${rounds.toFixed(1)} rounds, a crash was known after ${calmCrash.toFixed(1)} s`);
  const rough = new Watched({ profile: paper, hosts: large, loss, seed: 2 });
  rough.form();
  const before = rough.totals();
  rough.run(minutes * 60_000);
  const after = rough.totals();
  const happy = (after.happy - before.happy) / (after.exchanges - before.exchanges);
  const bytes = (after.bytes - before.bytes) / large / (minutes * 60);
  const lossRounds = rough.spread();
  const lossCrash = rough.crash(0.25);
  const falseCount = rough.falseCount + calm.falseCount;
  progress(`with 10 % loss: ${lossRounds.toFixed(1)} rounds, a crash ${lossCrash.toFixed(1)} s, ${falseCount} false`);
  const what = `${large} hosts, paper`;
  return [
    row({ id: 'P7', what: `${what}: a crash known everywhere`, value: calmCrash, unit: 's', goal: '<= 36' }),
    row({ id: 'P7.loss', what: `${what}, 10 % loss: the same`, value: lossCrash, unit: 's', goal: '<= 36' }),
    row({ id: 'P7.rounds', what: `${what}: a counter everywhere`, value: rounds, unit: 'rounds', goal: '<= 11' }),
    row({ id: 'P7.rounds.loss', what: `${what}, 10 % loss: the same`, value: lossRounds, unit: 'rounds' }),
    row({ id: 'P7.happy', what: `${what}, 10 % loss: happy paths`, value: happy, unit: '', goal: '>= 0.99' }),
    row({ id: 'P7.bytes', what: `${what}: sent by each host`, value: bytes / 1024, unit: 'KiB/s' }),
    row({ id: 'P7.form', what: `${what}: from nothing to all`, value: formed, unit: 's' }),
    row({ id: 'P7.form.slow', what: `${what}: full sets, each, meanwhile`, value: forming.slow / large, unit: 'sets' }),
    row({ id: 'P7.false', what: `${what}: false, ${minutes} min`, value: falseCount, unit: '', goal: '<= 0' }),
    measureLag(progress),
  ];
}

/** Hosts that stand still: a third for less than others' patience, some for longer. Nobody may accuse, or be accused, wrongly. */
function measureLag(progress: Context['progress']): MeasureRow {
  const watched = new Watched({ profile: paper, hosts: 300, loss, seed: 3 });
  watched.form();
  for (let host = 1; host <= 110; host += 1) {
    const peer = watched.world.peers.get(`h${host}`) as Peer;
    const isLong = host > 100;
    if (isLong) watched.asleep.add(peer.id);
    watched.world.at(watched.world.nowMs + watched.random.below(20_000), () =>
      watched.world.pause(peer, isLong ? 60_000 : 10_000),
    );
  }
  watched.run(150_000);
  progress(`of 300 hosts 100 paused for 10 s and 10 for 60 s: ${watched.falseCount} false`);
  const what = '300 hosts, paper: false, where 110 pause for 10 to 60 s';
  return row({ id: 'P7.lag', what, value: watched.falseCount, unit: '', goal: '<= 0' });
}

function measureLan(
  id: string,
  hosts: number,
  minutes: number,
  worlds: number,
  goalSeconds: number,
  progress: Context['progress'],
): MeasureRow[] {
  let [worst, burst, calmFalse, crashFalse] = [0, 0, 0, 0];
  for (let world = 0; world < worlds; world += 1) {
    const watched = new Watched({ profile: lan, hosts, loss, seed: 10 + world });
    watched.form();
    if (world === 0) watched.run(minutes * 60_000);
    calmFalse += watched.falseCount;
    watched.falseCount = 0;
    worst = Math.max(worst, watched.crash(1.5));
    burst = Math.max(burst, watched.crash(0.25, 5));
    crashFalse += watched.falseCount;
  }
  progress(
    `${hosts} hosts, lan, 10 % loss: a crash ${worst.toFixed(2)} s, of many ${burst.toFixed(2)} s, ${calmFalse} + ${crashFalse} false`,
  );
  const what = `${hosts} hosts, lan, 10 % loss`;
  const crashes = `${what}: a crash known everywhere, of ${crashesPerWorld * worlds}`;
  return [
    row({ id, what: crashes, value: worst, unit: 's', goal: `<= ${goalSeconds}` }),
    row({ id: `${id}.burst`, what: `${what}: the same, of ${crashesPerWorld} at a time`, value: burst, unit: 's' }),
    row({ id: `${id}.burst.false`, what: `${what}: false in all these crashes`, value: crashFalse, unit: '' }),
    row({ id: `${id}.false`, what: `${what}: false, ${minutes} min`, value: calmFalse, unit: '', goal: '<= 0' }),
  ];
}
