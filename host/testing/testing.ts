export type { TestDocument, TestOptions } from './document.ts';
export { testDocument } from './document.ts';
export type { AnswerOf, Attempt, ChannelName, Failure, MessageOf, StateOf, Testable, Who } from './types.ts';
export { TestBroken, TestRefused } from './types.ts';
export type { TestViewer } from './viewer.ts';
