// Which definition a document has: the application's, by its space; and the platform's own for what it keeps in documents itself.
import { accountSpace } from '../base/ids.ts';
import type { App } from './app.ts';
import type { Definition } from './definition/definition.ts';
import { account } from './quota/account.ts';

/** The definition of the documents of `space`, undefined where the application has no such space. */
export function definitionOf(application: App, space: string): Definition | undefined {
  if (space === accountSpace) return account;
  return Object.hasOwn(application.spaces, space) ? application.spaces[space] : undefined;
}
