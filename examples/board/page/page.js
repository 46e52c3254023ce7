// A board, as one person sees it: notes.js wires each note.
import { colours, makeNote, showNote } from './notes.js';
import { openSeats, showList } from './seats.js';
import { writing } from './writing.js';

openSeats('board', (seat) => {
  const { as, find, document: board, send } = seat;
  const title = writing(find('.title'), (text) => send('write', { text }));
  for (const [deed, isHidden] of Object.entries({ '.add': false, '.begin': true })) {
    find(deed).addEventListener('click', async () => {
      const id = await send('add', { ...freePlace(board.view?.notes ?? []), isHidden });
      // What a message did is in the view before its answer is here.
      find(`[data-key="${id}"] textarea`)?.focus();
    });
  }

  board.subscribe((view) => {
    title.show(view.text);
    const notes = [...view.notes].sort((a, b) => a.touched - b.touched);
    const places = new Map(notes.map(({ id }, place) => [id, place]));
    showList(
      find('.board'),
      view.notes,
      ({ id }) => id,
      (note) => makeNote(note, seat),
      (element, note) => showNote(element, note, places.get(note.id), as),
    );
    find('.count').textContent = counted(view.notes.length, as);
  });
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
