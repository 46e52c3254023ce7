// One host of a running cluster, dead or paused for as long as the driver of the benches says, and no longer.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Cluster, startCluster } from '../../bench/cluster.ts';
import { isAlive, onStage } from '../../bench/processes.ts';
import { hostIn, whyNotWhole } from '../../bench/status.ts';
import { connect } from '../../proxy/client/node.ts';

/** Longer than the pause before a restart, many times. */
const deadMs = 1_500;
const [chains, members] = [8, 3];

t.test('[C5] [C13] a host that stays dead, and one that is paused: what was sent meanwhile is answered', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const client = connect(cluster.ready.proxy, { as: 'alice' });
    stage.onRelease(() => client.close());
    const document = client.open<{ text?: string }>('board/main');
    await document.send('write', { text: 'before' });
    const status = await cluster.status();
    const tail = status === undefined ? undefined : hostIn(status, 0, 'tail');
    if (tail === undefined) throw new Error('chain 0 has no tail');
    const pid = cluster.pidOf(tail);
    const started = cluster.next(tail, 'started');
    cluster.takeDown(tail);
    const duringDeath = document.send('write', { text: 'during its death' });
    await sleep(deadMs);
    t.notOk(isAlive(pid), `${tail} is dead`);
    const known = (await cluster.status())?.hosts.find(({ host }) => host === tail);
    t.equal(known?.status, null, 'and nobody runs in its place');
    cluster.bringBack();
    await started;
    await duringDeath;
    await untilWhole(cluster);
    cluster.pause(tail);
    const duringPause = document.send('write', { text: 'during its pause' });
    await sleep(deadMs);
    t.ok(isAlive(cluster.pidOf(tail)));
    cluster.resume(tail);
    await duringPause;
    await untilWhole(cluster);
    t.same(cluster.unexpected, [], 'nothing ended that was not killed here');
  });
});

async function untilWhole(cluster: Cluster): Promise<void> {
  while (whyNotWhole(await cluster.status(), chains, members) !== undefined) await sleep(20);
}
