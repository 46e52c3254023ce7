// The files that a proxy hands to browsers: read once at the start, found by exact path. Nothing else is on any path, so
// there is nothing to climb to.
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { commonHeaders, replyError } from './doorkeeper.ts';

export type PageFile = { readonly type: string; readonly bytes: Buffer };

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};

/** The client as the build leaves it, under `/levelten/`: the paths are those of the build, so relative imports work. */
const clientModules = [
  'proxy/client/client.js',
  'proxy/client/document.js',
  'proxy/client/frames.js',
  'proxy/client/shown.js',
  'engine/base/delta.js',
  'engine/base/merge-patch.js',
  'engine/base/errors.js',
];

export type PageOptions = { readonly pageFolder: string | undefined; readonly distFolder: string | undefined };

/** Reads the page's files (not its subfolders) and the client's modules. A missing module is an error: the page needs it. */
export async function readPages(options: PageOptions): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const name of options.pageFolder === undefined ? [] : await readdir(options.pageFolder)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const file = { type, bytes: await readFile(join(options.pageFolder ?? '', name)) };
    files.set(`/${name}`, file);
    if (name === 'index.html') files.set('/', file);
  }
  for (const path of options.distFolder === undefined ? [] : clientModules) {
    const bytes = await readFile(join(options.distFolder ?? '', path));
    files.set(`/levelten/${path}`, { type: types['.js'] ?? '', bytes });
  }
  return files;
}

/** Host was checked against our own addresses before, so it may stand in the policy. */
export function servePage(
  files: ReadonlyMap<string, PageFile>,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const file = files.get(path);
  if (file === undefined) return replyError(response, 404, 'FRAME_INVALID', 'no such page');
  response.writeHead(200, {
    ...commonHeaders,
    'content-type': file.type,
    'content-length': file.bytes.length,
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ws://${request.headers.host}`,
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
  });
  response.end(request.method === 'HEAD' ? undefined : file.bytes);
}
