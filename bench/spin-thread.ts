// A thread that does nothing but the work of P9's handlers, and says how many pieces a second it did.
import { parentPort, workerData } from 'node:worker_threads';
import { spin } from './spin.ts';

const { rounds, seconds } = workerData as { readonly rounds: number; readonly seconds: number };
const startMs = performance.now();
let count = 0;
let value = 0;
while (performance.now() - startMs < seconds * 1_000) {
  value = spin(rounds, value);
  count += 1;
}
parentPort?.postMessage((count * 1_000) / (performance.now() - startMs));
