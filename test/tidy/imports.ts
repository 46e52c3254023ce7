// Who may know whom. Paths are from the root; `**` at the end of a path stands for all below it.
import { posix } from 'node:path';
import ts from 'typescript';
import { placeOf, type Room, roomOf, type Source, walk } from './sources.ts';

type Rule = {
  /** Files of other rooms; those of its own are always allowed. */
  readonly ours: readonly string[];
  /** Packages; `*` is any. */
  readonly packages: readonly string[];
  /** Modules of Node; `*` is any. What a pure room may not touch is not here at all. */
  readonly builtins: readonly string[];
};

export const importTable: Readonly<Record<Room, Rule>> = {
  'engine/base': { ours: [], packages: [], builtins: [] },
  'engine/store': { ours: ['engine/base/**'], packages: [], builtins: [] },
  'engine/document': { ours: ['engine/base/**'], packages: ['msgpackr'], builtins: [] },
  chain: { ours: ['engine/base/**'], packages: [], builtins: [] },
  'proxy/client': {
    ours: ['engine/base/merge-patch.ts', 'engine/base/delta.ts', 'engine/base/errors.ts'],
    packages: [],
    builtins: [],
  },
  proxy: {
    ours: [
      'engine/base/**',
      'chain/config.ts',
      'chain/configuration.ts',
      'chain/gossip/**',
      'chain/placement.ts',
      'chain/wire.ts',
    ],
    packages: ['msgpackr', 'ws', 'pino'],
    builtins: ['*'],
  },
  host: {
    ours: [
      'engine/**',
      'chain/**',
      'proxy/proxy.ts',
      'proxy/admin.ts',
      'proxy/overview.ts',
      'proxy/link-wire.ts',
      'proxy/host-link.ts',
      'proxy/client/node.ts',
    ],
    packages: ['level', 'msgpackr', 'piscina', 'ws', 'pino'],
    builtins: ['*'],
  },
  bench: { ours: ['**'], packages: ['*'], builtins: ['*'] },
  test: { ours: ['**'], packages: ['*'], builtins: ['*'] },
  examples: { ours: [], packages: ['levelten', 'levelten/client', 'zod'], builtins: [] },
};

/** Single files that may import what the rest of their room may not. */
export const importExceptions: Readonly<Record<string, Partial<Rule>>> = {
  'engine/base/checksum.ts': { builtins: ['node:crypto', 'node:zlib'] },
  'proxy/client/node.ts': { packages: ['ws'] },
};

export function describeTable(): string {
  const lines = Object.entries(importTable).map(([room, rule]) => describeRule(room, rule));
  const exceptions = Object.entries(importExceptions).map(([path, rule]) => describeRule(path, rule));
  return ['who may import what (a room may always import itself):', ...lines, 'and besides:', ...exceptions].join('\n');
}

function describeRule(name: string, rule: Partial<Rule>): string {
  const parts = [...(rule.ours ?? []), ...(rule.packages ?? []), ...(rule.builtins ?? [])];
  const words = parts.includes('**') ? ['anything'] : parts.map((part) => (part === '*' ? 'any of node:' : part));
  return `  ${name.padEnd(24)} -> ${words.join(', ') || 'nothing'}`;
}

export type Import = { readonly place: string; readonly specifier: string };

/** Every module that a file names: static, for types only, re-exported, dynamic, or in a type. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  walk(source.tree, (node) => {
    const named = moduleNamedBy(node);
    if (named !== undefined) found.push({ place: placeOf(source, node), specifier: named });
  });
  return found;
}

function moduleNamedBy(node: ts.Node): string | undefined {
  let name: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) name = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node)) name = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  else if (ts.isExternalModuleReference(node)) name = node.expression;
  else if (ts.isCallExpression(node)) {
    const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
    name = isImport || isRequire ? node.arguments[0] : undefined;
  }
  return name !== undefined && ts.isStringLiteralLike(name) ? name.text : undefined;
}

export function checkImports(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const room = roomOf(source.path);
    if (room === undefined) return [`${source.path} lies in no room`];
    return importsOf(source).flatMap(({ place, specifier }) => {
      const reason = refusalOf(source.path, room, specifier);
      return reason === undefined ? [] : [`${place} imports ${specifier}: ${reason}`];
    });
  });
}

function refusalOf(path: string, room: Room, specifier: string): string | undefined {
  const rule = importTable[room];
  const besides = importExceptions[path] ?? {};
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier);
    if (!target.endsWith('.ts')) return 'a file of ours is named with its .ts';
    const isAllowed = roomOf(target) === room || [...rule.ours, ...(besides.ours ?? [])].some((p) => covers(p, target));
    return isAllowed ? undefined : `${room} may not know ${target}`;
  }
  if (specifier.startsWith('node:')) {
    const allowed = [...rule.builtins, ...(besides.builtins ?? [])];
    return allowed.includes('*') || allowed.includes(specifier) ? undefined : `${path} may not use this part of Node`;
  }
  const allowed = [...rule.packages, ...(besides.packages ?? [])];
  return allowed.includes('*') || allowed.includes(specifier) ? undefined : `${room} may not use this package`;
}

function covers(pattern: string, target: string): boolean {
  return pattern.endsWith('**') ? target.startsWith(pattern.slice(0, -2)) : target === pattern;
}

/** Each cycle once, as `a.ts -> b.ts -> a.ts`. Imports of types count: they tie files together for a reader all the same. */
export function checkCycles(sources: readonly Source[]): string[] {
  const graph = new Map<string, string[]>();
  for (const source of sources) {
    const ours = importsOf(source).filter(({ specifier }) => specifier.startsWith('.'));
    graph.set(
      source.path,
      ours.map(({ specifier }) => posix.join(posix.dirname(source.path), specifier)),
    );
  }
  const cycles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push(`cycle: ${[...path.slice(start), file].join(' -> ')}`);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}
