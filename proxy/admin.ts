// The operator's door: what the proxy knows, and what the hosts say when asked. A port of its own, a token for every request.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError } from '../engine/base/errors.ts';
import { logRecordsAskedMax } from '../engine/base/limits.ts';
import { checkLoopback, hasToken, isOurs, replyError, replyJson } from './doorkeeper.ts';
import type { ProxyServer } from './proxy.ts';
import { listenOn } from './proxy.ts';

export type AdminOptions = {
  /** Loopback; HOST_OPTIONS otherwise. */
  readonly address: string;
  /** 0 takes any free port; listen() returns it. */
  readonly port: number;
  /** Said as `authorization: Bearer TOKEN` with every request. */
  readonly token: string;
  readonly proxy: ProxyServer;
};

export class Admin {
  readonly #options: AdminOptions;
  readonly #http: Server;
  #port = 0;

  constructor(options: AdminOptions) {
    checkLoopback(options.address);
    this.#options = options;
    this.#http = createServer((request, response) => void this.#onRequest(request, response));
  }

  /** Opens the port, which it returns. PORT_TAKEN where it is in use. */
  async listen(): Promise<number> {
    await listenOn(this.#http, this.#options.address, this.#options.port);
    this.#port = (this.#http.address() as AddressInfo).port;
    return this.#port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeAllConnections();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOurs(request, this.#port))
      return replyError(response, 403, 'ORIGIN_REFUSED', 'not one of our own addresses');
    if (!hasToken(request, this.#options.token))
      return replyError(response, 401, 'TOKEN_REFUSED', 'no or a wrong token');
    if (request.method !== 'GET') return replyError(response, 405, 'FRAME_INVALID', 'GET only');
    const [path, query] = (request.url ?? '').split('?', 2);
    try {
      if (path === '/status') return replyJson(response, 200, await this.#status());
      if (path === '/log') return replyJson(response, 200, await this.#log(new URLSearchParams(query)));
      return replyError(response, 404, 'FRAME_INVALID', '/status and /log are here');
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      replyError(response, error.code === 'FRAME_INVALID' ? 400 : 502, error.code, error.message);
    }
  }

  /** Every host is asked at the same time; one that does not reply stands there with the reason. */
  async #status(): Promise<string> {
    const { proxy } = this.#options;
    const hosts = await Promise.all(proxy.hostIds.map((id) => this.#statusOf(id)));
    const front = JSON.stringify(proxy.counts);
    return `{"proxy":${front},"hosts":[${hosts.join(',')}],"chains":${JSON.stringify(proxy.chains)}}`;
  }

  async #statusOf(host: string): Promise<string> {
    try {
      const json = await this.#options.proxy.ask(host, 'status', {});
      return `{"host":${JSON.stringify(host)},"status":${json}}`;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return JSON.stringify({ host, status: null, code: error.code, text: error.message });
    }
  }

  #log(query: URLSearchParams): Promise<string> {
    const chain = countOf(query, 'chain', 0);
    const after = countOf(query, 'after', 0);
    const max = Math.min(countOf(query, 'max', 100), logRecordsAskedMax);
    return this.#options.proxy.ask(query.get('host') ?? '', 'log', { chain, after, max });
  }
}

function countOf(query: URLSearchParams, name: string, usual: number): number {
  const text = query.get(name);
  if (text === null) return usual;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CodedError('FRAME_INVALID', `${name} is not a whole number from 0`);
}
