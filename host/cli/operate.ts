// `levelten drain`, `undrain` and `replace-voter`: what an operator has the cluster do, and waits for.
import { CodedError } from '../../engine/base/errors.ts';
import type { Voters } from '../../proxy/overview.ts';
import type { Folder } from '../folder.ts';
import { readFolder } from '../folder.ts';
import { readStatus, tellHost, untilStatus } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { numberOf, required } from './arguments.ts';
import { print } from './print.ts';

export async function drainCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const host = hostIn(folder, required(args.words[0], 'HOST', 'levelten drain h2'));
  const waitMs = waitMsOf(args);
  await tellHost(folder, host, 'leave', { isLeaving: true });
  const { status, isReached } = await untilStatus(folder, waitMs, ({ hosts }) => {
    return hosts.find((one) => one.host === host)?.chains === 0;
  });
  const left = status.chains
    .filter(({ members }) => members.some((one) => one.host === host))
    .map(({ chain }) => chain);
  const text = isReached
    ? `${host} is in no chain: it can be stopped; levelten undrain ${host} takes it back, and so does a restart`
    : `${host} is in ${left.length} chains still (${left.join(', ')}); they go on moving: see levelten status`;
  print(args, { host, isLeaving: true, chains: left }, text);
  if (!isReached) process.exitCode = 1;
}

export async function undrainCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const host = hostIn(folder, required(args.words[0], 'HOST', 'levelten undrain h2'));
  await tellHost(folder, host, 'leave', { isLeaving: false });
  print(args, { host, isLeaving: false }, `${host} takes chains again, one after the other: see levelten status`);
}

export async function replaceVoterCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const example = 'levelten replace-voter h3 h4 (or h3 h3, where it has a new disk)';
  const [old, young] = [0, 1].map((at) => hostIn(folder, required(args.words[at], at === 0 ? 'OLD' : 'NEW', example)));
  const before = await readStatus(folder);
  // Whoever asks has to live: best the new voter, which knows its own store.
  const host = before.hosts.find((one) => one.host === young && one.status !== null)?.host;
  if (host === undefined) throw new CodedError('HOST_OPTIONS', `${young} does not answer: a voter has to be there`);
  const result = (await tellHost(folder, host, 'replace-voter', { old, new: young })) as {
    readonly kind: string;
    readonly reason?: string;
  };
  const { voters } = await readStatus(folder);
  const lines = [`before: ${describeVoters(before.voters)}`, `after:  ${describeVoters(voters)}`];
  if (result.kind !== 'done') {
    const next = result.kind === 'stopped' ? '; the same command goes on with it' : '';
    throw new CodedError('HOST_OPTIONS', `${result.kind}: ${result.reason}${next}\n${lines.join('\n')}`);
  }
  print(args, { ...result, before: before.voters, after: voters }, lines.join('\n'));
}

function describeVoters(voters: Voters | null): string {
  if (voters === null) return 'unknown';
  const list = voters.voters.map(({ host, storeId }) => `${host} (${storeId.slice(0, 8)})`).join(', ');
  return `generation ${voters.generation}: ${list}${voters.joining === undefined ? '' : ', being changed'}`;
}

/** CLI_USAGE where there is no such host. */
export function hostIn({ cluster }: Folder, id: string): string {
  const ids = cluster.hosts.map((host) => host.id as string);
  if (ids.includes(id)) return id;
  throw new CodedError('CLI_USAGE', `there is no host ${id}; there are ${ids.join(', ')}`);
}

export function waitMsOf(args: Arguments): number {
  return numberOf(args.wait, 'wait', 1, 3_600) * 1_000;
}
