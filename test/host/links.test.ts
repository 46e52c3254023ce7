// The port of a host against those who have no business there.
import { connect as dial } from 'node:net';
import { pino } from 'pino';
import t from 'tap';
import { freePort } from '../../bench/processes.ts';
import { hostId } from '../../engine/base/ids.ts';
import { Links } from '../../host/links.ts';

async function openLinks(): Promise<{ links: Links; port: number }> {
  const port = await freePort();
  const hello = { version: 1, cluster: 'c', host: hostId('h1'), boot: 'b', storeId: 's', appHash: 'a' } as const;
  const options = { hello, address: `127.0.0.1:${port}`, peers: [], secret: 'secret', log: pino({ level: 'silent' }) };
  const unexpected = (): never => {
    throw new Error('nobody was let in');
  };
  const events = {
    onConnected: unexpected,
    onDisconnected: unexpected,
    onRefused: unexpected,
    onFrame: unexpected,
    onFront: unexpected,
  };
  const links = new Links({ ...options, random: () => 0 }, events);
  await links.open();
  return { links, port };
}

/** Asks for an upgrade without the secret, and goes away in the middle of the answer. */
function knockAndRun(port: number, how: 'destroy' | 'reset' | 'stay'): Promise<void> {
  return new Promise((done) => {
    const socket = dial(port, '127.0.0.1');
    const lines = ['GET /chain HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', '', ''];
    socket.on('error', () => {});
    socket.on('close', () => done());
    socket.on('connect', () => {
      socket.write(lines.join('\r\n'));
      if (how === 'destroy') socket.destroy();
      if (how === 'reset') socket.resetAndDestroy();
    });
    // One that stays is shown out: the host keeps no socket that it refused.
    socket.on('data', () => {});
  });
}

t.test('[H3] who is refused and goes away in any manner takes nothing with it', async (t) => {
  const { links, port } = await openLinks();
  const knocks = Array.from({ length: 60 }, (_, index) => knockAndRun(port, index % 2 === 0 ? 'destroy' : 'reset'));
  await Promise.all([...knocks, knockAndRun(port, 'stay')]);
  t.pass('the process lives, and every socket is closed');
  await links.close();
});
