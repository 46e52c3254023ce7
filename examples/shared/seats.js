// Who looks, here: each name in the address, as in ?as=alice&as=bob, has a pane of its own, with a connection of its own, as if it were another machine.
// Panes share nothing: what one shows is what the server sent to it, and the lowest line of each tells all of that.
import { connect } from '/levelten/proxy/client/client.js';

const guests = ['alice', 'bob', 'carol', 'dave'];
const seatsMax = 4;
const statusWords = {
  connecting: 'connecting',
  live: 'live',
  waiting: 'resuming',
  refused: 'refused',
  closed: 'closed',
};

const params = new URLSearchParams(location.search);
const names = [...new Set(params.getAll('as').filter((name) => /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,31}$/.test(name)))];

/**
 * Opens `SPACE/KEY`, where the address says ?key=KEY, for everybody who is named there; asks who it is where nobody is. `fill` wires one seat: it gets
 * `as`, the name; `find`, which finds an element of its pane; `document`; and `send`, which resolves with what the handler returned, or with undefined where
 * the message was refused, and the pane says why; `attempt` does that for anything else that a document is asked.
 */
export function openSeats(space, fill) {
  const doc = `${space}/${keyOfPage()}`;
  const seats = names.slice(0, seatsMax).map((name) => openSeat(doc, name, fill));
  if (seats.length === 0) return askWho();
  const main = document.querySelector('main');
  main.dataset.seats = seats.length;
  main.hidden = false;
  document.title = `${names.join(', ')} – ${document.title}`;
  const next = guests.find((name) => !names.includes(name));
  if (next !== undefined && seats.length < seatsMax) offer(`Open beside it, as ${next}`, addressFor([...names, next]));
  addEventListener('beforeunload', (event) => {
    if (seats.some(({ unsent }) => unsent > 0)) event.preventDefault();
  });
}

/** The second part of the document's name. */
export function keyOfPage() {
  return params.get('key') ?? 'main';
}

/** The names of those who look. */
export function peopleOfPage() {
  return names;
}

/** This page for these people, and with the key that is given. */
export function addressFor(people, key = params.get('key')) {
  const query = new URLSearchParams(people.map((name) => ['as', name]));
  if (key !== null) query.set('key', key);
  return `?${query}`;
}

/**
 * Shows `items` as children of `parent`. The element of an item that was there stays, with its focus and what is being typed into it; `make` makes one for
 * a new item, and `update` follows for all.
 */
export function showList(parent, items, keyOf, make, update = () => {}) {
  const former = new Map([...parent.children].map((element) => [element.dataset.key, element]));
  const elements = items.map((item) => {
    const key = keyOf(item);
    const element = former.get(key) ?? make(item);
    former.delete(key);
    element.dataset.key = key;
    update(element, item);
    return element;
  });
  for (const gone of former.values()) gone.remove();
  for (const [place, element] of elements.entries()) {
    if (parent.children[place] !== element) parent.insertBefore(element, parent.children[place] ?? null);
  }
}

/** An element with these properties, and these children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function askWho() {
  const ask = document.querySelector('#ask');
  ask.hidden = false;
  ask.append(document.querySelector('#offers'));
  for (const count of [2, seatsMax]) {
    const people = guests.slice(0, count);
    offer(count === 2 ? 'Alice and Bob, side by side' : 'Four, side by side', addressFor(people));
  }
}

function offer(text, href) {
  document.querySelector('#offers').append(make('a', { href, textContent: text, className: 'button' }));
}

function openSeat(doc, name, fill) {
  const pane = document.querySelector('#seat').content.firstElementChild.cloneNode(true);
  pane.setAttribute('aria-label', `What ${name} sees`);
  pane.prepend(headOf(name));
  pane.append(
    make('p', { className: 'problem', role: 'alert', hidden: true }),
    make(
      'details',
      { className: 'told' },
      make('summary', { textContent: `Everything the server told ${name}` }),
      make('pre'),
    ),
  );
  document.querySelector('main').append(pane);
  const find = (selector) => pane.querySelector(selector);
  const opened = connect(location.origin, { as: name }).open(doc);
  showStatus(opened, find);
  showTold(opened, find('.told'));
  const attempt = attempter(opened, find);
  const send = async (channel, message) => (await attempt(() => opened.send(channel, message)))?.value;
  fill({ as: name, find, document: opened, send, attempt });
  return opened;
}

function headOf(name) {
  const head = make('header', { className: 'person' }, make('h2', { textContent: name }));
  head.append(make('p', { className: 'status', role: 'status' }), make('span', { className: 'unsent' }));
  if (names.length === 1) return head;
  const alone = { href: addressFor([name]), target: '_blank', rel: 'noopener', textContent: 'own tab' };
  const away = { href: addressFor(names.filter((one) => one !== name)), textContent: 'close' };
  head.append(make('a', alone), make('a', away));
  return head;
}

function showStatus(opened, find) {
  const show = () => {
    find('.status').dataset.status = opened.status;
    find('.status').textContent = statusWords[opened.status];
    if (opened.error !== undefined) showProblem(find, opened.error);
  };
  opened.onStatus(show);
  show();
}

/** Everything that this viewer may see, as it came. */
function showTold(opened, details) {
  const show = () => {
    if (details.open) details.querySelector('pre').textContent = JSON.stringify(opened.view, undefined, 1);
  };
  details.addEventListener('toggle', show);
  opened.subscribe(show);
}

/** A function that waits for what it is given to start, and resolves with its answer; or with undefined where it was refused, and the pane says why. */
function attempter(opened, find) {
  const count = () => {
    find('.unsent').textContent = opened.unsent === 0 ? '' : `${opened.unsent} unsent`;
  };
  return async (start) => {
    try {
      const answer = start();
      count();
      const answered = await answer;
      find('.problem').hidden = true;
      return answered;
    } catch (error) {
      showProblem(find, error);
    } finally {
      count();
    }
  };
}

function showProblem(find, { code, name, message }) {
  find('.problem').textContent = `${message} (${code ?? name})`;
  find('.problem').hidden = false;
}
