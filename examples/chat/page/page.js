// A room, as one person sees it.
import { addressFor, keyOfPage, make, openSeats, peopleOfPage, showList } from '../../shared/seats.js';

const rooms = ['main', 'garden', 'kitchen'];
/** How long somebody is typing after the last key, in ms. */
const typingMs = 3_000;

document.querySelector('.rooms').append(
  ...[...new Set([...rooms, keyOfPage()])].map((room) => {
    const link = make('a', { href: addressFor(peopleOfPage(), room), textContent: room === 'main' ? 'lobby' : room });
    if (room === keyOfPage()) link.setAttribute('aria-current', 'page');
    return link;
  }),
);

openSeats('chat', ({ as, find, document: room, send }) => {
  const list = find('.messages');
  room.subscribe((view) => {
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const here = view.here.map(({ agent }) => agent);
    showHere(find('.here'), here, as);
    showTo(find('.to'), here, as);
    showList(
      list,
      view.messages,
      ({ id }) => id,
      (said) => makeMessage(said, as, send),
    );
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  });
  write({ as, find, room, send });
});

function showHere(list, here, as) {
  showList(
    list,
    here,
    (name) => name,
    (name) => make('li', {}, face(name), name === as ? `${name} (you)` : name),
  );
}

/** Everyone, or one of those who are here. Whom one whispers to stays in the list when he leaves. */
function showTo(select, here, as) {
  const chosen = select.value;
  const others = new Set([...here, chosen].filter((name) => name !== as && name !== ''));
  showList(
    select,
    ['', ...others],
    (name) => name,
    (name) => make('option', { value: name, textContent: name === '' ? 'to everyone' : `only to ${name}` }),
  );
}

function makeMessage({ id, from, to, text, at }, as, send) {
  const isMine = from.agent === as;
  const name = isMine ? 'you' : from.agent;
  const aside = to === undefined ? '' : ` only to ${to.agent === as ? 'you' : to.agent}`;
  const time = make('time', { dateTime: at, textContent: new Date(at).toLocaleTimeString([], { timeStyle: 'short' }) });
  const head = make('p', { className: 'head' }, make('b', { textContent: name }), aside, ' ', time);
  if (isMine) {
    const unsay = make('button', { type: 'button', textContent: 'unsay' });
    unsay.setAttribute('aria-label', `Unsay: ${text}`);
    unsay.addEventListener('click', () => send('unsay', { id }));
    head.prepend(unsay);
  }
  const message = make(
    'li',
    {},
    face(from.agent),
    make('div', {}, head, make('p', { className: 'text', textContent: text })),
  );
  message.classList.toggle('mine', isMine);
  message.classList.toggle('aside', to !== undefined);
  return message;
}

/** The first letter of a name, in a colour that follows from all of it. */
function face(name) {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  const element = make('span', { className: 'face', textContent: name.slice(0, 1).toUpperCase(), ariaHidden: 'true' });
  element.style.setProperty('--hue', hue);
  return element;
}

function write({ as, find, room, send }) {
  const text = find('input.text');
  let idle;
  const stop = () => {
    clearTimeout(idle);
    room.show('typing', null);
  };
  text.addEventListener('input', () => {
    // Whoever whispers does so unnoticed.
    if (text.value === '' || find('.to').value !== '') return stop();
    room.show('typing', true);
    clearTimeout(idle);
    idle = setTimeout(stop, typingMs);
  });
  find('.to').addEventListener('change', () => {
    const isAside = find('.to').value !== '';
    find('form.say').classList.toggle('aside', isAside);
    text.placeholder = isAside ? 'Whisper something…' : 'Say something…';
    if (isAside) stop();
  });
  find('form.say').addEventListener('submit', (event) => {
    event.preventDefault();
    if (text.value.trim() === '') return;
    const to = find('.to').value;
    send('say', { text: text.value, ...(to === '' ? {} : { to }) });
    text.value = '';
    stop();
  });
  const typing = room.shown('typing');
  typing.subscribe(() => {
    const names = typing.entries.map(([{ agent }]) => agent).filter((name) => name !== as);
    find('.typing').textContent =
      names.length === 0 ? '' : `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
  });
}
