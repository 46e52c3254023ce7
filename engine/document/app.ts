// An application: the definitions of all its documents, by space.
import { accountSpace, documentName } from '../base/ids.ts';
import type { Definition } from './definition/definition.ts';
import { invalid } from './definition/fields.ts';

// Registered, so that an application that brought its own copy of this package is understood.
const appBrand: unique symbol = Symbol.for('levelten.app');
export const definitionBrand: unique symbol = Symbol.for('levelten.definition');

/** What `app` makes: what hosts run. */
export type App = {
  /** @internal */
  readonly [appBrand]: true;
  /** Definitions by space. */
  readonly spaces: { readonly [space: string]: Definition };
};

/**
 * An application: what `levelten up --app FILE` runs is the default export of FILE, an ES module. Spaces are the first part of a document's name, as
 * `board` is of `board/main`: `[a-z][a-z0-9-]{0,31}`. APP_INVALID where one is not, or is no definition.
 */
export function app<const Spaces extends { readonly [space: string]: Definition }>(options: {
  readonly spaces: Spaces;
}): App & { readonly spaces: Spaces } {
  for (const [space, definition] of Object.entries(options.spaces)) {
    try {
      documentName(`${space}/key`);
    } catch {
      throw invalid(`spaces.${space}`, 'a space is named [a-z][a-z0-9-]{0,31}');
    }
    if (space === accountSpace) throw invalid(`spaces.${space}`, 'this name is taken');
    if (typeof definition !== 'object' || definition === null || !(definitionBrand in definition)) {
      throw invalid(`spaces.${space}`, 'this is not a document(...)');
    }
  }
  return { [appBrand]: true, spaces: { ...options.spaces } };
}

/** @internal */
export function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && appBrand in value;
}
