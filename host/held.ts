// A document in memory behind ids and plain data, so that it can be asked from another thread; and the runner that asks it in the loop of its host.
// There a handler that does not end stops the host: nobody else is left to notice.
import { assert } from '../engine/base/assert.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { DocumentName } from '../engine/base/ids.ts';
import { documentName } from '../engine/base/ids.ts';
import type { App } from '../engine/document/define.ts';
import type { EventsPlan } from '../engine/document/definition/definition.ts';
import type {
  Acted,
  Definition,
  Env,
  Happened,
  OpenRequest,
  Resident,
  Sent,
  Task,
  Viewer,
} from '../engine/document/document.ts';
import {
  applyDelete,
  applyMigration,
  applyRewind,
  applySend,
  applyShows,
  applyUndo,
  checkDelete,
  closeView,
  createResident,
  definitionOf,
  deliver,
  happen,
  isDeletedIn,
  isWaiting,
  openView,
  passOver,
  refuseSend,
  replaySections,
  restoreResident,
  settleTask,
  shownTo,
  takeFailures,
  takeShown,
  turnView,
  undoChannel,
  waitingTasks,
  wakeMsOf,
} from '../engine/document/document.ts';
import { nothing } from '../engine/document/events.ts';
import { wakeKey } from '../engine/document/life/agenda.ts';
import { weightOf } from '../engine/document/life/weight.ts';
import type { Claim } from '../engine/document/quota/claim.ts';
import { claimToEnd, isOfUse, quotaStateOf } from '../engine/document/quota/claim.ts';
import { applyClaim } from '../engine/document/quota/resize.ts';
import type { Stored } from '../engine/store/documents.ts';
import type { Asked, Command, Failure, Outcome, Ran, Runner, Running } from './running.ts';
import { readably } from './shelf.ts';

type Made = Pick<Ran, 'outcome' | 'updates' | 'deltas'> & {
  readonly tasks?: readonly Task[];
  readonly failure?: Failure | undefined;
};

const noTasks: readonly Task[] = [];

export class Held {
  readonly #definition: Definition;
  readonly #name: DocumentName;
  readonly #env: () => Env;
  readonly #onDue: (due: number) => void;
  readonly #viewers = new Map<number, Viewer>();
  #resident: Resident | undefined;
  #isRuin = false;

  /** `env` is asked once for each command that needs it. `onDue` is told, before anything that is due happens, its number. */
  constructor(definition: Definition, name: DocumentName, env: () => Env, onDue: (due: number) => void = () => {}) {
    this.#definition = definition;
    this.#name = name;
    this.#env = env;
    this.#onDue = onDue;
  }

  get resident(): Resident {
    assert(this.#resident !== undefined, `${this.#name} is loaded before it is used`);
    return this.#resident;
  }

  run(command: Command): Ran {
    const { outcome, updates, deltas, tasks = noTasks, failure } = this.#make(command);
    const resident = this.#resident;
    const shown = resident === undefined ? [] : takeShown(resident);
    const failures = failure === undefined ? [] : [failure];
    const failed = resident && takeFailures(resident);
    if (failed !== undefined)
      failures.push({ where: `policy, formula or check ${failed.name}`, failure: failed.failure });
    const { seq, incarnation } = resident ?? { seq: 0, incarnation: '' };
    const weight = resident === undefined ? 0 : weightOf(resident);
    // What stands for one that cannot be made says nothing of it.
    const quota = resident && !this.#isRuin ? quotaStateOf(resident, this.#env) : undefined;
    const wakeMs = resident && hasHours(resident) ? wakeMsOf(resident, this.#env().nowMs) : undefined;
    const seqFirst = seq - updates.length + 1;
    return { outcome, updates, seqFirst, deltas, shown, tasks, incarnation, failures, seq, weight, wakeMs, quota };
  }

  /** Who was sent away with a document that ended is closed already. */
  close(viewer: number): void {
    const known = this.#viewers.get(viewer);
    if (known === undefined) return;
    closeView(this.resident, known, this.#env().nowMs);
    if (known.views === 0) this.#viewers.delete(viewer);
  }

  #make(command: Command): Made {
    switch (command.kind) {
      case 'load':
        return this.#load(command);
      case 'ruin':
        this.#isRuin = true;
        return this.#failing(() => this.#take(ruinOf(this.#definition, this.#name, command.stored)));
      case 'open':
        return this.#open(command);
      case 'reopen':
        return this.#open({ ...command, session: '' });
      case 'look':
        return this.#look(command);
      case 'send':
        return sent(command.request.channel, applySend(this.resident, command.request, this.#env()));
      case 'show': {
        const refused = applyShows(this.resident, command.shows);
        return { outcome: { kind: 'shown', refused }, updates: [], deltas: [] };
      }
      case 'undo':
        return sent(undoChannel, applyUndo(this.resident, command.request, command.former, this.#env()));
      case 'refuse': {
        const { request, code, text } = command;
        return sent(request.channel, refuseSend(this.resident, request, code, text, this.#env()));
      }
      case 'tick':
        return happened(happen(this.resident, this.#env(), this.#onDue));
      case 'pass':
        return happened(passOver(this.resident, command.due, this.#env()));
      case 'settle':
        return this.#settle(command);
      case 'letter': {
        const { letter, isStopped = false, grant } = command;
        const { reply, claim, ...what } = deliver(this.resident, letter, this.#env(), isStopped, grant);
        if (claim !== undefined) return ungranted(claim);
        return { ...happened(what), outcome: { kind: 'replied', reply } };
      }
      case 'resize':
        return happened(applyClaim(this.resident, command.claim, command.isGranted, this.#env()));
      case 'tasks':
        return { ...happened(nothing), tasks: waitingTasks(this.resident) };
      case 'rewind':
        return this.#failing(() => applyRewind(this.resident, command.to, command.who, this.#env()));
      case 'delete':
        return this.#delete(command);
    }
  }

  #delete({ who, isAsked = false, told }: Command & { kind: 'delete' }): Made {
    const env = this.#env();
    const isTold = told !== undefined && isOfUse(told, this.resident, env.nowMs);
    const claim = isTold ? undefined : claimToEnd(this.resident, env);
    if (claim !== undefined) {
      const checked = this.#failing(() => void checkDelete(this.resident, who, env, isAsked));
      return checked.outcome.kind === 'failed' ? checked : ungranted(claim);
    }
    return this.#failing(() => {
      const acted = applyDelete(this.resident, who, env, isAsked);
      this.#isRuin = false;
      this.#closeAll();
      return acted;
    });
  }

  /**
   * What an older version of its definition made of it is brought to this one before anybody sees it. What it asked for may have been carried out before:
   * nobody here knows.
   */
  #load({ stored, full, returnByMs }: Command & { kind: 'load' }): Made {
    const made = this.#failing(() => {
      const resident = residentOf(this.#definition, this.#name, stored);
      const waits = isWaiting(resident);
      if (waits && full !== undefined) throw new CodedError('ENGINE_FULL', full);
      const acted = waits ? applyMigration(resident, this.#env()) : undefined;
      this.#take(resident);
      return acted;
    });
    if (this.#resident === undefined) return made;
    this.#resident.hours.expect(returnByMs);
    return { ...made, tasks: waitingTasks(this.#resident) };
  }

  #settle({ incarnation, n, result, isStopped = false }: Command & { kind: 'settle' }): Made {
    // It is of another document by now.
    if (incarnation !== this.resident.incarnation) return happened(nothing);
    return happened(settleTask(this.resident, n, result, this.#env(), isStopped));
  }

  #take(resident: Resident): undefined {
    this.#resident = resident;
  }

  #failing(make: () => Acted | undefined): Made {
    try {
      const acted = make();
      const updates = acted === undefined ? [] : [acted.update];
      return { outcome: { kind: 'done' }, updates, deltas: acted?.deltas ?? [] };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { outcome: { kind: 'failed', error }, updates: [], deltas: [] };
    }
  }

  #open(request: OpenRequest): Made {
    const { result, ...what } = openView(this.resident, request, this.#env());
    if (result.kind === 'ungranted') return ungranted(result.claim);
    if (result.kind === 'refused') return { ...happened(what), outcome: { ...result, n: 0, seq: 0 } };
    const { viewer, incarnation, json } = result;
    this.#viewers.set(viewer.id, viewer);
    const outcome: Outcome = {
      kind: 'opened',
      viewer: viewer.id,
      viewerKind: viewer.kind.id,
      session: result.session,
      incarnation,
      json,
      shown: shownTo(this.resident, viewer),
      lookRefused: result.lookRefused,
    };
    return { ...happened(what), outcome };
  }

  #look({ viewer, state }: Command & { kind: 'look' }): Made {
    const from = this.#viewers.get(viewer);
    // Sent away with a document that ended.
    if (from === undefined) return this.#failing(notOpen);
    const turned = turnView(this.resident, from, state);
    const { viewer: to, json } = 'kind' in turned ? { viewer: from, json: '' } : turned;
    this.#viewers.set(to.id, to);
    if (from.views === 0) this.#viewers.delete(viewer);
    const refused = 'kind' in turned ? { code: turned.code, text: turned.text } : undefined;
    const outcome: Outcome = { kind: 'looked', viewer: to.id, viewerKind: to.kind.id, json, refused };
    const failure = 'kind' in turned ? turned.failure : undefined;
    const made = { outcome, updates: [], deltas: [] };
    return failure === undefined ? made : { ...made, failure: { where: 'viewer state', failure } };
  }

  /** Nobody may go on viewing what has ended: who comes next would be told what those were. */
  #closeAll(): void {
    for (const viewer of this.#viewers.values()) while (viewer.views > 0) closeView(this.resident, viewer, 0);
    this.#viewers.clear();
  }
}

function notOpen(): never {
  throw new CodedError('DOCUMENT_NOT_OPEN', 'nobody views it');
}

function happened({ updates, deltas, tasks, failure }: Happened): Made {
  return { outcome: { kind: 'done' }, updates, deltas, tasks, failure };
}

function ungranted(claim: Claim): Made {
  return { outcome: { kind: 'ungranted', claim }, updates: [], deltas: [] };
}

/** Most documents have nothing before them, and are not asked the time for it. */
function hasHours({ definition, state }: Resident): boolean {
  return wakeKey in state || definition.plan.events.isTimed;
}

function sent(channel: string, { update, deltas, tasks, result, failure }: Sent): Made {
  const updates = update === undefined ? [] : [update];
  const made = { outcome: result, updates, deltas, tasks };
  return failure === undefined ? made : { ...made, failure: { where: channel, failure } };
}

/** DOCUMENT_UNREADABLE where what is stored makes no document. */
function residentOf(definition: Definition, name: DocumentName, { snapshot, sections, seqFloor }: Stored): Resident {
  return readably(name, () => {
    const resident =
      snapshot === undefined || isDeletedIn(sections)
        ? createResident(definition, name, seqFloor)
        : restoreResident(definition, name, snapshot.state);
    replaySections(resident, sections);
    return resident;
  });
}

/** What stands for a document that cannot be made, and can only be deleted: it is at the seq of its last update, and holds nothing. */
function ruinOf(definition: Definition, name: DocumentName, { seqLast }: Stored): Resident {
  return { ...createResident(definition, name, seqLast), incarnation: 'f'.repeat(32) };
}

/** Documents in the loop of their host: each is asked, and has answered. */
export class InlineRunner implements Runner {
  #app: App;
  readonly #env: () => Env;

  constructor(app: App, env: () => Env) {
    this.#app = app;
    this.#env = env;
  }

  get hasRoom(): boolean {
    return true;
  }

  has(space: string): boolean {
    return definitionOf(this.#app, space) !== undefined;
  }

  /** Documents that begin from now on run this. */
  replace(app: App): void {
    this.#app = app;
  }

  eventsOf(space: string): EventsPlan | undefined {
    return definitionOf(this.#app, space)?.plan.events;
  }

  rests(): boolean {
    return false;
  }

  begin(name: DocumentName): InlineDocument {
    const definition = definitionOf(this.#app, documentName(name).space);
    assert(definition !== undefined, `there is a space for ${name}`);
    return new InlineDocument(new Held(definition, name, this.#env));
  }
}

export class InlineDocument implements Running {
  readonly held: Held;

  constructor(held: Held) {
    this.held = held;
  }

  get seq(): number {
    return this.held.resident.seq;
  }

  get weight(): number {
    return weightOf(this.held.resident);
  }

  get pending(): number {
    return 0;
  }

  ask(command: Command, then: (ran: Ran) => void): void {
    then(this.held.run(command));
  }

  close(viewer: number): void {
    this.held.close(viewer);
  }

  drop(): readonly Asked[] {
    return [];
  }
}
