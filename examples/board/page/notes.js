// One note on the board: what is written on it, where it lies, its colour, and who is told of it.
import { make } from '../../shared/seats.js';
import { latest, writing } from './writing.js';

export const colours = ['yellow', 'green', 'blue', 'pink'];
/** Thousandths of the board that an arrow key moves a note. */
const keyStep = 20;
const limit = (value) => Math.round(Math.min(1_000, Math.max(0, value)));
/** What belongs to an element, besides what the view says. */
const wired = new WeakMap();

export function makeNote({ id }, { document: board, send, remove }) {
  const element = document.querySelector('#note').content.firstElementChild.cloneNode(true);
  const text = writing(element.querySelector('textarea'), (value) => send('change', { id, text: value }));
  const moving = {
    /** What others are shown of a note on its way: nothing of one that is hidden. */
    show: (place) => board.show('drag', place === null || note.isHidden ? null : { id, ...place }),
    end: latest((place) => send('change', { id, ...place })),
  };
  const note = { id, text, place: { x: 0, y: 0 }, isHeld: false, isHidden: false };
  wired.set(element, note);
  element.querySelector('.paint').append(
    ...colours.map((colour) => {
      const swatch = make('button', { type: 'button', className: 'swatch', title: colour });
      swatch.dataset.colour = colour;
      swatch.setAttribute('aria-label', `Colour it ${colour}`);
      swatch.addEventListener('click', () => send('change', { id, colour }));
      return swatch;
    }),
  );
  element.querySelector('.remove').addEventListener('click', () => remove(id));
  element.querySelector('.hide').addEventListener('click', () => send('hide', { id, isHidden: !note.isHidden }));
  element.querySelector('header').addEventListener('pointerdown', (event) => drag(event, element, note, moving));
  element.querySelector('.grip').addEventListener('keydown', (event) => moveByKey(event, element, note, moving));
  return element;
}

export function showNote(element, { by, text, colour, x, y, isHidden }, { above, dragged, as }) {
  const note = wired.get(element);
  const isMine = by?.agent === as;
  note.text.show(text);
  note.isHidden = isHidden;
  element.dataset.colour = colour;
  element.classList.toggle('hidden', isHidden);
  element.style.setProperty('--above', above);
  element.classList.toggle('dragged', dragged !== undefined);
  if (!note.isHeld) putAt(element, note, dragged ?? { x, y });
  element.querySelector('.by').textContent = isMine ? (isHidden ? 'hidden' : 'you') : (by?.agent ?? '');
  element.querySelector('textarea').setAttribute('aria-label', `Note by ${by?.agent}`);
  element.querySelector('.grip').setAttribute('aria-label', `Move the note by ${by?.agent}`);
  const hide = element.querySelector('.hide');
  hide.hidden = !isMine;
  hide.textContent = isHidden ? 'Show' : 'Hide';
  for (const swatch of element.querySelectorAll('.swatch')) {
    swatch.setAttribute('aria-pressed', swatch.dataset.colour === colour);
  }
}

function putAt(element, note, place) {
  note.place = place;
  element.style.setProperty('--x', place.x);
  element.style.setProperty('--y', place.y);
}

function drag(down, element, note, moving) {
  if (down.button !== 0 || (down.target.closest('button') !== null && !down.target.matches('.grip'))) return;
  down.preventDefault();
  const handle = down.currentTarget;
  const { width, height } = element.parentElement.getBoundingClientRect();
  const room = { x: Math.max(1, width - element.offsetWidth), y: Math.max(1, height - element.offsetHeight) };
  const from = note.place;
  const onMove = (event) => {
    const x = limit(from.x + ((event.clientX - down.clientX) / room.x) * 1_000);
    const y = limit(from.y + ((event.clientY - down.clientY) / room.y) * 1_000);
    if (x === note.place.x && y === note.place.y) return;
    putAt(element, note, { x, y });
    moving.show(note.place);
  };
  const onUp = async () => {
    handle.removeEventListener('pointermove', onMove);
    element.classList.remove('held');
    await moving.end(note.place);
    note.isHeld = false;
    moving.show(null);
  };
  note.isHeld = true;
  element.classList.add('held');
  element.querySelector('.grip').focus();
  handle.setPointerCapture(down.pointerId);
  handle.addEventListener('pointermove', onMove);
  handle.addEventListener('lostpointercapture', onUp, { once: true });
}

function moveByKey(event, element, note, moving) {
  const [right, below] =
    { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
  if (right === undefined) return;
  event.preventDefault();
  putAt(element, note, { x: limit(note.place.x + right * keyStep), y: limit(note.place.y + below * keyStep) });
  moving.end(note.place);
}
