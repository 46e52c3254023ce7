// The examples' definitions, played through in memory: what each promises the people who look at it.
import { test } from 'tap';
import { board } from '../../examples/board/app.ts';
import { chat } from '../../examples/chat/app.ts';
import { hearts } from '../../examples/hearts/app.ts';
import { testDocument } from '../../host/testing/testing.ts';

const names = ['ada', 'bob', 'eve', 'kim'] as const;

test('[D31] hearts: whoever plays what he may, a deal ends, and nobody ever hears of a card before it is played', (t) => {
  for (const count of [2, 3, 4]) {
    const game = testDocument(hearts, { seed: count });
    const players = names.slice(0, count).map((name) => game.as(name));
    const watcher = game.as('zoe');
    for (const player of players) player.send('sit', {});
    for (let deals = 1; deals <= 3; deals += 1) {
      players[0]?.send('deal', {});
      const said = [...players, watcher].map((one) => one.heardText.length);
      const played: string[] = [];
      while (watcher.view.stage === 'playing') {
        const player = players.find(({ who }) => who.agent === watcher.view.turn?.agent);
        if (player === undefined) throw new Error('nobody has the turn');
        t.same([watcher.view.playable, watcher.view.sleeping], [undefined, undefined]);
        const card = player.view.playable?.[deals % (player.view.playable?.length ?? 1)] ?? '';
        for (const [place, one] of [...players, watcher].entries()) {
          if (one !== player) t.notMatch(one.heardText.slice(said[place]), card, `${one.who.agent} knew ${card}`);
        }
        player.send('play', { card });
        played.push(card);
      }
      t.equal(new Set(played).size, 8 * count);
      t.equal(watcher.view.sleeping?.length, 32 - 8 * count, 'what slept is shown');
      const points = watcher.view.seats.reduce((sum, seat) => sum + seat.points, 0);
      const asleep = watcher.view.sleeping?.filter((card) => card === 'Q♠' || card.endsWith('♥')) ?? [];
      const lost = asleep.reduce((sum, card) => sum + (card === 'Q♠' ? 5 : 1), 0);
      t.equal(points + lost, 13, 'eight hearts, and the queen of spades is five');
    }
    t.equal(watcher.view.deals, 3);
    game.restart();
    t.same(game.failures, []);
  }
  t.end();
});

test('[D31] hearts: suit is followed, turns are kept, and who leaves ends the deal', (t) => {
  const game = testDocument(hearts);
  const [ada, bob, eve] = [game.as('ada'), game.as('bob'), game.as('eve')];
  ada.send('sit', {});
  ada.send('sit', {});
  t.throws(() => ada.send('deal', {}), { code: 'ALONE' });
  bob.send('sit', {});
  t.throws(() => eve.send('deal', {}), { code: 'NOT_NOW' });
  ada.send('deal', {});
  t.throws(() => eve.send('sit', {}), { code: 'TOO_LATE' });
  t.throws(() => bob.send('play', { card: bob.view.seats[1]?.hand?.[0] ?? '' }), { code: 'NOT_YOUR_TURN' });
  const heart = ada.view.seats[0]?.hand?.find((card) => card.endsWith('♥'));
  if (heart !== undefined) t.throws(() => ada.send('play', { card: heart }), { code: 'NOT_THIS_CARD' });
  const card = ada.view.playable?.[0] ?? '';
  ada.send('play', { card });
  t.throws(() => bob.send('play', { card }), { code: 'NOT_THIS_CARD' });
  t.same(
    eve.view.seats.map(({ held, hand }) => [held, hand]),
    [
      [7, undefined],
      [8, undefined],
    ],
  );
  bob.send('leave', {});
  t.match(eve.view, { stage: 'gathering', seats: [{ held: 0 }], trick: [] });
  t.same(game.failures, []);
  t.end();
});

test('[D31] the board: a hidden note is its author’s alone, for the handlers too', (t) => {
  const document = testDocument(board);
  const [ada, bob] = [document.as('ada'), document.as('bob')];
  const id = ada.send('add', { text: 'a surprise', colour: 'pink', isHidden: true, x: 200 });
  for (const channel of ['change', 'remove'] as const) {
    t.throws(() => bob.send(channel, { id }), { code: 'NO_SUCH_NOTE' });
  }
  t.throws(() => bob.send('hide', { id, isHidden: false }), { code: 'NO_SUCH_NOTE' });
  t.same(bob.heard(), []);
  ada.send('change', { id, text: 'a real surprise' });
  ada.send('hide', { id, isHidden: false });
  t.match(bob.view.notes, [{ id, text: 'a real surprise', colour: 'pink', x: 200, y: 0 }]);
  t.notMatch(bob.heardText, 'a surprise');
  bob.send('change', { id, y: 500 });
  t.match(ada.view.notes, [{ x: 200, y: 500, touched: document.seq }]);
  t.throws(() => bob.send('hide', { id, isHidden: true }), { code: 'NOT_YOURS' });
  bob.show('drag', { id, x: 5, y: 6 });
  t.same([...ada.shown('drag')], [[bob.who, { id, x: 5, y: 6 }]]);
  ada.send('hide', { id, isHidden: true });
  t.equal(ada.shown('drag').size, 0, 'nothing is dragged that is not there');
  ada.show('drag', { id, x: 0, y: 0 });
  t.equal(
    [ada, bob].some((one) => one.shown('drag').size > 0),
    false,
  );
  ada.send('hide', { id, isHidden: false });
  bob.send('remove', { id });
  t.same(ada.view.notes, []);
  bob.undo(document.seq);
  t.match(ada.view.notes, [{ id, text: 'a real surprise' }]);
  bob.send('remove', { id });
  for (let count = 0; count < 100; count += 1) ada.send('add', {});
  t.throws(() => ada.send('add', {}), { code: 'TOO_MANY' });
  t.same(document.failures, []);
  t.end();
});

test('[D31] the chat: what is whispered is there for two', (t) => {
  const room = testDocument(chat);
  const [ada, bob, eve] = [room.as('ada'), room.as('bob'), room.as('eve')];
  const here = (view: typeof ada.view) => view.here.map(({ agent }) => agent);
  t.same(here(ada.view), ['ada', 'bob', 'eve']);
  const tab = room.as('eve');
  room.as('kim').close();
  tab.close();
  room.advance(2_000);
  t.same(here(ada.view), ['ada', 'bob', 'eve'], 'who has gone, and not who has closed one of two tabs');
  eve.show('typing', true);
  t.same([...ada.shown('typing')], [[eve.who, true]]);
  eve.show('typing', null);
  ada.send('say', { text: ' hello ' });
  ada.send('say', { text: 'a secret', to: 'bob' });
  const id = bob.send('say', { text: 'I keep it', to: 'ada' });
  const texts = (view: typeof ada.view) => view.messages.map(({ text }) => text);
  t.same(texts(ada.view), ['hello', 'a secret', 'I keep it']);
  t.same(texts(bob.view), ['hello', 'a secret', 'I keep it']);
  t.same(texts(eve.view), ['hello']);
  t.notMatch(eve.heardText, /secret|keep/);
  t.throws(() => eve.send('unsay', { id }), { code: 'NOT_YOURS' });
  bob.send('unsay', { id });
  t.same(texts(ada.view), ['hello', 'a secret']);
  const heard = eve.heardText;
  for (let count = 0; count < 250; count += 1) ada.send('say', { text: `${count}`, to: 'bob' });
  t.equal(bob.view.messages.length, 201, 'two hundred of each conversation');
  t.equal(eve.heardText, heard, 'whispers push out nothing that is seen');
  t.throws(() => ada.send('say', { text: ' ' }), { code: 'MESSAGE_INVALID' });
  t.same(room.failures, []);
  t.end();
});
