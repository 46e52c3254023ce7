// levelten/client for Node: the same client, with the WebSocket of `ws`, since Node 20 has none of its own.
import WebSocket from 'ws';
import type { Client, ConnectOptions, SocketConstructor } from './client.ts';
import { connect as connectWith } from './client.ts';

export type {
  Answer,
  Client,
  ConnectOptions,
  DocumentStatus,
  Ephemerals,
  OpenDocument,
  OpenOptions,
} from './client.ts';
export { RefusedError, Shown } from './client.ts';

/** Connects to a proxy, as in `ws://127.0.0.1:7400`, and keeps the connection until close(). */
export function connect(url: string, options: ConnectOptions): Client {
  return connectWith(url, { WebSocket: WebSocket as SocketConstructor, ...options });
}
