// What becomes of living documents, and of clients that are there, when one definition takes the place of another. Three verdicts:
//
//   allowed          documents stay what they are, and clients of before go on
//   breaks clients   documents stay what they are; a client that was written for before may miss something, or a document what it waits for
//   forbidden        what is stored could not be read as it was meant: it takes a version with a step, by which it is allowed
//
//   | what is stored                                                                     | within a version | by a step |
//   | ---------------------------------------------------------------------------------- | ---------------- | --------- |
//   | a field, a word, room, a default, an index more or another; a key or a field less   | allowed          | allowed   |
//   | another kind; a word or room less; a key more or another                            | forbidden        | allowed   |
//
// A field that is taken away leaves what it held in the documents (nobody touches what he does not know), so it is remembered: one of the same
// name is compared with it.
import { unreachable } from '../../base/assert.ts';
import type { Described, Description, Holding, Seen } from './describe.ts';
import { kindOf } from './describe.ts';
import type { EnumField, Field, Shape, TableField } from './fields.ts';
import { takesAll } from './takes.ts';

export type Verdict = 'allowed' | 'breaks clients' | 'forbidden';
export type Finding = { readonly path: string; readonly verdict: Verdict; readonly what: string };

/** `stored`: what documents hold cannot be read as it was meant. */
type Note = (path: string, kind: 'allowed' | 'stored' | 'breaks clients' | 'forbidden', what: string) => void;

type Look = { readonly gone: Holding['gone']; readonly note: Note };

const order: readonly Verdict[] = ['allowed', 'breaks clients', 'forbidden'];

/** The gravest. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  return order[Math.max(0, ...findings.map(({ verdict }) => order.indexOf(verdict)))] as Verdict;
}

export function compareDefinitions(before: Description, after: Description): Finding[] {
  const findings: Finding[] = [];
  const note: Note = (path, kind, what) =>
    findings.push({ path, verdict: kind === 'stored' ? 'forbidden' : kind, what });
  compareVersions(before, after, note);
  compareHoldings(before, after, note);
  compareSeen(before.seen, after.seen, '', note);
  compareChannels(before, after, note);
  compareWaiting(before, after, note);
  if (before.mayInvent !== after.mayInvent) {
    note('events.invent', 'allowed', after.mayInvent ? 'documents may be begun' : 'nobody begins documents any more');
  }
  return findings;
}

/** Documents of the version that is to run may be there, whatever runs now; those of the version that runs are there. */
function compareHoldings(before: Description, after: Description, note: Note): void {
  const { version } = after;
  if (version === before.version) return compareShapes(before.fields, after.fields, '', { gone: before.gone, note });
  if (version > before.version && after.oldest <= before.version) {
    const stepped: Note = (path, kind, what) =>
      kind === 'stored' ? note(path, 'allowed', `${what}: the step sees to that`) : note(path, kind, what);
    compareShapes(before.fields, after.fields, '', { gone: before.gone, note: stepped });
  }
  const known = before.others[version];
  if (known === undefined) return;
  const strict: Note = (path, kind, what) =>
    kind === 'stored' && note(path, kind, `${what}, and documents of version ${version} are there`);
  compareShapes(known.fields, after.fields, '', { gone: known.gone, note: strict });
}

export type SpaceFindings = {
  readonly space: string;
  /** 0 where there is none. */
  readonly versionBefore: number;
  readonly versionAfter: number;
  readonly findings: readonly Finding[];
};

/** Of each space of either. */
export function compareSpaces(before: Described, after: Described): SpaceFindings[] {
  const spaces = Object.keys(before).filter((space) => before[space]?.isGone !== true);
  return [...new Set([...spaces, ...Object.keys(after)])].map((space) => {
    const [was, is] = [before[space], after[space]];
    const versions = { space, versionBefore: was?.version ?? 0, versionAfter: is?.version ?? 0 };
    if (was !== undefined && is !== undefined) return { ...versions, findings: compareBoth(was, is) };
    const finding: Finding =
      is === undefined
        ? { path: '', verdict: 'breaks clients', what: 'there is no such space any more: its documents stay, unseen' }
        : { path: '', verdict: 'allowed', what: 'this space is new' };
    return { ...versions, findings: [finding] };
  });
}

/** Who was a client of a space that was gone meanwhile has gone too. */
function compareBoth(before: Description, after: Description): Finding[] {
  const findings = compareDefinitions(before, after);
  if (!before.isGone) return findings;
  const back: Finding = { path: '', verdict: 'allowed', what: 'this space is back' };
  return [back, ...findings.filter(({ verdict }) => verdict === 'forbidden')];
}

/** What runs once `after` has taken the place of `before`: with what documents may still hold of it. */
export function succeed(before: Described, after: Described): Described {
  const spaces = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return Object.fromEntries(
    spaces.map((space) => {
      const [was, is] = [before[space], after[space]];
      if (was === undefined || is === undefined) return [space, is ?? { ...(was as Description), isGone: true }];
      return [space, succeedOne(was, is)];
    }),
  );
}

function succeedOne(before: Description, after: Description): Description {
  const { fields, gone, version } = before;
  const isSame = version === after.version;
  const former = isSame ? before : before.others[after.version];
  const { [after.version]: _, ...others } = isSame ? before.others : { ...before.others, [version]: { fields, gone } };
  return { ...after, gone: former === undefined ? {} : goneBetween(former, after), others };
}

function goneBetween(before: Holding, after: Holding): Holding['gone'] {
  const gone = { ...before.gone };
  const note: Note = () => {};
  const onGone = (path: string, field: Field): void => {
    gone[path] = field;
  };
  compareShapes(before.fields, after.fields, '', { gone: before.gone, note }, onGone);
  for (const path of Object.keys(gone)) if (fieldAt(after.fields, path) !== undefined) delete gone[path];
  return gone;
}

function fieldAt(fields: Shape, path: string): Field | undefined {
  const [name = '', ...rest] = path.split('.').filter((part) => part !== '*');
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (rest.length === 0 || field === undefined) return field;
  return fieldAt(shapeOf(field) ?? {}, rest.join('.'));
}

function shapeOf(field: Field): Shape | undefined {
  if (field.kind === 'record' || field.kind === 'table') return field.shape;
  return field.kind === 'map' && field.of.kind === 'record' ? field.of.shape : undefined;
}

function compareVersions(before: Description, after: Description, note: Note): void {
  const [was, is] = [before.version, after.version];
  if (is < was) {
    const text = `${is} is behind ${was}: documents of ${was} wait until newer code runs again (DOCUMENT_NEWER)`;
    note('version', 'breaks clients', text);
  }
  if (is > was && after.oldest > was) note('version', 'forbidden', `there is no step from ${was} on`);
  if (is > was && after.oldest <= was)
    note('version', 'allowed', `${was} becomes ${is}: documents are migrated when they are next opened`);
  if (after.oldest > before.oldest && after.oldest <= was && is >= was) {
    const text = `documents of version ${before.oldest} that were not opened since are refused: the oldest step is that from ${after.oldest}`;
    note('version', 'breaks clients', text);
  }
}

function compareShapes(
  before: Shape,
  after: Shape,
  path: string,
  look: Look,
  onGone = (_path: string, _field: Field): void => {},
): void {
  const { gone, note } = look;
  for (const [name, was] of Object.entries(before)) {
    const at = path === '' ? name : `${path}.${name}`;
    const is = Object.hasOwn(after, name) ? after[name] : undefined;
    if (is !== undefined) {
      compareInitials(was, is, at, note);
      compareFields(was, is, at, look, onGone);
    } else {
      onGone(at, was);
      note(at, 'allowed', 'the field is gone: what documents hold of it stays, unseen');
    }
  }
  for (const [name, is] of Object.entries(after)) {
    if (Object.hasOwn(before, name)) continue;
    const at = path === '' ? name : `${path}.${name}`;
    note(at, 'allowed', `a new field: ${kindOf(is)}`);
    const was = Object.hasOwn(gone, at) ? gone[at] : undefined;
    if (was !== undefined) compareFields(was, is, at, look, onGone);
    // Below it there may be something that went before it did.
    else
      compareShapes({}, shapeOf(is) ?? {}, is.kind === 'record' ? at : `${at}.*`, { ...look, note: onlyStored(note) });
  }
}

function onlyStored(note: Note): Note {
  return (path, kind, what) => kind === 'stored' && note(path, kind, what);
}

function compareFields(
  before: Field,
  after: Field,
  path: string,
  look: Look,
  onGone: (path: string, field: Field) => void,
): void {
  const { note } = look;
  if (before.kind !== after.kind) return note(path, 'stored', `${kindOf(before)} becomes ${kindOf(after)}`);
  switch (before.kind) {
    case 'enum':
      return compareWords(before, after as EnumField, path, note);
    case 'maybe':
      return compareFields(before.of, (after as typeof before).of, path, look, onGone);
    case 'list':
      compareRoom(before.max, (after as typeof before).max, path, note);
      return compareFields(before.of, (after as typeof before).of, `${path}.*`, look, onGone);
    case 'map':
      return compareFields(before.of, (after as typeof before).of, `${path}.*`, look, onGone);
    case 'record':
      return compareShapes(before.shape, (after as typeof before).shape, path, look, onGone);
    case 'table':
      compareTables(before, after as TableField, path, note);
      return compareShapes(before.shape, (after as TableField).shape, `${path}.*`, look, onGone);
    case 'string':
    case 'int':
    case 'double':
    case 'boolean':
    case 'bigint':
    case 'principal':
    case 'dateTime':
    case 'json':
      return;
    default:
      return unreachable(before);
  }
}

function compareInitials(before: Field, after: Field, path: string, note: Note): void {
  if (before.kind !== after.kind || initialOf(before) === initialOf(after)) return;
  const [was, is] = [initialOf(before), initialOf(after)].map((value) => JSON.stringify(value));
  note(path, 'allowed', `where it is absent it reads as ${is}, and no more as ${was}`);
}

function initialOf(field: Field | undefined): unknown {
  return field !== undefined && 'initial' in field ? field.initial : undefined;
}

function compareWords(before: EnumField, after: EnumField, path: string, note: Note): void {
  const [less, more] = [wordsBut(before, after), wordsBut(after, before)];
  if (less !== '') note(path, 'stored', `it is no more one of ${less}`);
  if (more !== '') note(path, 'allowed', `it may also be one of ${more}`);
}

function wordsBut({ values }: EnumField, other: EnumField): string {
  return values.filter((word) => !other.values.includes(word)).join(', ');
}

function compareRoom(before: number, after: number, path: string, note: Note): void {
  if (after < before) note(path, 'stored', `it holds at most ${after}, and held ${before}`);
  if (after > before) note(path, 'allowed', `it holds up to ${after}`);
}

function compareTables(before: TableField, after: TableField, path: string, note: Note): void {
  compareRoom(before.max, after.max, path, note);
  if (before.key !== after.key) {
    if (after.key === undefined) note(path, 'allowed', `${before.key} is no key any more`);
    else note(path, 'stored', `its key is ${after.key} now: rows may hold it twice`);
  }
  const { key } = after;
  if (key !== undefined && before.key === key && initialOf(before.shape[key]) !== initialOf(after.shape[key])) {
    note(path, 'stored', `its key ${key} reads as another value where it is absent: rows may hold it twice`);
  }
  const [was, is] = [before.index.join(', '), after.index.join(', ')];
  if (was !== is) note(path, 'allowed', `its indexes are ${is === '' ? 'none' : is}`);
}

type Fields = Seen['fields'];

function compareSeen(before: Fields, after: Fields, path: string, note: Note): void {
  for (const [name, was] of Object.entries(before)) {
    const at = path === '' ? name : `${path}.${name}`;
    const is = Object.hasOwn(after, name) ? after[name] : undefined;
    if (is === undefined) {
      note(at, 'breaks clients', `viewers saw it (${was.who}), and nobody does now`);
      continue;
    }
    if (was.kind !== is.kind) note(at, 'breaks clients', `viewers get ${is.kind} where they got ${was.kind}`);
    compareWho(was.who, is.who, at, note);
    compareWho(was.requires || 'open', is.requires || 'open', at, note);
    compareSeen(was.fields, is.fields, at, note);
  }
  for (const [name, is] of Object.entries(after)) {
    if (!Object.hasOwn(before, name))
      note(path === '' ? name : `${path}.${name}`, 'allowed', `viewers see it now (${is.who})`);
  }
}

function compareWho(before: string, after: string, path: string, note: Note): void {
  if (before === after) return;
  note(path, before === 'open' ? 'breaks clients' : 'allowed', `who sees it: ${after}, and no more ${before}`);
}

function pathOf(channel: string): string {
  return channel.startsWith('@') ? channel.slice(1) : `channel ${channel}`;
}

function compareChannels(before: Description, after: Description, note: Note): void {
  for (const [name, was] of Object.entries(before.channels)) {
    const path = pathOf(name);
    const is = Object.hasOwn(after.channels, name) ? after.channels[name] : undefined;
    if (is === undefined) note(path, 'breaks clients', 'it is gone');
    else if (before.undoable.includes(name) && !after.undoable.includes(name)) {
      note(path, 'breaks clients', 'its messages cannot be undone any more');
    } else if (was === null || is === null)
      note(path, 'allowed', 'its schema tells nothing: whether it takes what it took is not known');
    else if (!takesAll(was, is)) note(path, 'breaks clients', 'it may not take what it took');
    else if (JSON.stringify(was) !== JSON.stringify(is)) note(path, 'allowed', 'it takes what it took, and more');
  }
  for (const name of Object.keys(after.channels)) {
    if (!Object.hasOwn(before.channels, name)) note(pathOf(name), 'allowed', 'it is new');
  }
}

/** What documents wait for, they have by name, and no step changes that. */
function compareWaiting(before: Description, after: Description, note: Note): void {
  const lost = 'what documents wait for of this name will fail';
  for (const [name, was] of Object.entries(before.timers)) {
    const path = `timer ${name}`;
    const is = Object.hasOwn(after.timers, name) ? after.timers[name] : undefined;
    if (is === undefined) note(path, 'breaks clients', `there is no such timer any more: ${lost}`);
    else if (was !== null && is !== null && !takesAll(was, is)) {
      note(path, 'breaks clients', `it may not take what it was set with: ${lost}`);
    }
  }
  for (const name of before.effects) {
    if (!after.effects.includes(name))
      note(`effect ${name}`, 'breaks clients', `there is no such effect any more: ${lost}`);
  }
}
