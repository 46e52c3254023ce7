import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';

/** Resolves with the port: the one asked for, or, for 0, the one the system chose. */
export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : port;
}

/** A connection that this process cannot do without: when it closes, the process ends, and its parent hears of it. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  socket.once('close', () => {
    throw new Error(`the connection to port ${port} closed`);
  });
  return socket;
}
