/**
 * What tests of applications import as `levelten/testing`: one document in memory, and whole clusters. It needs no test runner, and works in any.
 *
 * @module levelten/testing
 */
export type { Json } from '../../engine/base/merge-patch.ts';
export type { Client, OpenDocument } from '../../proxy/client/node.ts';
export type { ClusterOptions, TestCluster } from './cluster.ts';
export { createTestCluster, untilView } from './cluster.ts';
export type { TestDocument } from './document.ts';
export { testDocument } from './document.ts';
export type {
  AnswerOf,
  Attempt,
  ChannelName,
  EphemeralName,
  Failure,
  MessageOf,
  ShownOf,
  ShowOf,
  StateOf,
  Testable,
  TestOptions,
  TestReply,
  Waiting,
  Who,
} from './types.ts';
export { TestBroken, TestRefused } from './types.ts';
export type { TestViewer } from './viewer.ts';
