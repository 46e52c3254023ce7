// Whether what was answered about one register could have come from one place that does one thing at a time: linearizability,
// for a register that changes by CAS and whose values are all different.
//
// Each value that took effect names the one that it followed, so the values form a chain, and each has a position in it. An answer then
// says at which position the register stood at some moment between its call and its return. These agree with real time iff
// nobody, called after another returned, was answered from a lower position, and no value took effect before its call.

export type Call = {
  readonly id: number;
  readonly kind: 'read' | 'cas';
  readonly expect?: string | undefined;
  readonly value?: string;
  readonly calledAt: number;
  /** Infinity while it may still take effect. */
  returnedAt: number;
  result: 'value' | 'won' | 'lost' | 'unknown' | 'failed';
  /** What a read, or a CAS that lost, found. */
  found?: string | undefined;
};

/** Throws unless the calls are linearizable. Returns how long the chain of values became. */
export function checkHistory(calls: readonly Call[]): number {
  const positions = positionsOf(calls);
  const answers = calls.flatMap((call) => placesOf(call, positions));
  const returns = answers.filter(({ returnedAt }) => returnedAt < Number.POSITIVE_INFINITY);
  returns.sort((a, b) => a.returnedAt - b.returnedAt);
  answers.sort((a, b) => a.calledAt - b.calledAt);
  let [at, highest, byWhom] = [0, 0, -1];
  for (const { calledAt, position, isWrite, id } of answers) {
    for (let one = returns[at]; one !== undefined && one.returnedAt < calledAt; one = returns[++at])
      if (one.position > highest) [highest, byWhom] = [one.position, one.id];
    const isRight = isWrite ? position > highest : position >= highest;
    if (!isRight)
      throw new Error(`call ${id} stands at ${position}, and ${byWhom} had returned from ${highest} before it began`);
  }
  return positions.size - 1;
}

type Place = { id: number; calledAt: number; returnedAt: number; position: number; isWrite: boolean };

function placesOf(call: Call, positions: ReadonlyMap<string | undefined, number>): Place[] {
  const { id, kind, result, calledAt, returnedAt } = call;
  if (result === 'value' || result === 'lost') {
    const position = positions.get(call.found);
    if (position === undefined) throw new Error(`call ${id} found ${call.found}, which is in no chain`);
    if (result === 'lost' && call.found === call.expect) throw new Error(`call ${id} lost to what it expected`);
    return [{ id, calledAt, returnedAt, position, isWrite: false }];
  }
  const position = kind === 'cas' ? positions.get(call.value) : undefined;
  return position === undefined ? [] : [{ id, calledAt, returnedAt, position, isWrite: true }];
}

/** Every value that took effect: it was won, or somebody saw it, or followed it. */
function positionsOf(calls: readonly Call[]): Map<string | undefined, number> {
  const writers = new Map(
    calls.flatMap((call) => (call.kind === 'cas' ? [[call.value as string, call] as const] : [])),
  );
  const seen = calls.filter(({ result }) => result === 'value' || result === 'lost').map(({ found }) => found);
  const open = [...seen, ...calls.filter(({ result }) => result === 'won').map(({ value }) => value)];
  const followers = new Map<string | undefined, string>();
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (value === undefined) continue;
    const writer = writers.get(value);
    if (writer === undefined) throw new Error(`nobody wrote ${value}`);
    if (writer.result === 'lost' || writer.result === 'failed')
      throw new Error(`call ${writer.id} ${writer.result}, and its value was seen`);
    const follower = followers.get(writer.expect);
    if (follower === value) continue;
    if (follower !== undefined) throw new Error(`${follower} and ${value} both followed ${writer.expect}`);
    followers.set(writer.expect, value);
    open.push(writer.expect);
  }
  const positions = new Map<string | undefined, number>([[undefined, 0]]);
  let last: string | undefined;
  for (let next = followers.get(last); next !== undefined; next = followers.get(last)) {
    positions.set(next, positions.size);
    last = next;
  }
  if (positions.size !== followers.size + 1) throw new Error('a value followed one that never was');
  return positions;
}
