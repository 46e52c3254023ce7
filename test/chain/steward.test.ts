// When a chain is reconfigured, joined or moved, and by whom first. What is decided here costs availability at worst; so these are
// tests of promptness, of turns, and of leaving alone.
import t from 'tap';
import { createDetector, heardPulse, linkChanged, wasRefused } from '../../chain/detector.ts';
import type { Event } from '../../chain/state.ts';
import type { Care, Facts } from '../../chain/steward.ts';
import { createCare, decide, forgive, noteStage } from '../../chain/steward.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import {
  driveMs,
  heldUpMsMin,
  hurryMs,
  joinStuckMs,
  lookMs,
  movePauseMs,
  pendingMs,
  spacingMsMin,
  staggerMs,
  stuckMs,
} from '../../engine/base/limits.ts';
import { active, history, One } from './one.ts';

const names = (text: string): HostId[] => text.split('>').map(hostId);

/** Host `self` of a, b and c, with all of them linked, and a policy with a clock of its own. */
class Steward {
  readonly one: One;
  readonly care: Care = createCare(0);
  readonly facts: { -readonly [Field in keyof Facts]: Facts[Field] };

  constructor(self: string, hosts = 'a>b>c') {
    this.one = new One(self);
    const detector = createDetector(hostId(self), names(hosts), 0);
    const common = { nowMs: 0, replication: 3, serversMin: 2, leftMs: 600_000, chance: 0.5 };
    this.facts = { detector, ...common, desired: names(hosts), founders: names(hosts) };
    for (const host of names(hosts)) if (host !== self) this.meet(host);
  }

  meet(host: string, boot = 'b1', storeId = host): void {
    this.one.connect(host, boot, storeId);
    linkChanged(this.facts.detector, hostId(host), true);
  }

  /** Its process is gone, and everybody has noticed. */
  bury(host: string, observer?: string): void {
    const { detector } = this.facts;
    this.one.disconnect(host);
    linkChanged(detector, hostId(host), false);
    wasRefused(detector, hostId(host));
    const suspects = [hostId(host)];
    if (observer !== undefined)
      heardPulse(detector, hostId(observer), { kind: 'pulse', suspects, isLeaving: false, isFull: false });
    this.facts.desired = this.facts.desired.filter((one) => one !== host);
  }

  /** What is decided `ms` later; everybody who is linked is heard all the while. */
  after(ms: number): string {
    this.facts.nowMs += ms;
    this.facts.detector.nowMs = this.facts.nowMs;
    for (const watched of this.facts.detector.hosts.values()) watched.heardMs = this.facts.nowMs;
    return describe(decide(this.care, this.one.replica, this.facts));
  }
}

function describe(event: Event | undefined): string {
  if (event === undefined) return '';
  if (event.kind === 'reconfigure') return `reconfigure ${event.intention.order.join('>')}`;
  return 'host' in event ? `${event.kind} ${event.host}` : event.kind;
}

function joined(self: string, order: string, hosts = 'a>b>c'): Steward {
  const steward = new Steward(self, hosts);
  steward.one.join(1, order);
  return steward;
}

/** Serving, in a chain in which nothing is wrong. */
function serving(self: string, order = 'a>b>c', hosts = 'a>b>c'): Steward {
  const steward = joined(self, order, hosts);
  t.equal(steward.after(0), '');
  return steward;
}

t.test('[C2] [C13] a chain that nobody knows is looked up, now and then, and nothing else', async (t) => {
  const steward = new Steward('a');
  t.equal(steward.after(0), 'look');
  t.equal(steward.after(lookMs - 1), '');
  t.equal(steward.after(1), 'look');
});

t.test('[C4] a chain that never ran begins with all who are placed on it, and the first of them begins', async (t) => {
  const [first, second] = [new Steward('a'), new Steward('b')];
  for (const { care } of [first, second]) care.isEmpty = true;
  t.equal(first.after(0), 'reconfigure a>b>c');
  t.equal(second.after(0), 'look');
  t.equal(second.after(pendingMs - 1), '', 'the first has its turn');
  t.equal(second.after(1), 'reconfigure a>b>c');
  const alone = new Steward('a');
  alone.care.isEmpty = true;
  alone.bury('c', 'b');
  t.equal(alone.after(0), 'look');
  t.match(alone.care.reason, /begins with all of its hosts: c did not come yet/);
});

t.test(
  'a dead member is left out at once, by the first of those who are left; the next waits for its turn',
  async (t) => {
    const [head, tail] = [serving('b'), serving('c')];
    head.bury('a', 'c');
    t.equal(head.after(0), 'reconfigure b>c');
    t.equal(head.care.reason, 'a is dead');
    tail.bury('a', 'b');
    t.equal(tail.after(0), '');
    t.equal(tail.after(staggerMs - 1), '');
    t.equal(tail.after(1), 'reconfigure b>c');
  },
);

t.test('[C2] a member that this host alone misses is not left out', async (t) => {
  const steward = serving('b');
  steward.bury('a');
  t.equal(steward.after(10), '');
  t.equal(steward.care.trouble, undefined);
});

t.test('[C12] too few are here: the chain waits, and says for whom', async (t) => {
  const steward = serving('b');
  steward.facts.serversMin = 3;
  steward.bury('a', 'c');
  t.equal(steward.after(0), '');
  t.equal(steward.care.reason, 'only 2 of at least 3 hosts are here');
  steward.facts.serversMin = 2;
  t.equal(steward.after(0), 'reconfigure b>c');
});

t.test('[C12] where nobody is left who holds all of it, nobody is asked to go on without', async (t) => {
  const outsider = new Steward('d', 'a>b>c>d');
  outsider.one.learn('a', active(1, 'a>b>c'));
  for (const host of ['a', 'b', 'c']) outsider.bury(host);
  t.equal(outsider.after(60_000), '');
  t.match(outsider.care.reason, /no host that holds all of the chain is here: a, b, c/);
});

t.test('[C10] a member with another store does not count as one that holds the chain', async (t) => {
  const steward = serving('b');
  steward.one.disconnect('a');
  steward.meet('a', 'b2', 'new-disk');
  t.equal(steward.after(0), 'reconfigure b>c>a', 'those who hold it first, and it is asked like any spare host');
});

t.test('[C13] a member that was started anew comes back through a higher epoch', async (t) => {
  const steward = serving('a');
  steward.one.disconnect('b');
  steward.meet('b', 'b2');
  t.equal(steward.after(0), 'reconfigure a>b>c');
  t.equal(steward.care.trouble, 'b was started anew');
});

t.test('a chain of fewer than it should be takes a spare host in, while it mends', async (t) => {
  const steward = serving('b', 'a>b>c', 'a>b>c>d');
  steward.facts.desired = names('b>c>d');
  steward.bury('a', 'c');
  t.equal(steward.after(0), 'reconfigure b>c>d');
});

t.test('acks that do not move while work waits are trouble; the end that stands nearer to it acts first', async (t) => {
  const [head, tail] = [serving('a'), serving('c')];
  const [entry] = history(1);
  if (entry === undefined) throw new Error('one record');
  head.one.step({ kind: 'propose', entry });
  head.one.sync();
  t.equal(head.after(0), '');
  t.equal(head.after(stuckMs + 2 * staggerMs), '', 'the tail has its turn');
  t.equal(head.after(1), 'reconfigure a>c>b', 'somebody else comes to stand between the ends of the link');
  t.equal(tail.after(60_000), '', 'where nothing waits, nothing is stuck');
});

t.test('repeated reconfigurations of one chain keep a growing distance', async (t) => {
  const steward = serving('b');
  steward.bury('a', 'c');
  const gaps: number[] = [];
  let sinceMs = 0;
  for (let ms = 0; gaps.length < 5; ms += 10) {
    if (!steward.after(10).startsWith('reconfigure')) continue;
    gaps.push(ms - sinceMs);
    sinceMs = ms;
  }
  t.same(gaps, [0, spacingMsMin, 2 * spacingMsMin, 4 * spacingMsMin, 8 * spacingMsMin]);
});

t.test('[C13] slow drivers do not overtake each other for ever: each attempt is waited for longer', async (t) => {
  const steward = serving('b');
  const { members } = active(1);
  const waitsMs: number[] = [];
  for (let made = 2; made <= 9; made += 1) {
    const { epoch } = active(made);
    const previous = active(1);
    const head = { ...previous, phase: 'pending', epoch, nonce: `a.b1.${made}`, members, previous } as const;
    steward.one.learn('a', head);
    let waitedMs = 0;
    while (waitedMs < 20_000 && steward.after(50) !== 'reconfigure a>b>c') waitedMs += 50;
    waitsMs.push(Math.floor(waitedMs / pendingMs));
  }
  t.same(waitsMs, [1, 1, 2, 4, 8, 8, 8, 8]);
});

t.test('a driver waits for answers, hurries, and begins anew; a pause of its own does not count', async (t) => {
  const steward = serving('a');
  const intention = { order: names('a>b>c'), serversMin: 2, loss: undefined };
  steward.one.step({ kind: 'reconfigure', intention });
  noteStage(steward.care, steward.one.replica, 0);
  t.equal(steward.after(hurryMs), '');
  t.equal(steward.after(1), 'hurry');
  forgive(steward.care, 100);
  t.equal(steward.after(99), '');
  t.equal(steward.after(driveMs), 'abandon');
});

t.test('the last who serves takes one host in at a time, and gives up one that does not come along', async (t) => {
  const tail = joined('b', 'a>b');
  t.equal(tail.after(0), 'add c');
  t.equal(tail.after(0), '', 'once');
  tail.one.learn('a', active(1, 'a>b>(c)', undefined, 1));
  t.equal(tail.after(0), '');
  t.equal(tail.after(joinStuckMs), '');
  t.equal(tail.after(1), 'remove c');
  tail.one.learn('a', active(1, 'a>b', undefined, 2));
  t.equal(tail.after(heldUpMsMin - 1), '', 'it held the chain up, and waits');
  t.equal(tail.after(1), 'add c');
  tail.one.learn('a', active(1, 'a>b>(c)', undefined, 3));
  t.equal(tail.after(joinStuckMs), '', 'a second try has as much time as the first');
  t.equal(joined('a', 'a>b').after(1_000), '', 'it is not for the head to add');
});

t.test('the head moves a chain to where it is placed, when nothing else happened for a while', async (t) => {
  const [head, other] = [serving('b', 'b>a>c'), serving('a', 'b>a>c')];
  t.equal(head.after(movePauseMs - 1), '');
  t.equal(head.after(1), 'reconfigure a>b>c');
  t.equal(other.after(movePauseMs), '');
  head.bury('c');
  t.equal(head.after(60_000), '', 'a member that is missed by one alone stays where it is');
});
