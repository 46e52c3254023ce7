// Who is missed, on which evidence, and when a host holds its own word back. All by a clock of the test's own.
import t from 'tap';
import type { Detector } from '../../chain/detector.ts';
import {
  advanceDetector,
  createDetector,
  goneInGossip,
  heardFrom,
  heardPulse,
  isConfirmedDead,
  isLive,
  isSuspect,
  isWanted,
  linkChanged,
  takePulse,
  wasRefused,
} from '../../chain/detector.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import { lagMs, linkLostMs, pulseMs, silentMs } from '../../engine/base/limits.ts';

const [a, b, c] = ['a', 'b', 'c'].map(hostId) as [HostId, HostId, HostId];

/** Seen from a, with links to b and c. */
function linked(): Detector {
  const detector = createDetector(a, [a, b, c], 0);
  linkChanged(detector, b, true);
  linkChanged(detector, c, true);
  return detector;
}

/** Time goes by at the pace of a process that runs; `speakers` are heard all the while. */
function pass(detector: Detector, ms: number, speakers: readonly HostId[] = []): void {
  const endMs = detector.nowMs + ms;
  while (detector.nowMs < endMs) {
    advanceDetector(detector, Math.min(endMs, detector.nowMs + lagMs));
    for (const host of speakers) heardFrom(detector, host);
  }
}

t.test('[C2] a link on which nothing is heard leads to nobody, after six pulses', async (t) => {
  const detector = linked();
  pass(detector, silentMs, [c]);
  t.notOk(isSuspect(detector, b));
  pass(detector, 1, [c]);
  t.ok(isSuspect(detector, b));
  t.notOk(isSuspect(detector, c));
  heardFrom(detector, b);
  t.notOk(isSuspect(detector, b), 'one word takes the suspicion back');
});

t.test(
  '[C2] a link that broke may come back in time; a refused connection says at once that nobody is there',
  async (t) => {
    const detector = linked();
    linkChanged(detector, b, false);
    linkChanged(detector, c, false);
    t.notOk(isLive(detector, b), 'nobody talks to it');
    t.notOk(isSuspect(detector, b), 'and nobody accuses it');
    wasRefused(detector, b);
    t.ok(isSuspect(detector, b));
    pass(detector, linkLostMs);
    t.notOk(isSuspect(detector, c));
    pass(detector, 1);
    t.ok(isSuspect(detector, c));
    linkChanged(detector, b, true);
    wasRefused(detector, b);
    t.notOk(isSuspect(detector, b), 'a refusal from before the link is no evidence against it');
  },
);

t.test('[C2] gossip’s word counts where there is no link, and not against one that talks', async (t) => {
  const detector = linked();
  goneInGossip(detector, b, true);
  t.notOk(isSuspect(detector, b));
  linkChanged(detector, b, false);
  t.ok(isSuspect(detector, b));
  goneInGossip(detector, b, false);
  t.notOk(isSuspect(detector, b));
});

t.test('[C2] a host that stood still accuses nobody for the time that it missed', async (t) => {
  const detector = linked();
  linkChanged(detector, c, false);
  pass(detector, linkLostMs - 10);
  advanceDetector(detector, detector.nowMs + 60_000);
  t.notOk(isSuspect(detector, b));
  t.notOk(isSuspect(detector, c));
  pass(detector, 11);
  t.ok(isSuspect(detector, c), 'its patience goes on where it was');
});

t.test('[C2] two observers where there are two: a lone one may have the broken link itself', async (t) => {
  const detector = linked();
  linkChanged(detector, b, false);
  wasRefused(detector, b);
  t.notOk(isConfirmedDead(detector, b), 'c does not miss it');
  heardPulse(detector, c, { kind: 'pulse', suspects: [b], isLeaving: false, isFull: false });
  t.ok(isConfirmedDead(detector, b));
  linkChanged(detector, c, false);
  linkChanged(detector, c, true);
  t.notOk(isConfirmedDead(detector, b), 'what c said on its last link is not what it says now');
  linkChanged(detector, c, false);
  pass(detector, linkLostMs + 1);
  t.ok(isConfirmedDead(detector, b), 'nobody else is there to be asked');
});

t.test('a pulse is due in time, and at once when whom this host misses has changed', async (t) => {
  const detector = linked();
  t.same(takePulse(detector), { kind: 'pulse', suspects: [], isLeaving: false, isFull: false });
  t.notOk(advanceDetector(detector, pulseMs - 1));
  t.ok(advanceDetector(detector, pulseMs));
  takePulse(detector);
  linkChanged(detector, b, false);
  wasRefused(detector, b);
  t.ok(advanceDetector(detector, pulseMs + 1));
  t.same(takePulse(detector).suspects, [b]);
  t.notOk(advanceDetector(detector, pulseMs + 2), 'said once');
});

t.test('chains are placed on who is there and is not being emptied', async (t) => {
  const detector = linked();
  t.same(
    [a, b, c].map((host) => isWanted(detector, host)),
    [true, true, true],
  );
  heardPulse(detector, b, { kind: 'pulse', suspects: [], isLeaving: true, isFull: false });
  detector.isLeaving = true;
  linkChanged(detector, c, false);
  t.same(
    [a, b, c].map((host) => isWanted(detector, host)),
    [false, false, false],
  );
  t.ok(isLive(detector, b), 'it still serves');
});
