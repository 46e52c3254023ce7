// One document in memory, at the head of its chain.
import type { DocumentName } from '../base/ids.ts';
import type { Definition } from './definition/definition.ts';
import type { Hours } from './hours.ts';
import type { Past } from './life/past.ts';
import type { Viewers } from './view/viewers.ts';

/** What its updates made of it, who looks at it, and what is due. Its state is written in place, by handlers and by what is taken in. */
export type Inside = Past & {
  readonly definition: Definition;
  readonly name: DocumentName;
  readonly viewers: Viewers;
  readonly hours: Hours;
};
export type Resident = Readonly<Inside>;
