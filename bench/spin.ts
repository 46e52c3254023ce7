// Work that is nothing but CPU: no memory, no calls. So many rounds take as long on every thread that has a core to itself.

const roundsTried = 100_000;
const triesMs = 400;
/** Code is compiled in the first of them. */
const warmMs = 100;

/** A number that depends on every round, so that none can be left out. */
export function spin(rounds: number, seed: number): number {
  let value = seed | 0;
  for (let round = 0; round < rounds; round += 1) value = (Math.imul(value ^ round, 0x0100_0193) + 1) | 0;
  return value >>> 0;
}

/** The rounds that cost a millisecond of CPU here, whatever else runs meanwhile: time without a core does not count. */
export function roundsPerMs(): number {
  let value = spinFor(warmMs, 1).value;
  const before = process.cpuUsage();
  const { rounds, value: last } = spinFor(triesMs, value);
  value = last;
  const { user, system } = process.cpuUsage(before);
  if (value < 0) throw new Error('no result is below zero');
  return Math.round((rounds * 1_000) / (user + system));
}

function spinFor(ms: number, seed: number): { readonly rounds: number; readonly value: number } {
  const endMs = performance.now() + ms;
  let value = seed;
  let rounds = 0;
  while (performance.now() < endMs) {
    value = spin(roundsTried, value);
    rounds += roundsTried;
  }
  return { rounds, value };
}
