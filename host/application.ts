// The application that hosts run: an ES module whose default export is `app({ spaces })`.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contentHashOf } from '../engine/base/checksum.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { App } from '../engine/document/define.ts';
import { isApp } from '../engine/document/define.ts';

/** The content hash of an application's file. APP_INVALID where it cannot be read. */
export async function hashApplication(file: string): Promise<string> {
  try {
    return contentHashOf(await readFile(file));
  } catch (cause) {
    throw new CodedError('APP_INVALID', `the application ${file} cannot be read`, { cause });
  }
}

/**
 * Imports the application. APP_INVALID where the module fails, or its default export is not `app(...)`. A process remembers modules by their URL: with
 * `appHash` a file that has changed is loaded anew; what it imports is not.
 */
export async function loadApplication(file: string, appHash = ''): Promise<App> {
  let loaded: { default?: unknown };
  const url = pathToFileURL(resolve(file));
  url.search = appHash;
  try {
    loaded = (await import(url.href)) as { default?: unknown };
  } catch (cause) {
    throw new CodedError('APP_INVALID', `the application ${file} does not load: ${String(cause)}`, { cause });
  }
  if (!isApp(loaded.default)) {
    throw new CodedError('APP_INVALID', `${file} does not export an application: export default app({ spaces })`);
  }
  return loaded.default;
}

/** The page of an application, unless told otherwise: the folder `page` beside it, where there is one. */
export function pageBeside(file: string): string | undefined {
  const beside = join(dirname(file), 'page');
  return existsSync(beside) ? beside : undefined;
}
