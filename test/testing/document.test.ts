// The kit for tests of definitions, used as by whoever writes one.
import type { View } from 'levelten';
import { all, document, t as f, open, viewerIs } from 'levelten';
import { TestBroken, TestRefused, testDocument } from 'levelten/testing';
import type { Test } from 'tap';
import { test } from 'tap';
import { z } from 'zod';
import { board } from '../../examples/board/app.ts';
import { hearts } from './hearts.ts';

const cards = ['ace of spades', 'two of clubs', 'king of hearts', 'ten of hearts'];

function seated() {
  const game = testDocument(hearts);
  const [ada, bob] = [game.as('ada'), game.as('bob')];
  ada.send('deal', { cards });
  ada.send('sit', {});
  bob.send('sit', {});
  return { game, ada, bob };
}

test('[D31] a hand is hidden from everybody else until it is shown, and no frame tells of it', (t) => {
  const { game, ada, bob } = seated();
  t.same(ada.view.players['ada']?.hand, ['ace of spades', 'two of clubs']);
  t.equal(bob.view.players['ada']?.hand, undefined);
  t.notMatch(bob.heardText, 'ace of spades');
  t.match(ada.heardText, 'ace of spades');
  t.match(game.state.players?.['ada']?.hand, ['ace of spades', 'two of clubs'], 'a test may look at everything');
  bob.heard();
  ada.send('show', { isOpen: true });
  t.same(bob.heard(), [{ isOpen: true, players: { ada: { hand: ['ace of spades', 'two of clubs'] } } }]);
  t.same(bob.heard(), [], 'once');
  t.match(bob.heardText, 'ace of spades');
  t.equal(bob.seq, game.seq);
  t.same(bob.deltas.length, 4);
  t.end();
});

test('[D31] who becomes another kind of viewer hears what that kind hears', (t) => {
  const { ada, bob } = seated();
  t.same([ada.view.deck, bob.view.deck], [[], undefined]);
  bob.send('deal', { cards: ['six of clubs'] });
  t.same([ada.view.deck, bob.view.deck], [undefined, ['six of clubs']]);
  bob.heard();
  ada.heard();
  bob.send('deal', { cards: ['nine of clubs'] });
  t.same(bob.heard(), [{ deck: { '@s': 2, '1': 'nine of clubs' } }]);
  t.same(ada.heard(), []);
  t.notMatch(ada.heardText, 'nine of clubs');
  t.end();
});

test('[D31] who has more to hear of an update hears it in one delta', (t) => {
  const diary = document({ keeper: f.principal(), text: f.string(''), secret: f.string('') })
    .privacy({ text: open, secret: viewerIs('keeper') })
    .events({ invent: () => true })
    .channel('write', z.object({ text: z.string(), secret: z.string() }), ({ doc, message, who }) => {
      doc.keeper ??= who;
      doc.text = message.text;
      doc.secret = message.secret;
    });
  const game = testDocument(diary);
  const [ada, bob] = [game.as('ada'), game.as('bob')];
  ada.send('write', { text: 'a', secret: 'b' });
  t.same(ada.heard(), [{ text: 'a', secret: 'b' }]);
  t.same(bob.heard(), [{ text: 'a' }]);
  t.end();
});

test('[D31] what a handler answers comes back, and what it throws is told to the test alone', (t) => {
  const { game, ada, bob } = seated();
  t.equal(ada.send('play', { card: 'two of clubs' }), 1);
  t.match(testSeat(), /^[0-9a-f]{32}$/);
  t.equal(testSeat(), testSeat(), 'the same seed, the same ids');
  t.not(testSeat(), testSeat(2));
  t.equal(ada.send('show', { isOpen: false }), null);

  const error = thrown(t, () => bob.send('play', { card: 'ace of spades' }));
  t.equal(error.code, 'HANDLER_FAILED');
  t.equal(error.message, 'HANDLER_FAILED: the handler failed (bob has no ace of spades)');
  t.match((error.cause as Error).stack, 'hearts');
  t.notMatch(bob.heardText, 'has no', 'no client hears of it');
  t.match(game.failures, [{ what: 'channel', name: 'play', error: { message: 'bob has no ace of spades' }, count: 1 }]);

  const refused = thrown(t, () => bob.send('sit', {}));
  t.equal(refused.message, 'DECK_EMPTY: no cards are left');
  t.equal(refused.cause, undefined);
  t.match(bob.trySend('sit', {}), { ok: false, code: 'DECK_EMPTY', text: 'no cards are left', seq: game.seq });
  t.match(bob.trySend('play', { card: 'ten of hearts' }), { ok: true, value: 1, seq: game.seq });
  t.match(bob.trySend('deal', { cards: 7 as never }), { ok: false, code: 'MESSAGE_INVALID' });
  t.match(bob.trySend('deal', undefined as never), { ok: false, code: 'FRAME_INVALID' });
  t.match(bob.trySend('none' as never, {} as never), { ok: false, code: 'CHANNEL_UNKNOWN' });
  t.equal(game.failures.length, 1);
  t.end();
});

test('[D31] policies and formulas that throw are told too', (t) => {
  const { game, ada } = seated();
  ada.send('rename', { title: 'brawl' });
  t.same(ada.view.players, {});
  t.match(game.failures, [{ what: 'policy', name: 'civil', error: { message: 'this is no game any more' } }]);
  const shy = document({ text: f.string('x') })
    .policies({
      bold: ({ who }) => {
        if (who.agent === 'bob') throw new Error('not for bob');
        return true;
      },
    })
    .privacy({ text: all('bold') })
    .events({ invent: () => true })
    .channel('wait', z.object({}), () => undefined);
  const party = testDocument(shy);
  t.same(party.as('bob').view, {});
  party.as('ada').send('wait', {});
  t.match(party.failures, [{ name: 'bold', count: 1, seq: 2 }]);
  t.equal(party.failures.length, 1, 'what only the check asks is not counted');
  const fragile = document({ count: f.int(0) })
    .formulas({
      half: ({ doc }) => {
        if (doc.count % 2 === 1) throw new Error(`${doc.count} is odd`);
        return doc.count / 2;
      },
    })
    .privacy({ half: open })
    .events({ invent: () => true })
    .channel('add', z.object({}), ({ doc }) => {
      doc.count += 1;
    });
  const counter = testDocument(fragile);
  const bob = counter.as('bob');
  bob.send('add', {});
  t.same(bob.view, {});
  bob.send('add', {});
  t.same(bob.view, { half: 1 });
  t.match(counter.failures, [{ what: 'formula', name: 'half', error: { message: '1 is odd' }, count: 1, seq: 3 }]);
  t.end();
});

test('[D31] who may open it, and who may not', (t) => {
  const game = testDocument(hearts, { key: 'private' });
  t.equal(game.mayOpen('mallory'), false);
  t.equal(game.mayOpen('ada'), true);
  t.equal(game.seq, 0, 'and nothing came of asking');
  const error = thrown(t, () => game.as('mallory'));
  t.equal(error.message, 'DOCUMENT_UNKNOWN: there is no such document');
  const ada = game.as({ agent: 'ada', authority: 'elsewhere' });
  t.same(ada.who, { agent: 'ada', authority: 'elsewhere' });
  t.equal(game.mayOpen('mallory'), true, 'once somebody began it');
  t.throws(() => game.as(''), TypeError);
  t.end();
});

test('[D31] time is what the test says', (t) => {
  const game = testDocument(hearts, { nowMs: Date.parse('2030-01-01T00:00:00Z') });
  const ada = game.as('ada');
  ada.send('deal', { cards: [] });
  t.equal(ada.view.dealtAt, '2030-01-01T00:00:00.000Z');
  game.advance(60_000);
  ada.send('deal', { cards: [] });
  t.equal(ada.view.dealtAt, '2030-01-01T00:01:00.000Z');
  t.equal(game.nowMs, Date.parse('2030-01-01T00:01:00Z'));
  t.throws(() => game.advance(-1), RangeError);
  t.end();
});

test('[D31] a restart finds everything again, and a rewind what was', (t) => {
  const { game, ada, bob } = seated();
  const before = { state: game.state, seq: game.seq, view: bob.view };
  game.restart();
  t.same({ state: game.state, seq: game.seq, view: bob.view }, before);
  t.equal(bob.heardText.match(/"t":"view"/g)?.length, 2, 'as a client does when its host dies');
  t.equal(ada.send('play', { card: 'ace of spades' }), 1, 'sessions go on');
  t.equal(bob.view.players['ada']?.score, 1);
  game.rewind(before.seq);
  t.same(game.state, before.state);
  t.equal(bob.view.best, 0);
  t.equal(game.seq, before.seq + 2);
  t.equal(thrown(t, () => game.rewind(99)).code, 'HISTORY_GONE');
  game.restart();
  ada.close();
  t.throws(() => ada.send('show', { isOpen: true }), /closed/);
  bob.send('show', { isOpen: true });
  t.equal(ada.view.isOpen, false, 'who left hears nothing');
  testDocument(hearts).restart();
  t.end();
});

test('[D31] several views of one viewer hear the same', (t) => {
  const game = testDocument(board);
  const tabs = [game.as('ada'), game.as('ada')] as const;
  const bob = game.as('bob');
  const id = tabs[0].send('add', { text: 'for ada alone', isHidden: true });
  t.match(tabs[1].view.notes, [{ id, by: { agent: 'ada', authority: 'dev' }, text: 'for ada alone' }]);
  t.same(bob.view, { text: '', notes: [] });
  t.same(bob.heard(), []);
  tabs[0].close();
  tabs[1].send('write', { text: 'for all' });
  t.equal(bob.view.text, 'for all');
  t.equal(bob.seq, game.seq);
  t.notMatch(bob.heardText, 'alone');
  t.end();
});

test('[D31] views and states are frozen: a test changes a document by messages alone', (t) => {
  const { game, ada } = seated();
  for (const list of [ada.view.players['ada']?.hand, game.state.players?.['ada']?.hand]) {
    t.throws(() => (list as string[] | undefined)?.push('joker'), TypeError);
  }
  t.end();
});

test('[D31] a policy that hangs on something else is found out by the next step', (t) => {
  const weather = { isFine: true };
  const secrets = document({ text: f.string('x'), count: f.int(0) })
    .policies({ fine: () => weather.isFine })
    .formulas({ sky: () => (weather.isFine ? 'blue' : 'grey') })
    .privacy({ count: open, text: open, sky: open })
    .events({ invent: () => true })
    .channel('add', z.object({}), ({ doc }) => {
      doc.count += 1;
    });
  const game = testDocument(secrets);
  const ada = game.as('ada');
  ada.send('add', {});
  weather.isFine = false;
  t.throws(() => ada.send('add', {}), {
    name: 'TestBroken',
    message: /after ada sent add: .*sky: "blue", and not "grey"/,
  });
  t.throws(() => game.restart(), TestBroken);

  const moods = document({ text: f.string('x') })
    .policies({ fine: ({ who }) => weather.isFine && who.agent === 'ada' })
    .privacy({ text: all('fine') })
    .events({ invent: () => true })
    .channel('write', z.object({}), ({ doc }) => {
      doc.text += 'x';
    });
  weather.isFine = true;
  const eve = testDocument(moods).as('eve');
  eve.send('write', {});
  const another = testDocument(moods).as('ada');
  weather.isFine = false;
  t.throws(() => another.send('write', {}), {
    name: 'TestBroken',
    message: /is of his kind/,
    cause: { name: 'AssertionFailed' },
  });
  eve.send('write', {});
  t.end();
});

test('[D31] messages, answers, views and states have the types of the definition', (t) => {
  const { game, ada } = seated();
  const wrong = (): void => {
    // @ts-expect-error: there is no such channel.
    ada.send('cheat', {});
    // @ts-expect-error: a card is a string.
    ada.send('play', { card: 1 });
    // @ts-expect-error: it answers a number.
    ada.send('play', { card: 'x' }).toUpperCase();
    // @ts-expect-error: it answers nothing, which is null.
    ada.send('show', { isOpen: true }).text;
    // @ts-expect-error: no viewer sees the stake.
    ada.view.stake;
    // @ts-expect-error: only a dealer sees the deck.
    ada.view.deck.length;
    // @ts-expect-error: a hand may be hidden.
    ada.view.players['ada'].hand.length;
    // @ts-expect-error: there is no such field.
    game.state.none;
    // @ts-expect-error: what was never written is not stored.
    game.state.title.length;
  };
  t.type(wrong, 'function');
  const nothing: null = ada.send('show', { isOpen: true });
  const { seat, cards: count }: { seat: string; cards: number } = game.as('eve').trySend('sit', {}).ok
    ? { seat: '', cards: 0 }
    : { seat: 'none', cards: 0 };
  const view: View<typeof hearts> = ada.view;
  const stake: string | undefined = game.state.stake;
  t.same([nothing, seat, count, view.isOpen, stake], [null, 'none', 0, true, '6']);
  t.end();
});

function testSeat(seed = 1): string {
  const ada = testDocument(hearts, { seed }).as('ada');
  ada.send('deal', { cards });
  return ada.send('sit', {}).seat;
}

function thrown(t: Test, run: () => unknown): TestRefused {
  try {
    run();
  } catch (error) {
    if (error instanceof TestRefused) return error;
    throw error;
  }
  return t.fail('nothing was thrown') as never;
}
