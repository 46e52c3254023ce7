// Nothing worldly in the pure rooms. The syntax tree is searched, not the text: comments and strings may say what they like.
import ts from 'typescript';
import { placeOf, type Room, roomOf, type Source, walk } from './sources.ts';

const pureRooms: ReadonlySet<Room | undefined> = new Set(['chain', 'engine/base', 'engine/document', 'engine/store']);
/** Here nothing waits either: what takes time comes in as an event. */
const synchronousRooms: ReadonlySet<Room | undefined> = new Set(['chain', 'engine/document']);

/** Globals that reach the world, whatever is done with them. */
const worldlyGlobals = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'process', 'globalThis', 'global'],
  ...['crypto', 'fetch', 'WebSocket', 'Worker', 'MessageChannel', 'BroadcastChannel', 'require', 'console', 'eval'],
]);
/** Wherever they come from. */
const worldlyNames = new Set(['randomBytes', 'randomUUID', 'randomInt', 'getRandomValues']);

export function checkPurity(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const room = roomOf(source.path);
    if (!pureRooms.has(room)) return [];
    const found: string[] = [];
    walk(source.tree, (node) => {
      const word = worldlyWord(node) ?? (synchronousRooms.has(room) ? waitingWord(node) : undefined);
      if (word !== undefined) found.push(`${placeOf(source, node)} uses ${word}: ${room} is pure`);
    });
    return found;
  });
}

function worldlyWord(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node)) return undefined;
  if (worldlyNames.has(node.text)) return node.text;
  if (isMemberName(node)) return undefined;
  if (worldlyGlobals.has(node.text)) return node.text;
  if (node.text !== 'Date' && node.text !== 'Math') return undefined;
  return worldlyUse(node);
}

/** `Date` and `Math` are worldly in some uses only; those that hide which use it is (`const { now } = Date`) count as such. */
function worldlyUse(node: ts.Identifier): string | undefined {
  const { parent, text } = node;
  if (ts.isTypeReferenceNode(parent)) return undefined;
  if (ts.isPropertyAccessExpression(parent)) {
    const member = parent.name.text;
    return member === 'now' || member === 'random' ? `${text}.${member}` : undefined;
  }
  // Of one value it is a function of that; of more it asks which zone this machine is in.
  if (ts.isNewExpression(parent) && parent.arguments?.length === 1) return undefined;
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return undefined;
  if (text === 'Date' && (ts.isNewExpression(parent) || ts.isCallExpression(parent))) return 'new Date';
  return `${text} as a value`;
}

function waitingWord(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AwaitKeyword) return 'await';
  if (ts.isIdentifier(node) && node.text === 'Promise' && makesPromise(node)) return node.text;
  return undefined;
}

/** True for the `process` of `queue.process`, of `{ process: 1 }` and of a type's member: a name inside something else. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.name === node;
  }
  return ts.isPropertySignature(parent) || ts.isMethodSignature(parent) ? parent.name === node : false;
}

/** `new Promise` and `Promise.all`: a room that may not wait may still name the type, to refuse what others hand it. */
function makesPromise(node: ts.Identifier): boolean {
  const { parent } = node;
  return (ts.isNewExpression(parent) || ts.isPropertyAccessExpression(parent)) && parent.expression === node;
}
