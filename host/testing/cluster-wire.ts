// What a test and the process that keeps its cluster say to each other, over Node's channel between parent and child.

export type StartRequest = {
  readonly app: string;
  readonly page: string | undefined;
  readonly hosts: number;
  readonly chains: number;
  readonly ports: readonly [first: number, last: number];
  readonly readyMs: number;
};

export type Started = {
  /** Of the proxy. */
  readonly url: string;
  readonly dir: string;
  /** The hosts, and `proxy`. */
  readonly nodes: readonly string[];
};

export type Question =
  | { readonly ask: 'start'; readonly request: StartRequest }
  | { readonly ask: 'crash' | 'restart' | 'pause' | 'resume'; readonly node: string }
  | { readonly ask: 'ready' }
  | { readonly ask: 'close' };

export type Asked = { readonly id: number; readonly question: Question };
/** `code` is '' for a failure that has none; its text is then the stack. */
export type Answered =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly code: string; readonly text: string };
