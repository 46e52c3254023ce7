// What a definition has said, as types: what the next step checks, and what clients are given by name.
import type { Ephemerals } from '../view/ephemeral-plan.ts';
import type { Bubbled, ViewOf } from '../view/privacy.ts';
import type { Shape } from './fields.ts';

/** The types of one channel: what a client sends, and the answer it gets. */
export type ChannelTypes = {
  /** What its schema accepts. */
  readonly message: unknown;
  /** What its handler returns. */
  readonly answer: unknown;
};
type Channels = { readonly [name: string]: ChannelTypes };

/** What clients see of a document, `View<typeof board>`: what is open is required, what hangs on who looks is optional, what is private is absent. */
export type View<D extends { readonly types: unknown }> = D['types'] extends {
  readonly shape: infer S extends Shape;
  readonly privacy: infer P;
  readonly formulas: infer F;
  readonly bubbles: infer B;
}
  ? ViewOf<S, P, F & Bubbled<B>>
  : never;

/** What a channel takes and gives: `ChannelOf<typeof board, 'write'>`. */
export type ChannelOf<
  D extends { readonly types: { readonly channels: Channels } },
  Name extends string,
> = D['types']['channels'][Name];

/** What a view looks at: as its client says it, and as bubbles are given it. */
export type ViewerTypes = {
  /** What its schema accepts. */
  readonly said: unknown;
  /** What its schema makes of it. */
  readonly state: unknown;
};

/** What a view may look at: `ViewerStateOf<typeof board>`. */
export type ViewerStateOf<D extends { readonly types: { readonly viewer: ViewerTypes } }> =
  D['types']['viewer']['said'];

/** What a definition has said so far: `policies` are names, `formulas` are their values by name. */
export type Said = {
  /** The fields. */
  readonly shape: Shape;
  /** The page of privacy. */
  readonly privacy: unknown;
  /** Messages and answers, by channel. */
  readonly channels: Channels;
  /** What is shown in ephemeral channels, by channel. */
  readonly ephemerals: Ephemerals;
  /** The names of policies. */
  readonly policies: string;
  /** What formulas return, by name. */
  readonly formulas: object;
  /** What bubbles return, by name. */
  readonly bubbles: object;
  /** What a view looks at: as its client says it, and as bubbles are given it. */
  readonly viewer: ViewerTypes;
};
/** What was said, and this. */
export type With<T extends Said, Part extends Partial<Said>> = Omit<T, keyof Part> & Part extends infer U extends Said
  ? U
  : never;
