// What a view looks at, as its client holds it: the newest that was said, and the one before it, which it goes on with where the newest is refused. It
// goes with every open, so nothing that happens to a connection loses it.
import { RefusedError, stateLengthMax, stateMs } from './frames.ts';

type Said = { readonly n: number; readonly body: string; readonly state: unknown };

type Parts = {
  readonly doc: string;
  readonly write: (line: string) => void;
  /** An open has left over this connection, and was not refused. */
  readonly isOpen: () => boolean;
};

export class Looking {
  readonly #parts: Parts;
  #n = 0;
  #newest: Said | undefined;
  #former: Said | undefined;
  #isDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  error: RefusedError | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What was said last and not refused. */
  get state(): unknown {
    return this.#newest?.state;
  }

  /** The newest goes, now or a moment after the one before it; where nothing is open, with the open. */
  say(state: unknown): void {
    const body: string | undefined = JSON.stringify(state);
    if (body === undefined) throw new RefusedError('FRAME_INVALID', 'never', 'what a view looks at is a JSON value');
    if (body.length > stateLengthMax) {
      const text = `what a view looks at has at most ${stateLengthMax} characters as JSON`;
      throw new RefusedError('FRAME_INVALID', 'never', text);
    }
    this.error = undefined;
    this.#former = this.#newest;
    this.#take(body);
  }

  /** What an open frame says of it: a field, or ''. */
  opening(): string {
    this.#isDue = false;
    if (this.#newest === undefined) return '';
    // Of what an open says that is the number.
    this.#newest = { ...this.#newest, n: 0 };
    return `,"viewer":${this.#newest.body}`;
  }

  /** Whether it was the newest: the view goes on with what was said before that. */
  onRefused(n: number, error: RefusedError): boolean {
    if (this.#former?.n === n) this.#former = undefined;
    if (this.#newest?.n !== n) return false;
    this.error = error;
    const { body } = this.#former ?? {};
    this.#newest = undefined;
    this.#former = undefined;
    if (body !== undefined) this.#take(body);
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }

  #take(body: string): void {
    this.#n += 1;
    this.#newest = { n: this.#n, body, state: JSON.parse(body) };
    this.#isDue = true;
    this.#give();
  }

  #give(): void {
    if (!this.#isDue || this.#timer !== undefined || this.#newest === undefined || !this.#parts.isOpen()) return;
    this.#isDue = false;
    const { n, body } = this.#newest;
    this.#parts.write(`{"t":"viewer","doc":${JSON.stringify(this.#parts.doc)},"n":${n},"value":${body}}`);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#give();
    }, stateMs);
  }
}
