// `levelten status`: where every chain stands, as the hosts themselves say. What is wrong stands first, with the command to type.
import type { ChainOverview, MemberOverview } from '../../proxy/overview.ts';
import { readFolder } from '../folder.ts';
import type { Status } from './admin-client.ts';
import { readStatus } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { table } from './table.ts';

export async function statusCommand(args: Arguments): Promise<void> {
  const status = await readStatus(await readFolder(args.dir));
  process.stdout.write(args.json ? `${JSON.stringify(status)}\n` : `${describe(status)}\n`);
}

/** What is wrong first, then a table of hosts and one of chains. */
export function describe(status: Status): string {
  const problems = problemsOf(status);
  const serving = status.chains.filter((chain) => chain.serving).length;
  const total = `${serving} of ${status.chains.length} chains serve`;
  return [...problems, total, ...erasingOf(status), '', hostTable(status), '', chainTable(status.chains)].join('\n');
}

function erasingOf({ hosts }: Status): string[] {
  return hosts.flatMap(({ host, status }) => {
    const count = status?.chains.reduce((sum, { erasing }) => sum + erasing, 0) ?? 0;
    return count === 0 ? [] : [`${count} deleted documents are not yet erased from the disk of ${host}`];
  });
}

function problemsOf({ hosts, chains, voters }: Status): string[] {
  const ofStores = hosts.flatMap(({ host, status }) => {
    const last = status?.scrub?.last ?? { findings: 0, found: [] };
    const first = last.found.map(({ code, where }) => `${code} at ${where}`).join(', ');
    const next = `levelten verify --host ${host}`;
    return last.findings === 0
      ? []
      : [`! the store of ${host} is not what was written: ${first} (${last.findings} in all): ${next}`];
  });
  const ofDisks = hosts.flatMap(({ host, status }) => {
    if (status?.isFull !== true) return [];
    return [`! the disk of ${host} has too little space: its chains take no new writes until there is some`];
  });
  const ofHosts = hosts.flatMap(({ host, state, text, voter }) => {
    if (state === 'dead') return [`! ${host} is dead: ${text}`];
    if (state === 'silent') return [`! ${host} does not answer: ${text}`];
    const next = 'it asks for its place by itself; where it cannot, levelten replace-voter';
    return voter === 'lost' ? [`! ${host} votes with a store that it has no more: ${next} ${host} ${host}`] : [];
  });
  const joint =
    voters?.joining === undefined ? [] : ['! a voter is being replaced: levelten replace-voter goes on with it'];
  const waiting = new Map<string, number[]>();
  for (const { chain, serving, state, reason } of chains) {
    const why = `${state}${reason === undefined ? '' : `: ${reason}`}`;
    if (!serving) waiting.set(why, [...(waiting.get(why) ?? []), chain]);
  }
  const ofChains = [...waiting].map(([why, numbers]) => {
    return `! ${numbers.length === 1 ? 'chain' : 'chains'} ${numbers.join(', ')} ${why}`;
  });
  return [...ofStores, ...ofDisks, ...ofHosts, ...joint, ...ofChains];
}

function hostTable({ hosts, voters }: Status): string {
  const rows = hosts.map(({ host, state, heads, chains, voter, boot }) => {
    return [host, state, `${heads}`, `${chains}`, voter, boot ?? '-'];
  });
  const generation = voters === null ? '' : ` (generation ${voters.generation})`;
  return table(['host', 'state', 'heads', 'chains', `voter${generation}`, 'process'], rows);
}

function chainTable(chains: readonly ChainOverview[]): string {
  const rows = chains.map(({ chain, epoch, minor, state, members, lag }) => {
    const longest = Math.max(0, ...members.map(({ lsn }) => lsn ?? 0));
    const order = members.map((member) => describeMember(member, longest)).join(' > ');
    return [`${chain}`, `${epoch}.${minor}`, state, order, `${longest}`, `${lag}`];
  });
  return table(['chain', 'epoch', 'state', 'head > ... > tail', 'records', 'lag'], rows);
}

/** `h2`, or `h2 (syncing 40/1200)`: what is not as it should be is said. */
export function describeMember({ host, role, state, lsn, lag }: MemberOverview, longest: number): string {
  if (role === 'syncing') return `${host} (syncing ${lsn ?? '?'}/${(lsn ?? longest) + (lag ?? 0)})`;
  return state === 'serving' ? host : `${host} (${state})`;
}
