// `levelten force-config`: an operator has a chain go on with what certain hosts hold, complete or not (C12). It is the one command
// that can lose what was answered, so it is hard to type by accident:
//
//   - a chain that serves is never forced, and neither is one where a quorum of voters is missing (it could not be);
//   - what every host holds is shown first;
//   - on a terminal the number of the chain is asked for, and then the word `lose`;
//   - a script says the number a second time, and the epoch that it has seen: --yes-lose CHAIN:EPOCH. Hosts that try to bring the chain
//     back take further epochs meanwhile, and what is lost stays the same; once one was active, a command line that is kept is refused.
import { createInterface } from 'node:readline/promises';
import { CodedError } from '../../engine/base/errors.ts';
import type { Answer, ChainOverview } from '../../proxy/overview.ts';
import { missingVoters } from '../../proxy/overview.ts';
import type { Folder } from '../folder.ts';
import { readFolder } from '../folder.ts';
import type { Status } from './admin-client.ts';
import { readStatus, tellHost, untilStatus } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { numberOf, required } from './arguments.ts';
import { hostIn, waitMsOf } from './operate.ts';
import { print } from './print.ts';
import { table } from './table.ts';

const example = `levelten force-config --chain 3 --members h2 --accept "h1 and h3 burnt; what only they held is gone"`;
/** A host that is just asking the register something does not hear: it is told again. */
const tellAgainMs = 1_000;

export async function forceConfigCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const number = numberOf(required(args.chain, '--chain', example), 'chain', 0, folder.cluster.chains - 1);
  const members = required(args.members, '--members', example)
    .split(',')
    .map((id) => hostIn(folder, id));
  const loss = required(args.accept, '--accept', example);
  const status = await readStatus(folder);
  const chain = chainIn(status, number);
  checkForced(status, chain, members);
  await confirm(args, status, chain, members);
  const { isReached, after, reason } = await force(folder, chain, members, loss, waitMsOf(args));
  if (!isReached) {
    throw new CodedError(
      'CHAIN_NOT_SERVING',
      `chain ${number} is at epoch ${after.epoch} and does not serve: ${reason}`,
    );
  }
  const order = after.members.map(({ host }) => host);
  const text = `chain ${number} serves in epoch ${after.epoch}: ${order.join(' > ')}; the accepted loss stands in its log`;
  print(args, { chain: number, epoch: after.epoch, members: order, loss }, text);
}

function chainIn({ chains }: Status, number: number): ChainOverview {
  const chain = chains.find((one) => one.chain === number);
  if (chain === undefined) throw new CodedError('CLI_USAGE', `there is no chain ${number}`);
  return chain;
}

/** HOST_OPTIONS where it would be wrong, or could not be. */
function checkForced({ hosts }: Status, chain: ChainOverview, members: readonly string[]): void {
  if (chain.serving) throw new CodedError('HOST_OPTIONS', `chain ${chain.chain} serves: there is nothing to accept`);
  const quorum = missingVoters(hosts);
  if (quorum !== undefined) throw new CodedError('HOST_OPTIONS', `${quorum}; without one nobody can change a chain`);
  const silent = members.filter((id) => hosts.find(({ host }) => host === id)?.status === null);
  if (silent.length === 0 && new Set(members).size === members.length) return;
  throw new CodedError('HOST_OPTIONS', `members are there, and each is named once: ${silent.join(', ')}`);
}

async function confirm(
  args: Arguments,
  status: Status,
  chain: ChainOverview,
  members: readonly string[],
): Promise<void> {
  const { epoch, servedEpoch } = chain;
  const phrase = `${chain.chain}:${epoch}`;
  const said = args['yes-lose'];
  const [, number, seen] = /^(\d{1,5}):(\d{1,15})$/.exec(said ?? '') ?? [];
  if (Number(number) === chain.chain && Number(seen) >= servedEpoch && Number(seen) <= epoch) return;
  if (said !== undefined) {
    throw new CodedError(
      'CLI_USAGE',
      `--yes-lose ${said} is not what is to be lost: chain ${chain.chain} stands at epoch ${epoch}`,
    );
  }
  if (args.json || process.stdin.isTTY !== true) {
    throw new CodedError(
      'CLI_USAGE',
      `this may lose answered messages; a script confirms it with --yes-lose ${phrase}`,
    );
  }
  process.stdout.write(`${describe(status, chain, members)}\n\n`);
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const first = await asking.question(
      `Type the number of the chain that may lose what is not on ${members.join(', ')}: `,
    );
    const second = first.trim() === `${chain.chain}` ? await asking.question('Type lose: ') : '';
    if (second.trim() !== 'lose') throw new CodedError('CLI_USAGE', 'nothing was done');
  } finally {
    asking.close();
  }
}

function describe({ hosts }: Status, chain: ChainOverview, members: readonly string[]): string {
  const rows = hosts.map((answer) => {
    const { host, state } = answer;
    const role = chain.members.find((one) => one.host === host)?.role ?? '-';
    return [host, state, role, ...holdingOf(answer, chain.chain), members.includes(host) ? 'goes on' : ''];
  });
  return [
    `chain ${chain.chain} stands at epoch ${chain.epoch}.${chain.minor}, ${chain.state}: ${chain.reason ?? ''}`,
    table(['host', 'state', 'role', 'records', 'of epoch', 'last hash', 'forced'], rows),
    'The longest log of the latest epoch among those who go on becomes the chain. What others hold beyond it is lost.',
  ].join('\n');
}

function holdingOf({ status }: Answer, number: number): string[] {
  const line = status?.chains.find(({ chain }) => chain === number);
  return line === undefined ? ['unknown', '-', '-'] : [`${line.durable}`, `${line.logEpoch}`, line.hash.slice(0, 8)];
}

async function force(folder: Folder, chain: ChainOverview, members: readonly string[], loss: string, waitMs: number) {
  const [first] = members as [string];
  const endMs = performance.now() + waitMs;
  for (;;) {
    await tellHost(folder, first, 'force-config', { chain: chain.chain, members: members.join(','), loss });
    const leftMs = endMs - performance.now();
    const isOurs = (status: Status): boolean => {
      const line = status.hosts.find(({ host }) => host === first)?.status?.chains[chain.chain];
      return line?.loss === loss;
    };
    const begun = await untilStatus(folder, Math.min(tellAgainMs, leftMs), isOurs);
    if (!begun.isReached && leftMs > tellAgainMs) continue;
    const { status, isReached } = await untilStatus(folder, endMs - performance.now(), (now) => {
      const { serving, epoch } = chainIn(now, chain.chain);
      return serving && epoch > chain.epoch;
    });
    const after = chainIn(status, chain.chain);
    const drive = status.hosts.find(({ host }) => host === first)?.status?.chains[chain.chain]?.drive;
    const stage = drive === undefined ? undefined : `${first} is ${drive.stage} for epoch ${drive.epoch}`;
    return { isReached, after, reason: stage ?? after.reason ?? 'no host says why' };
  }
}
