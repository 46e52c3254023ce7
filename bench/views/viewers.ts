// What a crowd of viewers can do, whichever server they look at.
import type { Work } from './work.ts';

/** The table as one sees it who keeps his view. */
export type Look = { readonly turn: number; readonly hand: string; readonly others: number };
export type Viewers = {
  /** `onTold`: a viewer was sent something, and knows of all changes up to `turn`. Where he keeps his view, it shows them. */
  listen(onTold: (index: number, turn: number) => void): void;
  send(work: Work, n: number): void;
  /** Of one who keeps his view. */
  look(index: number): Look | undefined;
  /** The last that one was told who does not, as text. */
  last(index: number): string | undefined;
  /** Bytes that came over all connections, frames and all. */
  bytes(): number;
  close(): Promise<void>;
};
