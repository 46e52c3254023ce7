// Every record that was ever made, by the hash after it: a hash names a history. Shared by all copies of a world.
import type { Entry } from '../../chain/messages.ts';

export const made = new Map<string, Entry>();
