// A rule broken on purpose: text of a compiled file, found exactly once, and what stands in its place. The run fails where it is not
// found, so that a mutant cannot outlive its code.

export type Patch = { readonly file: string; readonly find: string; readonly replace: string };

export type Mutant = {
  readonly name: string;
  /** The rule of SPEC.md that it breaks. */
  readonly rule: string;
  readonly patches: readonly Patch[];
  /** Why nothing can see it, as things are: it is run, and must survive. */
  readonly unseen?: string;
};

export function one(rule: string, name: string, file: string, find: string, replace: string): Mutant {
  return { name, rule, patches: [{ file, find, replace }] };
}

export function unseen(mutant: Mutant, why: string): Mutant {
  return { ...mutant, unseen: why };
}
