// Hearts, the short game: two to four players, eight cards each of thirty-two. Everybody sees who sits here, how many cards each holds and what lies on the
// table. A hand is its player's alone. What was not dealt sleeps, and nobody sees it before the deal is over.
import { all, app, document, open, same, t, viewerIs } from 'levelten';
import { z } from 'zod';

const ranks = ['7', '8', '9', '10', 'J', 'Q', 'K', 'A'];
const deck = ['♣', '♦', '♠', '♥'].flatMap((suit) => ranks.map((rank) => rank + suit));
const handSize = 8;

const suitOf = (card: string): string => card.slice(-1);
const pointsOf = (card: string): number => (card === 'Q♠' ? 5 : suitOf(card) === '♥' ? 1 : 0);
/** In the order of the deck, by suit and then by rank. */
const ordered = (cards: readonly string[]): string[] => deck.filter((card) => cards.includes(card));

/** Suit is followed, and hearts are not led before one was thrown away. Who holds nothing else may play anything. */
function playable(hand: readonly string[], led: string | undefined, isBroken: boolean): readonly string[] {
  const fitting = hand.filter((card) => {
    return led === undefined ? isBroken || suitOf(card) !== '♥' : suitOf(card) === suitOf(led);
  });
  return fitting.length > 0 ? fitting : hand;
}

export const hearts = document({
  stage: t.enum(['gathering', 'playing', 'over']),
  turn: t.principal(),
  deals: t.int(0),
  isBroken: t.boolean(false),
  sleeping: t.list(t.string()),
  /** `points` are of this deal, `score` of those before. */
  seats: t.table(
    { who: t.principal(), hand: t.list(t.string()), held: t.int(0), points: t.int(0), score: t.int(0) },
    { key: 'who', max: 4 },
  ),
  /** A full one lies there until the next card is led. */
  trick: t.table({ who: t.principal(), card: t.string('') }),
})
  .policies({ isOver: ({ doc }) => doc.stage === 'over' })
  .bubbles({
    playable: ({ doc, who }) => {
      if (doc.stage !== 'playing' || !same(doc.turn, who)) return undefined;
      const led = doc.trick.count() < doc.seats.size ? doc.trick.first()?.card : undefined;
      return playable(doc.seats.byKey(who)?.hand.values() ?? [], led, doc.isBroken);
    },
  })
  .privacy({
    stage: open,
    turn: open,
    deals: open,
    isBroken: open,
    trick: open,
    playable: open,
    sleeping: all('isOver'),
    seats: { who: open, hand: viewerIs('who'), held: open, points: open, score: open },
  })
  .events({ invent: () => true })
  .channel('sit', z.object({}), ({ doc, who, ctx }) => {
    if (doc.stage === 'playing') ctx.abort('TOO_LATE', 'wait for the end of this deal');
    if (doc.seats.byKey(who) !== undefined) return;
    if (doc.seats.size === 4) ctx.abort('TABLE_FULL', 'four are enough');
    doc.seats.add({ who });
  })
  .channel('deal', z.object({}), ({ doc, who, ctx }) => {
    if (doc.stage === 'playing' || doc.seats.byKey(who) === undefined) ctx.abort('NOT_NOW');
    if (doc.seats.size < 2) ctx.abort('ALONE', 'two make a game');
    // Chance comes from ctx, and is part of the history: whoever replays it deals the same cards.
    const drawn = deck.map((card) => ({ card, at: ctx.id() })).sort((a, b) => (a.at < b.at ? -1 : 1));
    const shuffled = drawn.map(({ card }) => card);
    for (const seat of doc.seats) {
      seat.hand.assign(ordered(shuffled.splice(0, handSize)));
      seat.held = handSize;
      seat.score += seat.points;
      seat.points = 0;
    }
    doc.sleeping.assign(ordered(shuffled));
    doc.trick.clear();
    doc.isBroken = false;
    doc.turn = doc.seats.rows()[doc.deals % doc.seats.size]?.who ?? null;
    doc.deals += 1;
    doc.stage = 'playing';
  })
  .channel('play', z.object({ card: z.string() }), ({ doc, message: { card }, who, ctx }) => {
    const seat = doc.seats.byKey(who);
    if (seat === undefined || doc.stage !== 'playing' || !same(doc.turn, who)) return ctx.abort('NOT_YOUR_TURN');
    if (doc.trick.size === doc.seats.size) doc.trick.clear();
    if (!playable(seat.hand.values(), doc.trick.first()?.card, doc.isBroken).includes(card)) ctx.abort('NOT_THIS_CARD');
    seat.hand.remove(seat.hand.indexOf(card));
    seat.held -= 1;
    doc.trick.add({ who, card });
    doc.isBroken ||= suitOf(card) === '♥';
    const seats = doc.seats.rows();
    const trick = doc.trick.rows();
    if (trick.length < seats.length) {
      doc.turn = seats[(seats.findIndex((one) => same(one.who, who)) + 1) % seats.length]?.who ?? null;
      return;
    }
    const best = ordered(trick.map((one) => one.card).filter((one) => suitOf(one) === suitOf(trick[0]?.card ?? ''))).at(
      -1,
    );
    doc.turn = trick.find((one) => one.card === best)?.who ?? null;
    const taker = doc.seats.byKey(doc.turn ?? who);
    if (taker !== undefined) taker.points += trick.reduce((sum, one) => sum + pointsOf(one.card), 0);
    if (seat.held === 0) doc.stage = 'over';
  })
  .channel('leave', z.object({}), ({ doc, who }) => {
    if (doc.seats.where({ who }).delete() === 0 || doc.stage !== 'playing') return;
    // The others throw their cards in.
    doc.stage = 'gathering';
    doc.turn = null;
    doc.trick.clear();
    doc.sleeping.clear();
    for (const seat of doc.seats) {
      seat.hand.clear();
      seat.held = 0;
      seat.points = 0;
    }
  });

export default app({ spaces: { hearts } });
