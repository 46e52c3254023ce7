// Random programs over a table, and beside it the same as an array of objects: what a table is to answer is what the array says.
import fc from 'fast-check';
import type { Principal } from '../../engine/document/define.ts';
import { t as f } from '../../engine/document/define.ts';
import type { Draft, Query, Row, TableDraft } from '../../engine/document/definition/drafts.ts';
import { ada, bob, eve } from './kit.ts';

const row = {
  name: f.string(),
  seat: f.int(0),
  team: f.string('red'),
  score: f.int(5),
  rate: f.double(0),
  grade: f.enum(['low', 'mid', 'high'], 'mid'),
  big: f.bigint(7n),
  isIn: f.boolean(true),
  who: f.principal(),
  due: f.dateTime(),
  bonus: f.maybe(f.int()),
  tags: f.list(f.string()),
  box: f.record({ text: f.string() }),
};
/** The same rows three times: with nothing to find them by, with every index, and with a key as well. */
export const shape = {
  plain: f.table(row),
  fast: f.table(row, { index: ['seat', 'team', 'score', 'rate', 'grade', 'big', 'isIn', 'who', 'due'] }),
  game: f.record({ keyed: f.table(row, { key: 'seat', index: ['team'], max: 12 }) }),
};
export type Table = TableDraft<typeof row>;
export const places = ['plain', 'fast', 'keyed'] as const;
export type Place = (typeof places)[number];

export function tableOf(doc: Draft<typeof shape>, place: Place): Table {
  return place === 'keyed' ? doc.game.keyed : doc[place];
}

/** A row of the array: every field as a handler reads it. */
export type Fields = {
  name: string;
  seat: number;
  team: string;
  score: number;
  rate: number;
  grade: 'low' | 'mid' | 'high';
  big: bigint;
  isIn: boolean;
  who: Principal | null;
  due: Date | null;
  bonus: number | null;
};
export const initial: Fields = {
  name: '',
  seat: 0,
  team: 'red',
  score: 5,
  rate: 0,
  grade: 'mid',
  big: 7n,
  isIn: true,
  who: null,
  due: null,
  bonus: null,
};

const values = {
  seat: fc.nat(40),
  team: fc.constantFrom('red', 'blue', '', '\ud83d\ude00', '\uffee'),
  score: fc.integer({ min: -2, max: 7 }),
  rate: fc.constantFrom(-1.5, 0, 0.5, 1e300),
  grade: fc.constantFrom('low' as const, 'mid' as const, 'high' as const),
  big: fc.constantFrom(-10n, -9n, 7n, 10n ** 30n),
  isIn: fc.boolean(),
  who: fc.constantFrom(ada, bob, eve, null),
  due: fc.constantFrom(new Date(0), new Date(1), new Date(-1e12), null),
  bonus: fc.constantFrom(null, 0, 1, 2),
};
type Valued = Omit<Fields, 'name'>;
export const valued: fc.Arbitrary<Partial<Valued>> = fc.record(values, { requiredKeys: [] });
const compared = ['seat', 'team', 'score', 'rate', 'grade', 'big', 'due', 'bonus'] as const;
const ordered = [...compared, 'isIn'] as const;

type Range = {
  readonly field: (typeof compared)[number];
  readonly is: '<' | '<=' | '>' | '>=';
  readonly value: unknown;
};
const range: fc.Arbitrary<Range> = fc.constantFrom(...compared).chain((field) =>
  fc.record({
    field: fc.constant(field),
    is: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const),
    value: (values[field] as fc.Arbitrary<unknown>).filter((value) => value !== null),
  }),
);
const few = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 2, size: 'small' });
export type Question = {
  readonly equal: Partial<Valued>;
  readonly ranges: readonly Range[];
  readonly modulo: number | undefined;
  readonly by: readonly { readonly field: (typeof ordered)[number]; readonly direction: 'asc' | 'desc' }[];
  readonly skip: number | undefined;
  readonly limit: number | undefined;
};
const equal: fc.Arbitrary<Partial<Valued>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.record({ score: values.score }),
  fc.record({ isIn: values.isIn }),
  fc.record({ who: values.who }),
  fc.record(values, { requiredKeys: [] }).map((all) => Object.fromEntries(Object.entries(all).slice(0, 2))),
);
export const question: fc.Arbitrary<Question> = fc.record({
  equal,
  ranges: fc.oneof(fc.constant([]), few(range)),
  modulo: fc.constantFrom(undefined, undefined, 2),
  by: few(
    fc.record({ field: fc.constantFrom(...ordered), direction: fc.constantFrom('asc' as const, 'desc' as const) }),
  ),
  skip: fc.constantFrom(undefined, undefined, 0, 1, 3),
  limit: fc.constantFrom(undefined, undefined, 0, 1, 3),
});

export type Step =
  | { readonly do: 'add' | 'addTwice'; readonly values: Partial<Valued> }
  | { readonly do: 'write'; readonly at: number; readonly values: Partial<Valued> }
  | { readonly do: 'forget' | 'delete' | 'copy' | 'box'; readonly at: number }
  | { readonly do: 'ask'; readonly question: Question }
  | { readonly do: 'drop' | 'raise'; readonly question: Question }
  | { readonly do: 'clear' };
const at = fc.nat(9);
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('add' as const, 'addTwice' as const), values: valued }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), at, values: valued }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('forget', 'delete', 'copy', 'box'), at }) as fc.Arbitrary<Step>,
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('ask' as const), question }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('drop' as const, 'raise' as const), question }) },
  { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
);

export function ask(table: Table, { equal, ranges, modulo, by, skip, limit }: Question): Query<typeof row> {
  // Said in another order than it is done.
  let query = table.where({});
  if (limit !== undefined) query = query.limit(limit);
  for (const { field, direction } of by) query = query.by(field, direction);
  if (skip !== undefined) query = query.skip(skip);
  if (modulo !== undefined) query = query.where((one) => one.score % modulo === 0);
  for (const { field, is, value } of ranges) query = query.where(field, is, value as never);
  return query.where(equal);
}

const grades = ['low', 'mid', 'high'];
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(plain(a)) === JSON.stringify(plain(b));
function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

function order(a: unknown, b: unknown): number {
  if (isSame(a, b)) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  const places = [a, b].map((one) => grades.indexOf(one as string));
  const [x, y] = (places.includes(-1) ? [a, b] : places) as [number, number];
  return x < y ? -1 : 1;
}

/** What a question finds in the array. */
export function scan(rows: readonly Fields[], { equal, ranges, modulo, by, skip, limit }: Question): Fields[] {
  const found = rows.filter((one) => {
    if (Object.entries(equal).some(([field, value]) => !isSame(one[field as keyof Fields], value))) return false;
    if (modulo !== undefined && one.score % modulo !== 0) return false;
    return ranges.every(({ field, is, value }) => {
      if (one[field] === null) return false;
      const found = order(one[field], value);
      return is === '<' ? found < 0 : is === '<=' ? found <= 0 : is === '>' ? found > 0 : found >= 0;
    });
  });
  const sorted = found.sort((a, b) => {
    for (const { field, direction } of by) {
      const found = order(a[field], b[field]);
      if (found !== 0) return direction === 'desc' ? -found : found;
    }
    return 0;
  });
  const from = skip ?? 0;
  return sorted.slice(from, limit === undefined ? undefined : from + limit);
}

/** How often a program came to what is worth seeing. */
export const seen = { rows: 0, found: 0, narrowed: 0, refused: 0, full: 0, longest: 0 };

export class Twin {
  readonly #table: Table;
  readonly #place: Place;
  readonly rows: Fields[];
  #names: number;

  constructor(table: Table, place: Place, rows: readonly Fields[], names: number) {
    this.#table = table;
    this.#place = place;
    this.rows = rows.map((one) => ({ ...one }));
    this.#names = names;
  }

  /** Does a step to both. Returns what differs, '' where nothing does. */
  take(step: Step): string {
    switch (step.do) {
      case 'add':
        return this.#add(step.values);
      case 'addTwice':
        return this.#add(step.values) + this.#add(step.values);
      case 'ask':
        return this.#ask(step.question);
      case 'drop':
        return this.#drop(scan(this.rows, step.question), () => ask(this.#table, step.question).delete());
      case 'raise':
        return this.#raise(step.question);
      case 'clear':
        return this.#drop([...this.rows], () => this.#table.clear());
      default:
        return this.#touch(step);
    }
  }

  /** What differs between table and array. */
  differs(): string {
    seen.longest = Math.max(seen.longest, this.rows.length);
    const found = this.#table.map(fieldsOf);
    if (this.#table.size !== this.rows.length) return `a size of ${this.#table.size} for ${this.rows.length} rows`;
    return isSame(found.map(text), this.rows.map(text)) ? '' : `the rows ${found.map(text)} for ${this.rows.map(text)}`;
  }

  #add(values: Partial<Valued>): string {
    this.#names += 1;
    const added = { ...initial, ...values, name: `r${this.#names}` };
    const isTwice = this.#place === 'keyed' && this.rows.some((one) => one.seat === added.seat);
    const isFull = this.#place === 'keyed' && this.rows.length >= 12;
    if (isTwice || isFull) return this.#isRefused(() => this.#table.add({ ...values, name: added.name }), isFull);
    seen.rows += 1;
    const made = this.#table.add({ ...values, name: added.name });
    this.rows.push(added);
    return made.name === added.name && this.#table.get(made.id) === made ? '' : 'another row was added';
  }

  #isRefused(run: () => void, isFull = false): string {
    if (isFull) seen.full += 1;
    else seen.refused += 1;
    try {
      run();
    } catch (error) {
      return (error as { code?: string }).code === 'HANDLER_FAILED' ? '' : String(error);
    }
    return 'a row was taken that another one stands against';
  }

  #ask(question: Question): string {
    const wanted = scan(this.rows, question);
    const query = ask(this.#table, question);
    if (wanted.length > 0) seen.found += 1;
    if (wanted.length > 0 && wanted.length < this.rows.length) seen.narrowed += 1;
    const answers: [string, unknown, unknown][] = [
      ['rows', query.rows().map(nameOf), wanted.map(nameOf)],
      ['loop', [...query].map(nameOf), wanted.map(nameOf)],
      ['first', query.first()?.name ?? null, wanted[0]?.name ?? null],
      ['last', query.last()?.name ?? null, wanted.at(-1)?.name ?? null],
      ['count', query.count(), wanted.length],
      ['some', query.some(), wanted.length > 0],
    ];
    const wrong = answers.find(([, found, right]) => !isSame(found, right));
    return wrong === undefined ? '' : `${wrong[0]}: ${JSON.stringify(wrong[1])} for ${JSON.stringify(wrong[2])}`;
  }

  #drop(gone: readonly Fields[], run: () => unknown): string {
    const drafts = this.#table.rows().filter((one) => gone.some(({ name }) => name === one.name));
    const count = run();
    if (typeof count === 'number' && count !== gone.length) return `${count} deleted for ${gone.length}`;
    for (const one of gone) this.rows.splice(this.rows.indexOf(one), 1);
    return drafts.every((one) => this.#isRefused(() => one.name) === '') ? '' : 'a deleted row can be read';
  }

  #raise(question: Question): string {
    const wanted = scan(this.rows, question);
    const count = ask(this.#table, question).update((one) => {
      one.score += 1;
    });
    for (const one of wanted) one.score += 1;
    return count === wanted.length ? '' : `${count} updated for ${wanted.length}`;
  }

  #touch(step: Exclude<Step, { question: Question } | { do: 'add' | 'addTwice' | 'clear' }>): string {
    const one = this.rows[step.at % Math.max(this.rows.length, 1)];
    if (one === undefined) return '';
    const draft = this.#table.where((other) => other.name === one.name).first();
    if (draft === undefined) return `${one.name} is not found`;
    if (step.do === 'delete') {
      return this.#drop([one], () => (this.#table.delete(draft.id) ? 1 : 0));
    }
    if (step.do === 'copy') {
      this.#names += 1;
      const added = { ...one, name: one.name };
      if (this.#place === 'keyed') return this.#isRefused(() => this.#table.add(draft), this.rows.length >= 12);
      this.rows.push({ ...added, name: `r${this.#names}` });
      this.#table.add(draft).name = `r${this.#names}`;
      return '';
    }
    if (step.do === 'box') {
      draft.box.text += 'x';
      draft.tags.push('y');
      return '';
    }
    return this.#write(draft, one, step.do === 'write' ? step.values : { score: undefined, who: null });
  }

  #write(draft: Row<typeof row>, one: Fields, values: { [K in keyof Valued]?: Valued[K] | undefined }): string {
    for (const [field, value] of Object.entries(values)) {
      const set = (): void => void Object.assign(draft, { [field]: value });
      const isTaken =
        this.#place === 'keyed' && field === 'seat' && this.rows.some((other) => other !== one && other.seat === value);
      if (isTaken) {
        const wrong = this.#isRefused(set);
        if (wrong !== '') return wrong;
        continue;
      }
      set();
      Object.assign(one, { [field]: value ?? initial[field as keyof Valued] });
    }
    return '';
  }
}

function fieldsOf(one: Row<typeof row>): Fields {
  const { name, seat, team, score, rate, grade, big, isIn, who, due, bonus } = one;
  return { name, seat, team, score, rate, grade, big, isIn, who, due, bonus };
}

const nameOf = ({ name }: { readonly name: string }): string => name;
const text = (one: Fields): string => JSON.stringify(one, (_key, value: unknown) => plain(value));
