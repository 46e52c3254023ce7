// What happened, in words, for whoever reads a seed that failed: the last lines, and how to see it again.
import { describeMessage } from '../../chain/describe.ts';
import type { Message } from '../../chain/messages.ts';
import type { Kernel } from './kernel.ts';

const linesMax = 100_000;

export class Story {
  readonly lines: string[] = [];
  readonly #kernel: Kernel;
  readonly #isTold: boolean;

  constructor(kernel: Kernel, isTold: boolean) {
    this.#kernel = kernel;
    this.#isTold = isTold;
  }

  say(line: () => string): void {
    if (this.#isTold && this.lines.length < linesMax) this.lines.push(`${this.#kernel.nowMs.toFixed(2)} ${line()}`);
  }

  onMessage(from: string, to: string, message: Message): void {
    this.say(() => `  ${from}>${to} chain ${message.chain} ${describeMessage(message)}`);
  }
}
