// The table of P4.views as a document.
import { app, document, open, t, viewerIs } from 'levelten';
import { z } from 'zod';
import { handOf, heldOf, moverOf, playerOf } from './work.ts';

const authority = 'dev';
const change = z.object({ n: z.int().min(1) });

const table = document({
  turn: t.int(0),
  players: t.table({ who: t.principal(), hand: t.string(''), held: t.int(0) }, { key: 'who', max: 10_000 }),
})
  .privacy({ turn: open, players: { who: open, held: open, hand: viewerIs('who') } })
  .events({ invent: () => true })
  .channel('seat', z.object({ from: z.int().min(0), to: z.int() }), ({ doc, message: { from, to } }) => {
    for (let index = from; index < to; index += 1) {
      doc.players.add({ who: { agent: playerOf(index), authority }, hand: handOf(0, index), held: 0 });
    }
  })
  .channel('move', change, ({ doc, message: { n }, ctx }) => {
    const agent = playerOf(moverOf(n, doc.players.size));
    const player = doc.players.byKey({ agent, authority }) ?? ctx.abort('NOBODY');
    player.hand = handOf(n, moverOf(n, doc.players.size));
    player.held = heldOf(n);
    doc.turn = n;
  })
  .channel('deal', change, ({ doc, message: { n } }) => {
    let index = 0;
    for (const player of doc.players) {
      player.hand = handOf(n, index);
      index += 1;
    }
    doc.turn = n;
  });

export default app({ spaces: { table } });
