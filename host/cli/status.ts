// `levelten status`: where every chain stands, as the hosts themselves say.
import { CodedError } from '../../engine/base/errors.ts';
import { readFolder } from '../folder.ts';
import { askAdmin } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { table } from './table.ts';

type ChainLine = {
  readonly chain: number;
  readonly epoch: number;
  readonly state: string;
  readonly isHead: boolean;
  readonly order: readonly string[];
  readonly durable: number;
  readonly committed: number;
  readonly reason?: string;
};

type Status = {
  readonly hosts: readonly {
    readonly host: string;
    readonly status: { readonly chains: readonly ChainLine[] } | null;
  }[];
};

export async function statusCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const status = (await askAdmin(folder, '/status')) as Status | undefined;
  if (status === undefined) {
    throw new CodedError('CONNECTION_LOST', `nothing listens on ${folder.cluster.proxy.admin}: start with levelten up`);
  }
  process.stdout.write(args.json ? `${JSON.stringify(status)}\n` : `${describe(status)}\n`);
}

function describe(status: Status): string {
  const problems = status.hosts.flatMap(({ host, status: known }) => {
    if (known === null) return [`! ${host} does not answer`];
    return known.chains.flatMap((line) => {
      return line.state === 'serving' ? [] : [`! chain ${line.chain} on ${host} is ${line.state}${reasonOf(line)}`];
    });
  });
  const rows = status.hosts
    .flatMap(({ status: known }) => known?.chains.filter(({ isHead }) => isHead) ?? [])
    .sort((a, b) => a.chain - b.chain)
    .map((line) => [`${line.chain}`, `${line.epoch}`, line.state, line.order.join(' > '), `${line.committed}`]);
  return [...problems, table(['chain', 'epoch', 'state', 'head > ... > tail', 'committed'], rows)].join('\n');
}

function reasonOf({ reason }: ChainLine): string {
  return reason === undefined ? '' : `: ${reason}`;
}
