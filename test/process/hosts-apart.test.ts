// One host of a running cluster, dead or paused for as long as the driver of the benches says, and no longer.
import t from 'tap';
import { type Cluster, startCluster } from '../../bench/cluster.ts';
import { isAlive, onStage } from '../../bench/processes.ts';
import { type ClusterStatus, hostIn, whyNotWhole } from '../../bench/status.ts';
import { untilStatus } from '../../host/cli/admin-client.ts';
import { readFolder } from '../../host/folder.ts';
import { connect } from '../../proxy/client/node.ts';

const [chains, members] = [8, 3];
/** Many times what a cluster takes to be whole again. */
const wholeMsMax = 60_000;

t.test(
  '[C5] [C13] a host that stays dead, and one that is paused: what is sent meanwhile is answered meanwhile',
  async (t) => {
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
      await document.send('write', { text: 'during its death' });
      t.notOk(isAlive(pid), `${tail} is dead`);
      const known = (await cluster.status())?.hosts.find(({ host }) => host === tail);
      t.equal(known?.status, null, 'and nobody runs in its place');
      cluster.bringBack();
      await started;
      await untilWhole(cluster);
      cluster.pause(tail);
      await document.send('write', { text: 'during its pause' });
      t.ok(isAlive(cluster.pidOf(tail)));
      cluster.resume(tail);
      await untilWhole(cluster);
      t.same(cluster.unexpected, [], 'nothing ended that was not killed here');
    });
  },
);

async function untilWhole({ dir }: Cluster): Promise<void> {
  const whyNot = (status: unknown): string | undefined => whyNotWhole(status as ClusterStatus, chains, members);
  const folder = await readFolder(dir);
  const { status, isReached } = await untilStatus(folder, wholeMsMax, (one) => whyNot(one) === undefined);
  if (!isReached) throw new Error(`not whole: ${whyNot(status)}`);
}
