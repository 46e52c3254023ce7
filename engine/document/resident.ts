// One document in memory, at the head of its chain.
import type { DocumentName } from '../base/ids.ts';
import type { Definition } from './definition/definition.ts';
import type { Past } from './life/past.ts';
import type { Viewers } from './view/viewers.ts';

/** What its updates made of it, and who looks at it. Its state is written in place, by handlers and by what is taken in. */
export type Inside = Past & {
  readonly definition: Definition;
  readonly name: DocumentName;
  readonly viewers: Viewers;
};
export type Resident = Readonly<Inside>;
