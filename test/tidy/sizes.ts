// How long things may be, and where they may lie.
import ts from 'typescript';
import { placeOf, type Source, walk } from './sources.ts';

const fileLinesMax = 400;
const functionLinesMax = 60;
const sourceFolders = ['engine', 'chain', 'host', 'proxy', 'bench', 'test', 'examples', 'docs'];
const sourceEndings = /\.(ts|tsx|js|mjs|cjs|html|css)$/;

export function checkSizes(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [...checkFile(source), ...checkFunctions(source)]);
}

function checkFile({ path, text }: Source): string[] {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines > fileLinesMax ? [`${path} has ${lines} lines: ${fileLinesMax} at most`] : [];
}

function checkFunctions(source: Source): string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const start = source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line;
    const lines = source.tree.getLineAndCharacterOfPosition(node.end).line - start + 1;
    if (lines <= functionLinesMax) return;
    const name = node.name?.getText(source.tree) ?? 'a function';
    found.push(`${placeOf(source, node)} ${name} has ${lines} lines: ${functionLinesMax} at most`);
  });
  return found;
}

/** `paths` are all files of the repository, of any kind. */
export function checkPlaces(paths: readonly string[]): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (/(^|\/)index\.(ts|js)$/.test(path)) found.push(`${path}: a room's door is named after it, never index`);
    const top = path.slice(0, Math.max(path.indexOf('/'), 0));
    if (!sourceEndings.test(path) || sourceFolders.includes(top)) continue;
    found.push(top === '' ? `${path} lies in no room` : `${path}: source lies in ${sourceFolders.join(', ')} only`);
  }
  return found;
}
