// An application: which space has which kind of documents.
import { documentName } from '../base/ids.ts';
import type { Definition } from './definition/definition.ts';
import { invalid } from './definition/fields.ts';

// Registered, so that an application that brought its own copy of this package is understood.
const appBrand: unique symbol = Symbol.for('levelten.app');
export const definitionBrand: unique symbol = Symbol.for('levelten.definition');

export type App = {
  readonly [appBrand]: true;
  readonly spaces: { readonly [space: string]: Definition };
};

/**
 * An application: its default export is what `levelten up --app FILE` runs. Spaces are the first part of a document's
 * name.
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
    if (typeof definition !== 'object' || definition === null || !(definitionBrand in definition)) {
      throw invalid(`spaces.${space}`, 'this is not a document(...)');
    }
  }
  return { [appBrand]: true, spaces: { ...options.spaces } };
}

export function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && appBrand in value;
}

/** The definition of the documents of `space`, undefined where the application has no such space. */
export function definitionOf(application: App, space: string): Definition | undefined {
  return Object.hasOwn(application.spaces, space) ? application.spaces[space] : undefined;
}
