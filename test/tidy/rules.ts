// SPEC.md against the tests: a rule without a test is a wish, and a test that cites no rule of ours cites a mistake.
import ts from 'typescript';
import { placeOf, type Source, walk } from './sources.ts';

const definition = /^\s*(?:[-*+]|\d+\.)\s+\*\*([A-Z]+\d+[a-z]?)\b/gm;
const citation = /\[([A-Z]+\d+[a-z]?)\]/g;

/** The ids of SPEC.md: bold, at the start of a list item, as in `- **C15** ...`. */
export function rulesIn(spec: string): string[] {
  return [...spec.matchAll(definition)].flatMap((match) => match[1] ?? []);
}

export function checkRules(spec: string, tests: readonly Source[]): string[] {
  const rules = rulesIn(spec);
  const known = new Set(rules);
  const cited = new Set(tests.flatMap(({ tree }) => citationsBelow(tree).map(({ id }) => id)));
  const found = rules.length === 0 ? ['SPEC.md defines no rule'] : [];
  for (const rule of known) {
    if (rules.indexOf(rule) !== rules.lastIndexOf(rule)) found.push(`SPEC.md defines ${rule} twice`);
    if (!cited.has(rule)) found.push(`no test cites [${rule}]`);
  }
  for (const source of tests) {
    for (const { id, node } of titlesOf(source).flatMap(citationsBelow)) {
      if (!known.has(id)) found.push(`${placeOf(source, node)} cites [${id}], which SPEC.md does not define`);
    }
  }
  return found;
}

/** The first argument of every call of something named `test`, `t.test`, `skip` and the like. */
function titlesOf(source: Source): ts.Node[] {
  const titles: ts.Node[] = [];
  walk(source.tree, (node) => {
    if (!ts.isCallExpression(node) || node.arguments[0] === undefined) return;
    const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
    if (ts.isIdentifier(callee) && /^(test|skip|todo|only)$/.test(callee.text)) titles.push(node.arguments[0]);
  });
  return titles;
}

/** Citations in strings: comments cite rules too, and prove nothing. */
function citationsBelow(root: ts.Node): { id: string; node: ts.Node }[] {
  const found: { id: string; node: ts.Node }[] = [];
  walk(root, (node) => {
    if (!ts.isStringLiteralLike(node) && !ts.isTemplateLiteralToken(node)) return;
    for (const match of node.text.matchAll(citation)) found.push({ id: match[1] ?? '', node });
  });
  return found;
}
