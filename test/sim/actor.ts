// A process as the machine runs it: it can be stopped for a while (SIGSTOP), and then what should happen to it waits; or be gone,
// and then nothing happens to it any more.
export class Actor {
  readonly name: string;
  state: 'up' | 'paused' | 'down' = 'up';
  #held: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Every event of the process comes through here. */
  enter(run: () => void): void {
    if (this.state === 'paused') this.#held.push(run);
    else if (this.state === 'up') this.guard(run);
  }

  /** What the process throws and nobody catches. */
  guard(run: () => void): void {
    run();
  }

  pause(): void {
    if (this.state === 'up') this.state = 'paused';
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'up';
    const held = this.#held;
    this.#held = [];
    for (const run of held) this.enter(run);
  }

  end(): void {
    this.state = 'down';
    this.#held = [];
  }
}
