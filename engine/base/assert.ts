// Two kinds of failure, two words: `assert` says that we are wrong, and stays on in production (C19); what the world does
// wrong is a CodedError (errors.ts).

/** Thrown when the program breaks its own rule. Nobody catches it: the host process ends before a wrong byte leaves. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/** Throws AssertionFailed with `claim` unless it holds. */
export function assert(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new AssertionFailed(claim);
}

/** Marks a branch that the types rule out; reached only when a value lied about its type. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`);
}
