// Runs in a worker thread: documents, each behind a number. What random bytes are needed is made here, as compose.ts makes them for the loop of a
// host; what time it is comes with each command.
import { randomBytes } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { assert } from '../../engine/base/assert.ts';
import { CodedError } from '../../engine/base/errors.ts';
import { documentName } from '../../engine/base/ids.ts';
import { straysToldMax, taskResultsLengthMax } from '../../engine/base/limits.ts';
import type { App } from '../../engine/document/define.ts';
import { definitionOf } from '../../engine/document/document.ts';
import { hashApplication, loadApplication } from '../application.ts';
import { Held } from '../held.ts';
import type { Ran } from '../running.ts';
import type { Entry, PackedRan, Results, Task, ThreadData, Thrown } from './document-wire.ts';
import { join, packRan, packThrown } from './document-wire.ts';

const { file, appHash, progress } = workerData as ThreadData;
const at = new Int32Array(progress);
const documents = new Map<number, Held>();
const strays: Thrown[] = [];
let crash: Thrown | undefined;
let nowMs = 0;
const env = () => ({ nowMs, randomBytes16: () => randomBytes(16) });

/** What an application leaves behind when its handler has returned fails by itself, as in the loop of a host: its log is told. */
function outlive(thrown: unknown): void {
  const packed = packThrown(thrown);
  if (packed.kind === 'error' && packed.name === 'AssertionFailed') crash ??= packed;
  else if (strays.length < straysToldMax) strays.push(packed);
}
process.on('unhandledRejection', outlive);
process.on('uncaughtException', (cause) => {
  if (cause instanceof CodedError && cause.code === 'HANDLER_FAILED') return outlive(cause);
  // Nothing is known of this thread any more.
  crash ??= packThrown(cause);
});

/** A thread may begin when its host has run for long: the file must be what it was. */
async function load(): Promise<App | undefined> {
  try {
    if ((await hashApplication(file)) !== appHash) throw new CodedError('APP_INVALID', `${file} is not what it was`);
    return await loadApplication(file);
  } catch (cause) {
    crash = packThrown(cause);
    return undefined;
  }
}

const app = await load();

/** As far as it comes: answers wait for the results. */
export default function run({ number, entries }: Task): unknown {
  const rans: PackedRan[] = [];
  const updates: Uint8Array[] = [];
  let taken = 0;
  let length = 0;
  Atomics.store(at, 1, 0);
  Atomics.store(at, 0, number);
  try {
    for (const entry of entries) {
      if (crash !== undefined || length > taskResultsLengthMax) break;
      taken += 1;
      Atomics.store(at, 1, taken);
      const ran = carryOut(entry);
      if (ran === undefined) continue;
      // What was thrown is looked at here, while it is known whose it is.
      rans.push(packRan(ran));
      updates.push(...ran.updates);
      length += lengthOf(ran);
    }
  } catch (cause) {
    crash = packThrown(cause);
  }
  Atomics.store(at, 1, -taken);
  const bytes = join(updates);
  const results: Results = { rans, taken, bytes, strays: strays.splice(0), crash };
  return Piscina.move({ [Piscina.transferableSymbol]: [bytes.buffer], [Piscina.valueSymbol]: results } as never);
}

function carryOut(entry: Entry): Ran | undefined {
  if (entry.kind === 'begin') return begin(entry);
  const held = documents.get(entry.id);
  assert(held !== undefined, `document ${entry.id} is here`);
  switch (entry.kind) {
    case 'ask':
      nowMs = entry.nowMs;
      return held.run(entry.command);
    case 'close':
      nowMs = entry.nowMs;
      held.close(entry.viewer);
      return undefined;
    case 'drop':
      documents.delete(entry.id);
      return undefined;
  }
}

function begin({ id, name }: Entry & { kind: 'begin' }): undefined {
  const definition = app && definitionOf(app, documentName(name).space);
  assert(definition !== undefined && !documents.has(id), `there is a space for ${name}`);
  documents.set(id, new Held(definition, name, env, (due) => void Atomics.store(at, 2, due)));
}

function lengthOf({ updates, deltas, shown, outcome }: Ran): number {
  let length = 'json' in outcome ? outcome.json.length : 0;
  for (const { json } of shown) length += json.length;
  for (const update of updates) length += update.length;
  for (const { json } of deltas) length += json.length;
  return length;
}
