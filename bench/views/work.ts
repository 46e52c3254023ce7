// What both sides do in P4.views: a table of players, each with a hand that only he sees, and a turn that all see.
//
//   move   somebody's hand changes, how many he holds (all see that), and the turn: everybody is told, one of them something of his own
//   deal   every hand changes, and the turn: everybody is told something else

export type Work = 'move' | 'deal';
export const works: readonly Work[] = ['move', 'deal'];

/** What is on their way at once: the next change is made when all have seen the one so many before it. */
export const changesInFlight = 4;

export function playerOf(index: number): string {
  return `player${index}`;
}

/** Somebody's hand after change `n`, if it was changed: 16 signs, nobody else's. */
export function handOf(n: number, index: number): string {
  return `${dealOf(n)}${index.toString(36).padStart(6, '0')}`;
}

/** What all hands of change `n` begin with, and nothing else has in it. */
export function dealOf(n: number): string {
  return `hand${n.toString(36).padStart(6, '0')}`;
}

/** Whose hand a move changes. */
export function moverOf(n: number, players: number): number {
  return n % players;
}

export function heldOf(n: number): number {
  return n % 100;
}

export function isOwn(work: Work, n: number, index: number, players: number): boolean {
  return work === 'deal' || moverOf(n, players) === index;
}

/** Viewers who keep their view. */
export const keepersCount = 10;
/** So many viewers come at a time. */
export const joinsMax = 50;
