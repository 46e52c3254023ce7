// A child process: JSON clients on one side, one link on the other; what arrives in one turn goes up as one message.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Packr } from 'msgpackr';
import { WebSocket, WebSocketServer } from 'ws';
import { answerParent } from '../processes.ts';
import type { BareAnswer, BareSend } from './bare-e2e-head.ts';
import { listen } from './bare-socket.ts';

answerParent({ start });

async function start({ port, headPort }: { port: number; headPort: number }): Promise<number> {
  const link = new Packr({ useRecords: false });
  const head = new WebSocket(`ws://127.0.0.1:${headPort}`, { perMessageDeflate: false });
  await once(head, 'open');
  head.once('close', () => {
    throw new Error('the head closed the link');
  });
  const connections = new Map<number, WebSocket>();
  let connected = 0;
  let sends: BareSend[] = [];
  head.on('message', (data) => {
    for (const [connection, n, seq, message] of link.unpack(data as Buffer) as BareAnswer[]) {
      const delta = JSON.stringify(message);
      connections.get(connection)?.send(`{"t":"ack","n":${n},"seq":${seq},"delta":${delta}}`);
    }
  });
  const flush = (): void => {
    head.send(link.pack(sends));
    sends = [];
  };
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
    const connection = connected;
    connected += 1;
    connections.set(connection, socket);
    socket.on('close', () => connections.delete(connection));
    socket.on('message', (data) => {
      const { doc, n, msg } = JSON.parse(String(data));
      sends.push([connection, doc, n, msg]);
      if (sends.length === 1) setImmediate(flush);
    });
  });
  return listen(server, port);
}
