// A card game of hidden hands, as a user would write one: what the kit's own tests play.
import { all, app, document, open, requires, same, t } from 'levelten';
import { z } from 'zod';

export const hearts = document({
  title: t.string('hearts'),
  dealer: t.principal(),
  deck: t.list(t.string()),
  isOpen: t.boolean(false),
  dealtAt: t.dateTime(),
  stake: t.bigint(5n),
  players: t.map(t.record({ who: t.principal(), hand: t.list(t.string()), score: t.int(0) })),
})
  .policies({
    dealer: ({ doc, who }) => same(doc.dealer, who),
    shown: ({ doc, row, who }) => doc.isOpen || same(row.who, who),
    civil: ({ doc }) => {
      if (doc.title === 'brawl') throw new Error('this is no game any more');
      return true;
    },
  })
  .formulas({ best: ({ doc }) => Math.max(0, ...doc.players.entries().map(([, { score }]) => score)) })
  .privacy({
    title: open,
    deck: all('dealer'),
    isOpen: open,
    dealtAt: open,
    best: open,
    players: requires('civil', { who: open, score: open, hand: all('shown') }),
  })
  .events({ invent: ({ who }) => who.agent !== 'mallory' })
  .channel('deal', z.object({ cards: z.array(z.string()) }), ({ doc, message, who, ctx }) => {
    doc.dealer = who;
    doc.deck.push(...message.cards);
    doc.dealtAt = new Date(ctx.now);
    doc.stake += 1n;
  })
  .channel('sit', z.object({}), ({ doc, who, ctx }) => {
    const hand = doc.deck.values().slice(0, 2);
    if (hand.length < 2) ctx.abort('DECK_EMPTY', 'no cards are left');
    for (const _ of hand) doc.deck.remove(0);
    doc.players.set(who.agent, { who, hand });
    return { cards: hand.length, seat: ctx.id() };
  })
  .channel('play', z.object({ card: z.string() }), ({ doc, message, who }) => {
    const player = doc.players.get(who.agent);
    const at = player?.hand.indexOf(message.card) ?? -1;
    if (player === undefined || at < 0) throw new Error(`${who.agent} has no ${message.card}`);
    player.hand.remove(at);
    player.score += 1;
    return player.score;
  })
  .channel('show', z.object({ isOpen: z.boolean() }), ({ doc, message }) => {
    doc.isOpen = message.isOpen;
  })
  .channel('rename', z.object({ title: z.string() }), ({ doc, message }) => {
    doc.title = message.title;
  });

export default app({ spaces: { hearts } });
