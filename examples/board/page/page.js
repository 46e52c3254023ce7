// A board, as one person sees it: notes.js wires each note.

import { openSeats, showList } from '../../shared/seats.js';
import { colours, makeNote, showNote } from './notes.js';
import { writing } from './writing.js';

openSeats('board', (seat) => {
  const { as, find, document: board, send, attempt } = seat;
  const title = writing(find('.title'), (text) => send('write', { text }));
  for (const [deed, isHidden] of Object.entries({ '.add': false, '.begin': true })) {
    find(deed).addEventListener('click', async () => {
      const id = await send('add', { ...freePlace(board.view?.notes ?? []), isHidden });
      // What a message did is in the view before its answer is here.
      find(`[data-key="${id}"] textarea`)?.focus();
    });
  }

  /** What was thrown away here last, by the number of that update, can be put back. */
  let thrown;
  seat.remove = async (id) => {
    thrown = (await attempt(() => board.send('remove', { id })))?.seq;
    find('.undo').hidden = thrown === undefined;
  };
  find('.undo').addEventListener('click', () => {
    find('.undo').hidden = true;
    attempt(() => board.undo(thrown));
  });

  const drags = board.shown('drag');
  const show = () => {
    if (board.view === undefined) return;
    const { text, notes } = board.view;
    title.show(text);
    const places = new Map([...notes].sort((a, b) => a.touched - b.touched).map(({ id }, place) => [id, place]));
    const others = drags.entries.filter(([who]) => who.agent !== as);
    const dragged = new Map(others.map(([, { id, x, y }]) => [id, { x, y }]));
    showList(
      find('.board'),
      notes,
      ({ id }) => id,
      (note) => makeNote(note, seat),
      (element, note) => showNote(element, note, { above: places.get(note.id), dragged: dragged.get(note.id), as }),
    );
    find('.count').textContent = counted(notes.length, as);
  };
  board.subscribe(show);
  drags.subscribe(show);
});

function counted(count, as) {
  if (count === 0) return 'There is no note yet.';
  return `${as} is told of ${count === 1 ? '1 note' : `${count} notes`}.`;
}

/** The first place of a grid on which no note lies; where there is none, the middle. */
function freePlace(notes) {
  const colour = colours[notes.length % colours.length];
  const places = [20, 500, 980].flatMap((y) => [20, 500, 980].map((x) => ({ x, y })));
  const isFree = ({ x, y }) => !notes.some((note) => Math.abs(note.x - x) < 300 && Math.abs(note.y - y) < 400);
  return { colour, ...(places.find(isFree) ?? { x: 500, y: 500 }) };
}
