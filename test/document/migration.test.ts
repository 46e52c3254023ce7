// Versions of a definition: a document that an older one made is brought to the one that runs, by one update, before anything else.

import { type Test, test } from 'tap';
import { z } from 'zod';
import type { DocumentName } from '../../engine/base/ids.ts';
import { documentLengthMax } from '../../engine/base/limits.ts';
import type { JsonObject } from '../../engine/base/merge-patch.ts';
import type { Definition } from '../../engine/document/define.ts';
import { document, t as f, open } from '../../engine/document/define.ts';
import {
  applyMigration,
  applyRewind,
  checkResident,
  createResident,
  isWaiting,
  openView,
  replaySections,
  viewOf,
} from '../../engine/document/document.ts';
import { HistoryLister } from '../../engine/document/life/history.ts';
import { decodeSnapshot, foldSections } from '../../engine/document/life/snapshot.ts';
import { decodeSection, encodeUpdate, noMessage } from '../../engine/document/life/update.ts';
import { testDocument } from '../../host/testing/testing.ts';
import { codeOr } from '../fuzz.ts';
import { ada, codeOf, fakeEnv, Member } from './kit.ts';

const name = 'space/key' as DocumentName;
const text = z.object({ text: z.string() });

/** Who plays, as one text, and a count under a bad name. */
const first = document({ names: f.string(''), cuont: f.int(0) })
  .privacy({ names: open, cuont: open })
  .events({ invent: () => true })
  .channel('join', text, ({ doc, message }) => {
    doc.names = doc.names === '' ? message.text : `${doc.names},${message.text}`;
    doc.cuont += 1;
  });

const secondShape = { count: f.int(0), players: f.table({ name: f.string(''), score: f.int(0) }, { key: 'name' }) };

const second = document(secondShape)
  .version(2, {
    2: ({ doc, table }) => {
      const names: string[] = doc.names === undefined ? [] : doc.names.split(',');
      doc.players = table(names.map((one) => ({ name: one, score: undefined })));
      doc.count = doc.cuont;
      delete doc.names;
      delete doc.cuont;
    },
  })
  .privacy({ count: open, players: open })
  .events({ invent: () => true })
  .channel('score', text, ({ doc, message, ctx }) => {
    const player = doc.players.byKey(message.text) ?? ctx.abort('WHO');
    player.score += 1;
  });

const third = document({ ...secondShape, best: f.int(0) })
  .version(3, {
    2: second.plan.steps.get(2) as never,
    3: ({ doc, rows }) => {
      for (const row of rows(doc.players)) row.score = (row.score ?? 0) * 10;
      return { ...doc, best: Math.max(0, ...rows(doc.players).map(({ score }) => score)) };
    },
  })
  .privacy({ count: open, players: open, best: open })
  .events({ invent: () => true });

test('[D40] a document of an older version is brought to the one that runs by one update', (t) => {
  const game = testDocument(first);
  const ada = game.as('ada');
  ada.send('join', { text: 'ada' });
  ada.send('join', { text: 'bob' });
  const { seq } = game;
  t.notOk(Object.hasOwn(game.state, '@v'), 'the first version stores nothing');
  const later = game.deploy(second);
  t.equal(later.seq, seq + 1);
  t.match(later.state, { '@v': 2, count: 2 });
  t.match(
    ada.view,
    {
      count: 2,
      players: [
        { name: 'ada', score: 0 },
        { name: 'bob', score: 0 },
      ],
    },
    'who viewed it sees it anew',
  );
  t.notMatch(ada.heardText, '@v', 'and nothing of its version');
  const bob = later.as('bob');
  bob.send('score', { text: 'bob' });
  t.match(ada.view, { players: [{ name: 'ada' }, { name: 'bob', score: 1 }] });
  later.restart();
  t.equal(later.seq, seq + 3, 'it is migrated once');
  const last = later.deploy(third);
  t.match(last.as('eve').view, { best: 10, players: [{ score: 0 }, { name: 'bob', score: 10 }] });
  t.end();
});

test('[D40] steps run one after the other, from the version that the document is of', (t) => {
  const game = testDocument(first);
  game.as('ada').send('join', { text: 'ada' });
  const last = game.deploy(third);
  t.match(last.state, { '@v': 3, count: 1, best: 0 });
  const fresh = testDocument(third);
  fresh.as('ada');
  t.same(fresh.state, { '@v': 3 }, 'what begins now is of this version');
  fresh.restart();
  const same = testDocument(second);
  same.as('ada');
  t.equal(same.deploy(second).seq, 2, 'and of the running version nothing is migrated');
  t.end();
});

/** '' where nothing is refused. */
function refusalOf(run: () => unknown): string {
  const came = codeOr(run);
  return 'code' in came ? came.code : '';
}

/** A document of the first version with one player, and its updates. */
function lived() {
  const env = fakeEnv();
  const resident = createResident(first, name);
  const member = new Member(resident, ada, env);
  const updates = [...member.updates, member.send('join', { text: 'ada' }).update as Uint8Array].map(
    (one) => new Uint8Array(one),
  );
  return { env, resident, updates };
}

function under(definition: Definition, updates: readonly Uint8Array[]) {
  const resident = createResident(definition, name);
  replaySections(resident, updates);
  return resident;
}

test('[D40] [D11] [D17] [D18] the update is one like any other: replayed, folded, taken back, and listed', (t) => {
  const { env, updates } = lived();
  const resident = under(second, updates);
  t.ok(isWaiting(resident));
  const { update, seq } = applyMigration(resident, env);
  checkResident(resident);
  t.notOk(isWaiting(resident));
  const all = [...updates, new Uint8Array(update)];
  const [decoded] = decodeSection(update);
  t.match(decoded, { kind: 'migrate', seq, n: 1, who: { agent: 'platform', authority: 'levelten' } });
  t.same(under(second, all).state, resident.state);
  t.same(decodeSnapshot(foldSections(undefined, all)).state, resident.state);
  const lister = new HistoryLister(Number.MAX_SAFE_INTEGER, 1);
  lister.begin(undefined, all);
  t.match(lister.lines, [{ seq, kind: 'migrate', to: 2 }]);
  t.same(viewOf(resident, ada), {
    count: 1,
    players: [{ id: Object.keys(resident.state['players'] ?? {})[0], name: 'ada', score: 0 }],
  });
  t.end();
});

test('[D40] [D19] a state of an older version comes back as the running one makes of it', (t) => {
  const { env, updates } = lived();
  const resident = under(second, updates);
  const former = {
    seq: resident.seq,
    incarnation: resident.incarnation,
    state: structuredClone(resident.state) as JsonObject,
  };
  const migration = new Uint8Array(applyMigration(resident, env).update);
  const rewind = new Uint8Array(applyRewind(resident, former, ada, env).update);
  checkResident(resident);
  t.match(resident.state, { '@v': 2, count: 1 });
  t.notOk('names' in resident.state);
  t.notOk(isWaiting(under(second, [...updates, migration, rewind])));
  t.end();
});

test('[D40] code of an older version does not touch what newer code made', (t) => {
  const { env, updates } = lived();
  const migrated = new Uint8Array(applyMigration(under(second, updates), env).update);
  const behind = under(first, [...updates, migrated]);
  t.equal(
    refusalOf(() => isWaiting(behind)),
    'DOCUMENT_NEWER',
  );
  t.equal(
    refusalOf(() =>
      applyRewind(under(first, updates), { seq: 1, incarnation: behind.incarnation, state: { '@v': 2 } }, ada, env),
    ),
    'DOCUMENT_NEWER',
  );
  const far = document({}).version(9, { 9: () => {} });
  t.equal(
    refusalOf(() => applyMigration(under(far, updates), env)),
    'MIGRATION_FAILED',
    'nor newer code what it has forgotten',
  );
  t.notOk(isWaiting(createResident(second, name)), 'what does not exist waits for nothing');
  t.end();
});

test('[D40] a step that fails, or makes what the shape does not take, changes nothing', (t) => {
  const fails = (step: unknown, finding: string): void => failsWith(t, step, finding);
  fails(() => {
    throw new Error('as told');
  }, 'as told');
  fails(async () => ({}), 'synchronous');
  fails(() => 7, 'no object');
  fails(() => [], 'no object');
  fails(({ doc }: { doc: JsonObject }) => void Object.assign(doc, { count: 'two' }), 'count: it is no int');
  fails(() => ({ count: 0.5 }), 'count: it is no int');
  fails(() => ({ count: Number.NaN }), 'no JSON');
  fails(() => ({ count: 1n }), 'no JSON');
  fails(() => ({ word: 'c' }), 'word: it is one of a, b');
  fails(() => ({ big: '007' }), 'big: it is the digits');
  fails(() => ({ when: '2025-01-01' }), 'when: it is a moment');
  fails(() => ({ when: new Date(0) }), 'no plain value');
  fails(() => ({ who: { agent: 'ada' } }), 'who: it is no principal');
  fails(() => ({ list: ['a', 'b', 'c'] }), 'list: it holds at most 2 items');
  fails(() => ({ list: [null] }), 'list.0: it is no string');
  fails(() => ({ map: { '@x': 'a' } }), 'reserved');
  fails(() => ({ map: { ok: 1 } }), 'map.ok: it is no string');
  fails(() => ({ count2: 1 }), 'count2: the shape has no such field');
  fails(() => ({ '@v': 3 }), '@v: the shape has no such field');
  fails(() => ({ rows: { one: { key: 'a' } } }), 'rows.one: this is no id of a row');
  fails(() => ({ rows: { abcdefgh: { key: 'a', '@n': 1 }, '@next': 1 } }), 'its place is none');
  fails(({ table }: { table: (rows: object[]) => unknown }) => ({ rows: table([{}, {}]) }), 'another row has its key');
  fails(
    ({ table }: { table: (rows: object[]) => unknown }) => ({
      rows: table([{ key: 'a' }, { key: 'b' }, { key: 'c' }]),
    }),
    'at most 2 rows',
  );
  fails(() => ({ names: 'x'.repeat(documentLengthMax) }), 'characters');
  const loop: JsonObject = {};
  loop['map'] = loop;
  fails(() => loop, 'too deep');
  t.end();
});

function failsWith(t: Test, step: unknown, finding: string): void {
  const strict = document({
    count: f.int(0),
    word: f.enum(['a', 'b']),
    big: f.bigint(),
    when: f.dateTime(),
    who: f.principal(),
    list: f.list(f.string(), { max: 2 }),
    map: f.map(f.string()),
    rows: f.table({ key: f.string('') }, { key: 'key', max: 2 }),
  }).version(2, { 2: step as () => object });
  const { env, updates } = lived();
  const resident = under(strict, updates);
  const before = structuredClone(resident.state);
  t.throws(() => applyMigration(resident, env), { code: 'MIGRATION_FAILED', message: finding });
  t.same(resident.state, before, finding);
  t.ok(isWaiting(resident));
}

test('[D40] what a step makes is stored as handlers would have stored it', (t) => {
  const made = document({
    count: f.double(0),
    list: f.list(f.int()),
    text: f.string(''),
    free: f.json(),
    near: f.maybe(f.int()),
    who: f.principal(),
  }).version(2, {
    2: () => ({
      count: -0,
      list: [],
      text: 'a\ud800',
      free: { a: null, b: [null] },
      near: null,
      who: { agent: 'a', authority: 'b', more: 1 },
    }),
  });
  const { env, updates } = lived();
  const resident = under(made, updates);
  applyMigration(resident, env);
  checkResident(resident);
  const who = { agent: 'a', authority: 'b' };
  t.same(resident.state, { '@v': 2, count: 0, text: 'a\ufffd', free: { b: [null] }, who });
  t.ok(Object.is(resident.state['count'], 0));
  t.end();
});

test('[D41] what a step leaves of fields that nobody knows any more stays', (t) => {
  const keeps = document({}).version(2, { 2: () => {} });
  const { env, updates } = lived();
  const resident = under(keeps, updates);
  applyMigration(resident, env);
  t.same(resident.state, { '@v': 2, names: 'ada', cuont: 1 });
  t.end();
});

test('[D40] what a document waits for is no part of what a step sees, and stays', (t) => {
  const timed = first
    .timer('ring', z.object({}), () => {})
    .channel('set', z.object({}), ({ ctx }) => {
      ctx.schedule('ring', 1_000, {});
    });
  const env = fakeEnv();
  const resident = createResident(timed, name);
  const member = new Member(resident, ada, env);
  const updates = [...member.updates, member.send('set', {}).update as Uint8Array].map((one) => new Uint8Array(one));
  const wake = structuredClone(resident.state['@wake']);
  t.ok(wake);
  let seen: unknown;
  const later = document({}).version(2, {
    2: ({ doc }) => {
      seen = Object.keys(doc);
      return {};
    },
  });
  const after = under(later, updates);
  applyMigration(after, env);
  t.same(seen, []);
  t.same(after.state, { '@wake': wake, '@v': 2 });
  t.end();
});

test('[D11] a migration that cannot be is ENGINE_CORRUPT', (t) => {
  const { updates } = lived();
  const update = {
    ...noMessage,
    kind: 'migrate',
    seq: 4,
    atMs: 1,
    who: ada,
    n: 1,
    redo: { '@v': 2 },
    undo: { '@v': null },
  } as const;
  const after = (changed: object): string =>
    refusalOf(() => under(second, [...updates, encodeUpdate({ ...update, ...changed })]));
  t.equal(after({}), '');
  t.equal(after({ n: 2 }), 'ENGINE_CORRUPT');
  t.equal(after({ redo: {} }), 'ENGINE_CORRUPT');
  t.equal(after({ redo: { '@v': 'two' } }), 'ENGINE_CORRUPT');
  t.end();
});

test('[D16] [D40] a version is checked when the application loads', (t) => {
  const refused = (version: unknown, steps: unknown): string =>
    refusalOf(() => first.version(version as number, steps as never));
  const step = (): void => {};
  t.equal(refused(1, {}), '');
  t.equal(refused(3, { 3: step }), '', 'the oldest known is 2');
  t.equal(refused(3, {}), '', 'and here 3');
  for (const version of [0, 1.5, '2', undefined, 1e9]) t.equal(refused(version, {}), 'APP_INVALID', String(version));
  for (const steps of [
    undefined,
    { 1: step },
    { 2: step },
    { 2: step, 4: step },
    { 3: 'x' },
    { 4: step },
    { x: step },
  ]) {
    t.equal(refused(3, steps), 'APP_INVALID');
  }
  t.equal(
    refusalOf(() => second.version(3, {})),
    'APP_INVALID',
    'once',
  );
  t.end();
});

test('[D41] old and new code of one version take turns at a document and lose nothing', (t) => {
  const more = document({
    names: f.string(''),
    cuont: f.int(0),
    extra: f.string(''),
    inner: f.record({ deep: f.int(0) }),
  })
    .events({ invent: () => true })
    .channel('join', text, ({ doc, message }) => {
      doc.names += message.text;
      doc.extra += message.text;
      doc.inner.deep += 1;
    });
  const env = fakeEnv();
  let updates: Uint8Array[] = [];
  let session = 'new';
  for (let turn = 0; turn < 6; turn += 1) {
    const resident = under(turn % 2 === 0 ? first : more, updates);
    const { updates: begun, result } = openView(resident, { who: ada, session }, env);
    if (result.kind === 'opened' && session === 'new') session = result.session;
    const member = new Member(resident, ada, env);
    const sent = member.send('join', { text: `${turn}` });
    t.equal(codeOf(sent), '');
    checkResident(resident);
    updates = [...updates, ...begun, ...member.updates, sent.update as Uint8Array].map((one) => new Uint8Array(one));
  }
  t.same(under(first, updates).state, { names: '01,23,45', cuont: 3, extra: '135', inner: { deep: 3 } });
  t.end();
});
