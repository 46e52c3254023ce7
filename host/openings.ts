// Who sends while a view is being opened waits until it is: in the view itself, since it has no viewer yet; and in another one of the same session,
// since that one may be heard no more once this is open (C15). Where documents run in the loop of the host, only
// who undoes something is waited for.
import type { Attached } from './front.ts';

type Opening = { count: number; readonly sends: (() => void)[] };

export class Openings {
  readonly #openings = new Map<Attached | string, Opening>();

  /** An open was asked for; to be called when it has come to its end. */
  begin(attached: Attached): () => void {
    const key = keyOf(attached);
    const opening = this.#openings.get(key) ?? { count: 0, sends: [] };
    this.#openings.set(key, opening);
    opening.count += 1;
    return () => {
      opening.count -= 1;
      if (opening.count > 0) return;
      this.#openings.delete(key);
      for (const send of opening.sends) send();
    };
  }

  /** What is sent in this view waits here, where there is something to wait for. */
  of(attached: Attached): (() => void)[] | undefined {
    return this.#openings.size === 0 ? undefined : this.#openings.get(keyOf(attached))?.sends;
  }
}

function keyOf(attached: Attached): Attached | string {
  return attached.session === '' || attached.session === 'new' ? attached : attached.session;
}
