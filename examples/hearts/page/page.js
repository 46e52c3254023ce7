// A table of hearts, as one player sees it. The view holds what he may see and nothing more, so there is nothing to hide here.
import { make, openSeats, showList } from '../../shared/seats.js';

const ranks = { J: 'jack', Q: 'queen', K: 'king', A: 'ace' };
const suits = { '♣': 'clubs', '♦': 'diamonds', '♠': 'spades', '♥': 'hearts' };

openSeats('hearts', ({ as, find, document: game, send }) => {
  for (const deed of ['sit', 'deal', 'leave']) find(`.${deed}`).addEventListener('click', () => send(deed, {}));
  const play = (card) => send('play', { card });
  find('.hand').addEventListener('keydown', moveAlong);

  game.subscribe((view) => {
    const mine = view.seats.find(({ who }) => who.agent === as);
    showOthers(find('.others'), view, mine);
    showTrick(find('.trick'), view, as);
    showHand(find('.hand'), mine?.hand ?? [], view.playable, play);
    find('.say').textContent = sentence(view, as);
    find('.felt').classList.toggle('turn', view.playable !== undefined);
    find('.sit').hidden = mine !== undefined || view.stage === 'playing' || view.seats.length === 4;
    find('.deal').hidden = mine === undefined || view.stage === 'playing' || view.seats.length < 2;
    find('.deal').textContent = view.stage === 'over' ? 'Deal again' : 'Deal';
    find('.leave').hidden = mine === undefined;
    find('.points').textContent = mine === undefined ? 'You watch.' : pointsOf(mine, view);
    const asleep = view.sleeping ?? [];
    find('.sleeping').textContent = asleep.length === 0 ? '' : `These slept: ${asleep.join(' ')}`;
  });
});

function showOthers(list, { seats, turn, stage, deals }, mine) {
  // From the left hand on, as they sit around the table.
  const place = seats.indexOf(mine);
  const others = place < 0 ? seats : [...seats.slice(place + 1), ...seats.slice(0, place)];
  showList(
    list,
    others,
    ({ id }) => id,
    () => make('li', {}, make('b'), make('span', { className: 'backs' }), make('small')),
    (item, seat) => {
      item.classList.toggle('turn', stage === 'playing' && turn?.agent === seat.who.agent);
      item.querySelector('b').textContent = seat.who.agent;
      const backs = Array.from({ length: seat.held }, () => make('i'));
      item.querySelector('.backs').replaceChildren(...backs);
      const cards = seat.held === 1 ? '1 card' : `${seat.held} cards`;
      item.querySelector('small').textContent = deals === 0 ? 'is here' : `${cards}, ${pointsOf(seat)}`;
    },
  );
}

function showTrick(list, { trick, seats }, as) {
  const isTaken = trick.length > 0 && trick.length === seats.length;
  list.classList.toggle('taken', isTaken);
  showList(
    list,
    trick,
    ({ id }) => id,
    ({ who, card }) => {
      return make(
        'li',
        {},
        cardFace('span', card),
        make('small', { textContent: who.agent === as ? 'you' : who.agent }),
      );
    },
  );
}

function showHand(list, hand, mayPlay, play) {
  const isPlaying = list.contains(document.activeElement);
  showList(
    list,
    hand,
    (card) => card,
    (card) => {
      const button = cardFace('button', card);
      button.addEventListener('click', () => play(card));
      return make('li', {}, button);
    },
    (item, card) => {
      item.firstChild.disabled = !(mayPlay ?? []).includes(card);
    },
  );
  list.classList.toggle('waits', mayPlay === undefined);
  if (isPlaying) keepFocus(list);
}

/** Who plays by keys goes on with the next card that he may play; until there is one the hand itself has the focus. */
function keepFocus(list) {
  if (document.activeElement !== list && document.activeElement.matches('.hand button:enabled')) return;
  list.tabIndex = -1;
  (list.querySelector('button:enabled') ?? list).focus();
}

function cardFace(tag, card) {
  const [rank, suit] = [card.slice(0, -1), card.slice(-1)];
  const isRed = suit === '♥' || suit === '♦';
  const face = make(
    tag,
    { className: isRed ? 'card red' : 'card' },
    make('b', { textContent: rank }),
    icon(suit),
    icon(suit),
  );
  face.setAttribute('aria-label', `${ranks[rank] ?? rank} of ${suits[suit]}`);
  if (tag === 'span') face.setAttribute('role', 'img');
  return face;
}

function icon(suit) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#${suit}`);
  svg.append(use);
  return svg;
}

function sentence({ stage, seats, turn, trick, deals }, as) {
  if (stage === 'gathering') {
    if (seats.length < 2)
      return `${seats.length === 0 ? 'Nobody sits here yet' : 'One more is needed'}: two to four play.`;
    return 'Whoever sits here may deal.';
  }
  const whose = turn?.agent === as ? 'you' : (turn?.agent ?? 'nobody');
  const taken = `${whose === 'you' ? 'You take' : `${whose} takes`} the trick`;
  if (stage === 'over') {
    const best = Math.min(...seats.map(({ points, score }) => points + score));
    const leading = seats.filter(({ points, score }) => points + score === best).map(({ who }) => who.agent);
    const names = leading.map((name) => (name === as ? 'you' : name));
    return `${taken}, and deal ${deals} is over. Fewest points so far: ${names.join(' and ')}, with ${best}.`;
  }
  if (trick.length === seats.length) return `${taken}${whose === 'you' ? ': play the next card.' : ' and leads.'}`;
  return whose === 'you' ? 'It is your turn.' : `It is ${whose}’s turn.`;
}

function pointsOf({ points, score }) {
  const word = (count) => (count === 1 ? '1 point' : `${count} points`);
  return score === 0 ? word(points) : `${word(points)}, ${score + points} in all`;
}

/** Arrow keys go from card to card that may be played. */
function moveAlong(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) return;
  const cards = [...event.currentTarget.querySelectorAll('button:enabled')];
  cards[(cards.indexOf(document.activeElement) + step + cards.length) % cards.length]?.focus();
  event.preventDefault();
}
