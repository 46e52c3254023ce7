// The operator's door: what the proxy knows, what the hosts say when asked, and what they are told to do. A port of its own, a
// token for every request.
//
//   GET  /status   { proxy, hosts: [{ host, status, state, boot, isLeaving, heads, chains, voter }], chains: [...], voters }
//                  a chain: { chain, epoch, minor, phase, state, serving, head, members: [{ host, role, state, lsn, lag }], lag, reason? }
//                  (overview.ts says what each means; `status` is the host's own words, or null beside `code` and `text`)
//   GET  /log      ?host=h1&chain=0&after=0&max=100   -> { lines, next }: records of one host's log; more behind `next`, unless it is null
//                  and besides: before, document, kind, epoch
//   POST /ask      { "host": "h1", "question": "leave", "args": { "isLeaving": true } }   -> the host's reply
//                  questions: leave, verify, export, force-config, replace-voter, history, quota, rewind, delete, deploy, states
//                  (host/operator.ts)
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError } from '../engine/base/errors.ts';
import {
  adminBodyBytesMax,
  askMs,
  deployAskMs,
  documentAskMs,
  logRecordsAskedMax,
  replaceVoterMs,
} from '../engine/base/limits.ts';
import { checkLoopback, hasToken, isOurs, replyError, replyJson } from './doorkeeper.ts';
import type { Answer, HostLine } from './overview.ts';
import { newestVoters, overviewOfChain, overviewOfHost } from './overview.ts';
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
    const { method } = request;
    if (method !== 'GET' && method !== 'POST') return replyError(response, 405, 'FRAME_INVALID', 'GET and POST only');
    const [path, query] = (request.url ?? '').split('?', 2);
    try {
      if (method === 'POST' && path === '/ask')
        return replyJson(response, 200, await this.#ask(await readBody(request)));
      if (method === 'POST') return replyError(response, 405, 'FRAME_INVALID', 'POST is for /ask');
      if (path === '/status') return replyJson(response, 200, await this.#status());
      if (path === '/log') return replyJson(response, 200, await this.#log(new URLSearchParams(query)));
      return replyError(response, 404, 'FRAME_INVALID', '/status, /log and, by POST, /ask are here');
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      replyError(response, error.code === 'FRAME_INVALID' ? 400 : 502, error.code, error.message);
    }
  }

  /** Every host is asked at the same time; one that does not reply stands there with the reason. */
  async #status(): Promise<string> {
    const { proxy } = this.#options;
    const answers = await Promise.all(proxy.hostIds.map((id) => this.#statusOf(id)));
    const chains = proxy.chains.map((claim) => overviewOfChain(answers, claim));
    const hosts = answers.map((answer) => ({ ...answer, ...overviewOfHost(answers, chains, answer) }));
    return JSON.stringify({ proxy: proxy.counts, hosts, chains, voters: newestVoters(answers) ?? null });
  }

  async #statusOf(host: string): Promise<Answer & { readonly code?: string; readonly text?: string }> {
    try {
      return { host, status: hostLineIn(await this.#options.proxy.ask(host, 'status', {})) };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { host, status: null, code: error.code, text: error.message };
    }
  }

  /** A question that changes something, or that shows what documents hold. Only these: whoever has the token may not try what else a host might hear. */
  #ask(body: unknown): Promise<string> {
    const { host, question, args } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    const waitMs = typeof question === 'string' ? waits.get(question) : undefined;
    const isWhole = typeof host === 'string' && typeof args === 'object' && args !== null && !Array.isArray(args);
    if (!isWhole || typeof question !== 'string' || waitMs === undefined) {
      const known = [...waits.keys()].join(', ');
      throw new CodedError('FRAME_INVALID', `a question is { host, question, args }, and one of ${known}`);
    }
    return this.#options.proxy.ask(host, question, args as Record<string, unknown>, waitMs);
  }

  #log(query: URLSearchParams): Promise<string> {
    const chain = countOf(query, 'chain', 0);
    const after = countOf(query, 'after', 0);
    const max = Math.min(countOf(query, 'max', 100), logRecordsAskedMax);
    const filters: Record<string, string | number> = {};
    for (const name of ['document', 'kind']) {
      const text = query.get(name);
      if (text !== null) filters[name] = text;
    }
    for (const name of ['before', 'epoch']) if (query.has(name)) filters[name] = countOf(query, name, 0);
    return this.#options.proxy.ask(query.get('host') ?? '', 'log', { chain, after, max, ...filters });
  }
}

/** How long a host may take over each question. */
const waits: ReadonlyMap<string, number> = new Map([
  ['leave', askMs],
  ['verify', askMs],
  ['export', askMs],
  ['force-config', askMs],
  ['replace-voter', replaceVoterMs + askMs],
  ['history', documentAskMs],
  ['quota', documentAskMs],
  ['rewind', documentAskMs],
  ['delete', documentAskMs],
  ['deploy', deployAskMs],
  ['states', documentAskMs],
]);

/** CHAIN_PROTOCOL where a host of another release says something else. */
function hostLineIn(json: string): HostLine {
  const line = parseJson(json, 'CHAIN_PROTOCOL') as Partial<HostLine> | null;
  const lists = [line?.chains, line?.hosts, line?.voters?.voters];
  if (lists.every(Array.isArray)) return line as HostLine;
  throw new CodedError('CHAIN_PROTOCOL', 'its status is not one that is known here');
}

/** FRAME_INVALID where it does not say that it is short enough, or is not JSON. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  if (!(length <= adminBodyBytesMax)) {
    throw new CodedError('FRAME_INVALID', `a body says its length, at most ${adminBodyBytesMax} bytes`);
  }
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new CodedError('CONNECTION_LOST', 'the request broke off', { cause });
  }
  return parseJson(Buffer.concat(chunks).toString(), 'FRAME_INVALID');
}

function parseJson(text: string, code: ErrorCode): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError(code, 'not JSON', { cause });
  }
}

function countOf(query: URLSearchParams, name: string, usual: number): number {
  const text = query.get(name);
  if (text === null) return usual;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CodedError('FRAME_INVALID', `${name} is not a whole number from 0`);
}
