// The states that a run should sometimes be in: a simulator that never gets there checks nothing. One line each; the count of
// each is in the report, and the tests want most of them above zero.
import type { Configuration } from '../../chain/configuration.ts';
import { isLastServing } from '../../chain/join.ts';
import type { Message } from '../../chain/messages.ts';
import { isServingHead } from '../../chain/normal.ts';
import type { Replica } from '../../chain/state.ts';
import type { Machine } from './machine.ts';
import type { HostProcess } from './process.ts';

type Crash = {
  readonly machines: readonly Machine[];
  readonly process: HostProcess;
  readonly replica: Replica;
  readonly write: 'idle' | 'kept' | 'lost';
};
type Heard = { readonly from: string; readonly to: string; readonly message: Message };

const atCrash: Readonly<Record<string, (crash: Crash) => boolean>> = {
  'write kept at a crash': ({ write }) => write === 'kept',
  'write lost at a crash': ({ write }) => write === 'lost',
  'head died': ({ replica }) => isServingHead(replica),
  'head died with unacked records': ({ replica }) => isServingHead(replica) && replica.acked.lsn < replica.received.lsn,
  'tail died': ({ replica }) => isLastServing(replica),
  'tail died between its sync and its ack': ({ replica }) =>
    isLastServing(replica) && replica.received.lsn > replica.acked.lsn,
  'member died ahead of its disk': ({ replica }) => replica.durable.lsn < replica.received.lsn,
  'member died with more on disk than the head': isAheadOfHead,
  'last complete member died': isLastComplete,
  'died while folding': ({ process }) => process.isFolding,
  'died while it was wiped': ({ replica }) => replica.leftover === 'going',
  'died between pages': ({ replica }) => replica.leftover === 'some',
  'died while sealing': ({ replica }) => replica.phase.kind === 'sealing',
  'died sealed': ({ replica }) => replica.phase.kind === 'sealed',
  'died while copying': ({ replica }) => replica.phase.kind === 'copying',
  'died between filled and started': ({ replica }) => replica.phase.kind === 'ready',
  'died while adopting': ({ replica }) => replica.phase.kind === 'adopting',
  'joiner died while it was filled': ({ replica }) =>
    replica.phase.kind === 'syncing' && replica.phase.copy !== undefined,
  'joiner died while it followed': ({ replica }) =>
    replica.phase.kind === 'syncing' && replica.phase.copy === undefined,
  'died while it gated': ({ replica }) => replica.gate !== undefined,
  'died with a promotion on its way': ({ replica }) => replica.asking === 'change' && replica.gate !== undefined,
  'driver died while proposing': ({ replica }) => replica.drive?.stage === 'proposing',
  'driver died while sealing': ({ replica }) => replica.drive?.stage === 'sealing',
  'driver died while transferring': ({ replica }) => replica.drive?.stage === 'transferring',
  'driver died while activating': ({ replica }) => replica.drive?.stage === 'activating',
  'died with a barrier on its way': ({ replica }) => isServingHead(replica) && replica.barrier > replica.passed,
  'only the middle was sealed': isMiddleOnlySealed,
};

const atMessage: Readonly<Record<string, (heard: Heard) => boolean>> = {
  'an attempt was refused': ({ message }) => message.kind === 'refused',
  'histories were found to differ': ({ message }) => message.kind === 'chunk' && !message.isShared,
  'a joiner caught up': ({ message }) => message.kind === 'chunk' && message.isLive,
  'a host of the past was told': ({ message, from }) => message.kind === 'configured' && from !== '',
  'a history was copied': ({ message }) => message.kind === 'chunk' && message.entries.length > 0,
  'documents were copied': ({ message }) => message.kind === 'page',
  'a copy took several pages': ({ message }) => message.kind === 'page' && message.page.next !== '',
  'a link resumed': ({ message }) => message.kind === 'resume',
  'a member found less than chosen': ({ message }) => message.kind === 'fetch',
};

const atLearned: Readonly<Record<string, (value: Configuration) => boolean>> = {
  'a pending followed a pending': ({ phase, epoch, previous }) =>
    phase === 'pending' && epoch > (previous?.epoch ?? 0) + 1,
  'an epoch past the tenth': ({ epoch }) => epoch > 10,
  'a chain of two': ({ phase, members }) => phase === 'active' && members.length === 2,
  'a chain of four': ({ phase, members }) => phase === 'active' && members.length === 4,
  'a joiner was added': ({ members }) => members.some(({ role }) => role === 'syncing'),
};

/** Why a store was set aside, by what its host says of it. */
const atSetAside: Readonly<Record<string, RegExp>> = {
  'set aside: it is gone': /LOST/,
  'set aside: behind its watermark': /BEHIND: .* at write/,
  'set aside: a hole in a log': /is missing; the next|does not continue/,
  'set aside: small entries that are older': /something older lies among them/,
  'set aside: a rotten record': /record \d+: .*checksum/,
  'set aside: a rotten small entry': /the (tally|marks|base|identity) (has a wrong checksum|entry)/,
  'set aside: documents that were not folded so':
    /\((sum|folded|history|history-missing|history-gap|history-stray|snapshot|ahead)\)$/,
  'set aside: no watermark': /watermark/,
};
const foundRunning = 'set aside: found wrong while it ran';

export const sometimesNames: readonly string[] = [
  ...Object.keys(atCrash),
  ...Object.keys(atMessage),
  ...Object.keys(atLearned),
  ...Object.keys(atSetAside),
  foundRunning,
  'rot was met while running',
  'a slot of the watermark was torn',
  'a paused head went on',
  'a chain was folded',
  'a host forgot a chain that it had left',
  'a send was answered after a failover',
  'two processes believed to head one chain',
  'everything was down',
];

export class Sometimes {
  readonly counts: Record<string, number> = Object.fromEntries(sometimesNames.map((name) => [name, 0]));

  note(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  onCrash(crash: Omit<Crash, 'replica'>): void {
    for (const replica of crash.process.replicas) {
      for (const [name, holds] of Object.entries(atCrash)) if (holds({ ...crash, replica })) this.note(name);
    }
    if (crash.machines.every(({ isUp }) => !isUp)) this.note('everything was down');
  }

  /** `reason` as the host gives it; `wasRunning`: the process before found it. */
  onSetAside(reason: string, wasRunning: boolean): void {
    if (wasRunning) return this.note(foundRunning);
    const known = Object.entries(atSetAside).find(([, words]) => words.test(reason));
    // Counted by what was wrong, not by where.
    this.note(known?.[0] ?? `set aside: ${reason.replace(/\d+/g, 'N')}`);
  }

  onLearned(value: Configuration): void {
    for (const [name, holds] of Object.entries(atLearned)) if (holds(value)) this.note(name);
  }

  onMessage(heard: Heard): void {
    for (const [name, holds] of Object.entries(atMessage)) if (holds(heard)) this.note(name);
  }
}

function isAheadOfHead({ machines, replica }: Crash): boolean {
  const { phase } = replica;
  const first = phase.kind === 'serving' ? phase.config.members[0]?.host : undefined;
  if (first === undefined || first === replica.self) return false;
  const head = machines.find(({ id }) => id === first);
  const known = head?.process?.replicas.find(({ chain }) => chain === replica.chain);
  return known !== undefined && known.durable.lsn < replica.durable.lsn;
}

/** Of those who serve in what it last knew, nobody else is up. */
function isLastComplete({ machines, replica }: Crash): boolean {
  const { known, self, phase } = replica;
  if (phase.kind !== 'serving' || known === undefined) return false;
  const others = known.members.filter(({ role, host }) => role === 'serving' && host !== self);
  return others.every(({ host }) => machines.find(({ id }) => id === host)?.isUp !== true);
}

function isMiddleOnlySealed({ machines, replica }: Crash): boolean {
  const { known } = replica;
  const members = known?.previous?.members ?? known?.members ?? [];
  if (members.length !== 3) return false;
  const sealed = members.map(({ host }) => {
    const other = machines
      .find(({ id }) => id === host)
      ?.process?.replicas.find(({ chain }) => chain === replica.chain);
    return other?.phase.kind === 'sealing' || other?.phase.kind === 'sealed';
  });
  return sealed[1] === true && sealed[0] === false && sealed[2] === false;
}
