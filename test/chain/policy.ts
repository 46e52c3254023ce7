// A policy that is fair and not clever: it mends whatever is broken, one thing at a time, until all hosts serve. Whatever state
// the faults have left must lead there; one that does not is a trap.
import { seatOf, servingOf } from '../../chain/configuration.ts';
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';
import type { Prng } from '../prng.ts';
import type { Member, World } from './world.ts';

type Happens = (act: () => boolean) => boolean;

/** Everything that can happen without a fault happens, until nothing is left to happen. A slow link keeps what it has. */
export function settle(world: World, prng?: Prng, isSlow: (a: string, b: string) => boolean = () => false): void {
  for (let rounds = 0; ; rounds += 1) {
    assert(rounds < 3_000, 'C13: a chain comes to rest');
    const isDelayed = (): boolean => prng !== undefined && rounds < 30 && prng.below(2) === 0;
    let isBusy = false;
    const happens: Happens = (act) => {
      isBusy = isDelayed() || act() || isBusy;
      return isBusy;
    };
    for (const { id } of world.members.values()) {
      happens(() => world.read(id));
      happens(() => world.sync(id));
      happens(() => world.decide(id));
      for (const other of world.members.keys()) happens(() => !isSlow(id, other) && world.deliver(id, other));
    }
    if (!isBusy) return;
  }
}

/** Whatever is down is up, and linked. */
export function heal(world: World): void {
  for (const { id, isUp } of world.members.values()) if (!isUp) world.restart(id);
  const names = [...world.members.keys()];
  for (const a of names) for (const b of names) if (a < b) world.dial(a, b);
}

/** Mends until every host serves. */
export function mend(world: World, pick: (members: readonly Member[]) => Member, prng?: Prng): void {
  for (let rounds = 0; rounds < 40; rounds += 1) {
    heal(world);
    settle(world, prng);
    if (mendOne(world, pick, prng)) return;
  }
  assert(false, 'C13: a healed chain serves on all its hosts');
}

/** True where nothing is left to mend. */
function mendOne(world: World, pick: (members: readonly Member[]) => Member, prng: Prng | undefined): boolean {
  const { value } = world.register;
  const members = [...world.members.values()];
  const serving = value === undefined ? [] : servingOf(value.members);
  const isWhole = value?.phase === 'active' && serving.every(({ host }) => runsActive(world, world.member(host)));
  if (!isWhole) {
    const driver = pick(members);
    world.tell(driver.id, { kind: 'look' });
    settle(world, prng);
    if (world.register.value !== value) return false;
    world.reconfigure(driver.id, orderOf(world), 1);
    settle(world, prng);
    world.tell(driver.id, { kind: 'hurry' });
    settle(world, prng);
    return false;
  }
  const last = serving.at(-1)?.host as HostId;
  // A joiner's ack says something: a log that is empty has none.
  if (world.head !== undefined && world.head.replica.received.lsn === 0) world.propose(world.head.id);
  const joiner = value.members.find(({ role }) => role === 'syncing');
  world.tell(last, { kind: 'look' });
  settle(world, prng);
  if (world.register.value !== value) return false;
  if (joiner !== undefined) {
    const { replica, isUp, storeId } = world.member(joiner.host);
    const follows = isUp && joiner.boot === replica.boot && joiner.storeId === storeId;
    assert(!follows, `C9: ${joiner.host} was asked to join, could, and is not promoted`);
    world.tell(last, { kind: 'remove', host: joiner.host });
  } else {
    const missing = members.find(({ id }) => seatOf(value.members, id) === undefined);
    if (missing === undefined) return true;
    world.tell(last, { kind: 'add', host: missing.id });
  }
  settle(world, prng);
  return false;
}

/** Without this disk, what was answered is still on one that counts, whatever is under way. */
export function mayLoseDisk(world: World, lost: Member): boolean {
  const { active } = world.witness;
  const isEnough = (epoch: number, seats: readonly { readonly host: HostId; readonly storeId: string }[]): boolean =>
    seats.some(({ host, storeId }) => {
      const member = world.member(host);
      return member !== lost && member.storeId === storeId && member.disk.marks.logEpoch >= epoch;
    });
  if (active === undefined || !isEnough(active.epoch, servingOf(active.members))) return false;
  const coming = [...world.members.values()].flatMap(({ question }) =>
    question?.kind === 'cas' ? [question.value] : [],
  );
  const values = [...coming, ...world.register.late.map(({ value }) => value)];
  if (!values.every(({ phase, epoch, members }) => phase === 'pending' || isEnough(epoch, servingOf(members))))
    return false;
  return [...world.members.values()].every(({ replica: { drive } }) => {
    // What it said before may still arrive, and be enough for an epoch of its own.
    if (drive?.asked.has(lost.id) === true && drive.intention.serversMin < 2) return false;
    const holders = [...(drive?.transferred ?? [])].map(([host, storeId]) => ({ host, storeId }));
    return holders.length === 0 || isEnough(drive?.pending?.epoch ?? 0, holders);
  });
}

/** Those who serve by the register first. */
function orderOf(world: World): HostId[] {
  const active = world.witness.active;
  const before = active === undefined ? [] : servingOf(active.members).map(({ host }) => host);
  return [...new Set([...before, ...world.members.keys()])];
}

/** A chain that is mended: one log on all disks, which holds whatever was answered; and it takes a write. */
export function checkMended(world: World): void {
  const { head } = world;
  assert(head !== undefined, 'C13: a mended chain has a head');
  const { received, acked } = head.replica;
  assert(acked.lsn === received.lsn, `C5: at rest, ${acked.lsn} of ${received.lsn} is acked`);
  const { promised } = world.witness;
  assert(promised.lsn === received.lsn && promised.hash === received.hash, 'C6: at rest everything is committed');
  for (const { id, disk } of world.members.values()) {
    const end = disk.records.at(-1);
    assert(
      (end?.hash ?? '') === (received.lsn === 0 ? '' : received.hash),
      `C7: the log of ${id} ends at ${disk.records.length}`,
    );
  }
}

/** Whether a member runs the epoch that the register holds active, in its place. */
function runsActive(world: World, { id, isUp, replica, storeId }: Member): boolean {
  const { value } = world.register;
  const { phase } = replica;
  const config = 'config' in phase ? phase.config : undefined;
  if (!isUp || value?.phase !== 'active' || config?.epoch !== value.epoch || phase.kind !== 'serving') return false;
  const seat = seatOf(value.members, id);
  return seat?.role === 'serving' && seat.storeId === storeId && config.minor === value.minor;
}
