// The repository's own source as the checks see it: text, syntax tree, and the room each file lies in.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export type Source = { readonly path: string; readonly text: string; readonly tree: ts.SourceFile };

/** Rooms by folder; a file lies in the deepest one that holds it. */
export const rooms = [
  'engine/base',
  'engine/store',
  'engine/document',
  'chain',
  'proxy/client',
  'proxy',
  'host',
  'bench',
  'test',
  'examples',
] as const;
export type Room = (typeof rooms)[number];

export function roomOf(path: string): Room | undefined {
  return rooms.find((room) => path.startsWith(`${room}/`));
}

/** A source from text: the checks' own tests plant bad ones with it. */
export function parse(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
}

/** Every file below `root` that is ours, by its path with `/`: neither installed, nor built, nor hidden. */
export function listFiles(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist') return [];
    return entry.isDirectory() ? listFiles(root, path) : [path];
  });
}

export function readSources(root: string, paths: readonly string[]): Source[] {
  return paths
    .filter((path) => path.endsWith('.ts'))
    .map((path) => parse(path, readFileSync(join(root, path), 'utf8')));
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Where a finding is: `path:line`. */
export function placeOf(source: Source, node: ts.Node): string {
  return `${source.path}:${source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1}`;
}
