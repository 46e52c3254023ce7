/** The world, as values. `nowMs` is since 1970. */
export type Env = { readonly nowMs: number; readonly randomBytes16: () => Uint8Array };
