// Who may knock. A page of some other site, open in the same browser, can reach every loopback port: so a request names one
// of our own addresses in Host, and comes from one of our own pages if it says where from. (A browser cannot leave either out,
// and a name that someone rebinds to 127.0.0.1 is not on the list.)
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../engine/base/errors.ts';
import { CodedError, retryOf } from '../engine/base/errors.ts';

const loopbackAddresses = ['127.0.0.1', '::1', 'localhost'];

/** HOST_OPTIONS unless `address` is loopback: without authentication nobody else may reach the port. */
export function checkLoopback(address: string): void {
  if (loopbackAddresses.includes(address)) return;
  throw new CodedError('HOST_OPTIONS', `development mode listens on loopback only, not on ${address}`);
}

/** True when Host is one of ours, and Origin, where there is one, is the http origin of one of ours. */
export function isOurs(request: IncomingMessage, port: number): boolean {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  const { host, origin } = request.headers;
  if (host === undefined || !names.includes(host)) return false;
  return origin === undefined || names.some((name) => origin === `http://${name}`);
}

/** Compared by digest, so that neither time nor length tells anything of the token. */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const given = createHash('sha256')
    .update(request.headers.authorization ?? '')
    .digest();
  return timingSafeEqual(given, createHash('sha256').update(`Bearer ${token}`).digest());
}

export const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

export function replyJson(response: ServerResponse, status: number, json: string): void {
  const body = Buffer.from(json);
  response.writeHead(status, {
    ...commonHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
}

export function replyError(response: ServerResponse, status: number, code: ErrorCode, text: string): void {
  replyJson(response, status, errorJson(code, text));
}

/** Refuses an upgrade with a whole HTTP answer, and lets go of the socket. */
export function refuseUpgrade(socket: Duplex, status: string, code: ErrorCode, text: string): void {
  const body = errorJson(code, text);
  const length = Buffer.byteLength(body);
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function errorJson(code: ErrorCode, text: string): string {
  return JSON.stringify({ code, retry: retryOf(code), text });
}
