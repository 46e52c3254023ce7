// The files that a proxy hands to browsers: read once at the start, found by exact path. Nothing else is on any path, so
// there is nothing to climb to.
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { CodedError } from '../engine/base/errors.ts';
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
  'proxy/client/looking.js',
  'proxy/client/sends.js',
  'proxy/client/shown.js',
  'engine/base/delta.js',
  'engine/base/merge-patch.js',
  'engine/base/errors.js',
];

export type PageOptions = { readonly pageFolder: string | undefined; readonly distFolder: string | undefined };

/** The files of a page and of the folders in it. One that has more was not meant to be a page: all of them stay in memory. */
const pageFilesMax = 1_000;

/** Reads the page's files and the client's modules. A missing module is an error: the page needs it. HOST_OPTIONS where the page has too many files. */
export async function readPages(options: PageOptions): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  if (options.pageFolder !== undefined) await readFolder(options.pageFolder, '/', files);
  for (const path of options.distFolder === undefined ? [] : clientModules) {
    const bytes = await readFile(join(options.distFolder ?? '', path));
    files.set(`/levelten/${path}`, { type: types['.js'] ?? '', bytes });
  }
  return files;
}

/** What begins with a dot is nobody's page, and what a package manager brought is none of ours. */
async function readFolder(folder: string, path: string, files: Map<string, PageFile>): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (name.startsWith('.') || name === 'node_modules') continue;
    if (entry.isDirectory()) await readFolder(join(folder, name), `${path}${name}/`, files);
    const type = types[extname(name)];
    if (type === undefined || entry.isDirectory()) continue;
    if (files.size >= pageFilesMax) {
      throw new CodedError('HOST_OPTIONS', `${folder} is no page: there are more than ${pageFilesMax} files to show`);
    }
    const file = { type, bytes: await readFile(join(folder, name)) };
    files.set(`${path}${name}`, file);
    if (name === 'index.html') files.set(path, file);
  }
}

/** Host was checked against our own addresses before, so it may stand in the policy. */
export function servePage(
  files: ReadonlyMap<string, PageFile>,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const file = files.get(path);
  if (file === undefined && files.has(`${path}/`)) {
    // A name of its own, so that what the page names beside it is found.
    const query = request.url?.match(/\?.*/)?.[0] ?? '';
    response.writeHead(308, { ...commonHeaders, location: `${path}/${query}`, 'content-length': 0 }).end();
    return;
  }
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
