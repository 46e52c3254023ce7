// What a command says in the end: one JSON value for programs, or prose.
import type { Arguments } from './arguments.ts';

export function print({ json }: Pick<Arguments, 'json'>, value: unknown, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
}
