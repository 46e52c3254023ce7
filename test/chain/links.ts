// The links of a world. Each end of a link hears what is on its way to it, meets a new link and notices the end of an old one
// in its own time. What the hosts promise (host/links.ts) holds here too, and no more than that:
//
//   what arrives on a link comes in order, then its end, then whatever comes on the next one
//   what is sent goes over the link that this end has met, and is lost if that is over
//   nothing that was sent on one link arrives on another
import type { Message } from '../../chain/messages.ts';
import { assert } from '../../engine/base/assert.ts';
import type { HostId } from '../../engine/base/ids.ts';

/** What happens at one end: a message, the end of its link, or a new link to a process. */
export type Item =
  | Message
  | { readonly kind: 'broken' }
  | { readonly kind: 'linked'; readonly boot: string; readonly storeId: string; readonly generation: number };

/** One direction: what is on its way, and which link the end that hears it has met. */
export type Way = { readonly from: HostId; readonly to: HostId; items: Item[]; met: number };

export type Greeting = { readonly boot: string; readonly storeId: string };

export class Links {
  readonly ways: Map<string, Way>;
  /** The link that is up between two hosts, by its number, or 0. Numbers grow. */
  readonly #up: Map<string, number>;
  #last: number;

  constructor(ids: readonly HostId[], other?: Links) {
    this.ways = new Map();
    this.#up = new Map(other === undefined ? [] : other.#up);
    this.#last = other === undefined ? 0 : other.#last;
    for (const from of ids)
      for (const to of ids) {
        const way = other?.ways.get(`${from}>${to}`);
        const copy = way === undefined ? { from, to, items: [], met: 0 } : { ...way, items: [...way.items] };
        this.ways.set(`${from}>${to}`, copy);
      }
  }

  way(from: string, to: string): Way {
    const way = this.ways.get(`${from}>${to}`);
    assert(way !== undefined, `there is a way from ${from} to ${to}`);
    return way;
  }

  isUp(a: string, b: string): boolean {
    return (this.#up.get(pair(a, b)) ?? 0) !== 0;
  }

  /** Whether what `from` sends now arrives, unless that link breaks. */
  isOpen(from: string, to: string): boolean {
    return from === to || (this.isUp(from, to) && this.way(to, from).met === this.#up.get(pair(from, to)));
  }

  isCurrent(a: string, b: string, generation: number): boolean {
    return this.#up.get(pair(a, b)) === generation;
  }

  send(from: HostId, to: HostId, message: Message): void {
    if (this.isOpen(from, to)) this.way(from, to).items.push(message);
  }

  link(a: Greeting & { id: HostId }, b: Greeting & { id: HostId }): void {
    assert(!this.isUp(a.id, b.id), `${a.id} and ${b.id} have no link`);
    this.#last += 1;
    const generation = this.#last;
    this.#up.set(pair(a.id, b.id), generation);
    this.way(a.id, b.id).items.push({ kind: 'linked', boot: a.boot, storeId: a.storeId, generation });
    this.way(b.id, a.id).items.push({ kind: 'linked', boot: b.boot, storeId: b.storeId, generation });
  }

  /** The link is over; of what is on its way, the newest `lost` of each direction are lost. Neither end has noticed yet. */
  break(a: string, b: string, lost: (countSent: number) => number): void {
    if (!this.isUp(a, b)) return;
    this.#up.set(pair(a, b), 0);
    for (const { items } of [this.way(a, b), this.way(b, a)]) {
      const from = items.findLastIndex(({ kind }) => kind === 'linked' || kind === 'broken') + 1;
      const sent = items.length - from;
      items.length -= Math.min(sent, lost(sent));
      // A link that was never met does not end.
      if (items.at(-1)?.kind === 'linked') items.pop();
      else items.push({ kind: 'broken' });
    }
  }

  /** A process is gone: it hears nothing more, and its links are over. */
  end(id: HostId, others: Iterable<HostId>, lost: (countSent: number) => number): void {
    for (const other of others) {
      if (other !== id) this.break(id, other, lost);
      this.way(other, id).items = [];
    }
  }

  next(from: string, to: string): Item | undefined {
    const way = this.way(from, to);
    const item = way.items.shift();
    if (item?.kind === 'linked') way.met = item.generation;
    return item;
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
