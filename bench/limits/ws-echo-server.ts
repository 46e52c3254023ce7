// A child process: sends back what it gets.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { answerParent } from '../processes.ts';
import { listen } from './bare-socket.ts';

answerParent({
  start: async ({ port }: { port: number }) => {
    const server = createServer();
    new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    return listen(server, port);
  },
});
