// The states that a run should sometimes be in: a simulator that never gets there checks nothing. One line each; the count of
// each is in the report, and the tests want most of them above zero.
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
  'tail died': ({ replica }) => replica.phase.kind === 'serving' && replica.phase.order.at(-1) === replica.self,
  'member died ahead of its disk': ({ replica }) => replica.durable.lsn < replica.received.lsn,
  'member died with more on disk than the head': isAheadOfHead,
  'died while sealing': ({ replica }) => replica.phase.kind === 'sealing',
  'died sealed': ({ replica }) => replica.phase.kind === 'sealed',
  'died while copying': ({ replica }) => replica.phase.kind === 'copying',
  'died between filled and started': ({ replica }) => replica.phase.kind === 'ready',
  'died while adopting': ({ replica }) => replica.phase.kind === 'adopting',
  'driver died while sealing': ({ replica }) => replica.assembly?.stage === 'sealing',
  'driver died while transferring': ({ replica }) => replica.assembly?.stage === 'transferring',
  'driver died while activating': ({ replica }) => replica.assembly?.stage === 'activating',
  'died before any start': ({ replica }) => replica.phase.kind === 'idle',
};

const atMessage: Readonly<Record<string, (heard: Heard) => boolean>> = {
  'a start was refused': ({ message }) => message.kind === 'refused',
  'a history was copied': ({ message }) => message.kind === 'chunk' && message.entries.length > 0,
  'a link resumed': ({ message }) => message.kind === 'resume',
  'a member found less than chosen': ({ message }) => message.kind === 'fetch',
};

export const sometimesNames: readonly string[] = [
  ...Object.keys(atCrash),
  ...Object.keys(atMessage),
  'a paused head went on',
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

  onMessage(heard: Heard): void {
    for (const [name, holds] of Object.entries(atMessage)) if (holds(heard)) this.note(name);
  }
}

function isAheadOfHead({ machines, replica }: Crash): boolean {
  const { phase } = replica;
  if (phase.kind !== 'serving' || phase.order[0] === replica.self) return false;
  const head = machines.find(({ id }) => id === phase.order[0]);
  const known = head?.process?.replicas.find(({ chain }) => chain === replica.chain);
  return known !== undefined && known.durable.lsn < replica.durable.lsn;
}
