// One change of the built code, and what it breaks. A `find` occurs once in its file, as the compiler leaves it.
export type Edit = { readonly file: string; readonly find: string; readonly replace: string };
export type Mutant = Edit & {
  readonly name: string;
  readonly rule: string;
  /** Where one place is guarded by another, both are changed. */
  readonly also?: readonly Edit[];
};
