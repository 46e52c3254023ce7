// `levelten log`: what is in one host's log. A running host is asked through the admin port; a stopped one's store is read.
import { placeDocument } from '../../chain/placement.ts';
import { CodedError } from '../../engine/base/errors.ts';
import { chainId, documentName } from '../../engine/base/ids.ts';
import { logRecordsAskedMax } from '../../engine/base/limits.ts';
import type { Folder } from '../folder.ts';
import { readFolder, storeDir } from '../folder.ts';
import type { LogLine, LogPage, LogRange } from '../inspect.ts';
import { readLog } from '../inspect.ts';
import { readStopped } from '../stopped-store.ts';
import { askAdmin } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { numberOf } from './arguments.ts';
import { hostIn } from './operate.ts';
import { table } from './table.ts';

type Asked = LogRange & { readonly chain: number };

export async function logCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const host = hostIn(folder, args.host ?? folder.cluster.hosts[0]?.id ?? '');
  const range = rangeOf(args, folder);
  const lines = await readWhole(
    range,
    async (part) => (await askRunning(folder, host, part)) ?? walkStopped(folder, host, part),
  );
  process.stdout.write(args.json ? lines.map((line) => `${JSON.stringify(line)}\n`).join('') : `${describe(lines)}\n`);
}

/** CLI_USAGE or DOCUMENT_NAME for what is no range. A document lies in one chain: it need not be named. */
function rangeOf(args: Arguments, { cluster }: Folder): Asked {
  const any = Number.MAX_SAFE_INTEGER;
  const document = args.document === undefined ? undefined : documentName(args.document).name;
  const usual = document === undefined ? 0 : placeDocument(document, cluster.chains);
  const { kind, epoch } = args;
  if (kind !== undefined && kind !== 'batch' && kind !== 'activation') {
    throw new CodedError('CLI_USAGE', `--kind is batch or activation, not ${kind}`);
  }
  return {
    chain: numberOf(args.chain ?? `${usual}`, 'chain', 0, cluster.chains - 1),
    after: numberOf(args.after, 'after', 0, any),
    before: numberOf(args.before ?? `${any}`, 'before', 0, any),
    max: numberOf(args.max, 'max', 1, logRecordsAskedMax),
    ...(document === undefined ? {} : { document }),
    ...(kind === undefined ? {} : { kind }),
    ...(epoch === undefined ? {} : { epoch: numberOf(epoch, 'epoch', 0, any) }),
  };
}

/** One answer looks at a bounded number of records, so that it may take several to find those that fit. */
async function readWhole(range: Asked, read: (part: Asked) => Promise<LogPage>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let after: number | null = range.after;
  while (after !== null && lines.length < range.max) {
    const page: LogPage = await read({ ...range, after, max: range.max - lines.length });
    lines.push(...page.lines);
    after = page.next;
  }
  return lines;
}

async function askRunning(folder: Folder, host: string, range: Asked): Promise<LogPage | undefined> {
  const words = Object.entries({ host, ...range }).map(([name, value]) => [name, `${value}`] as [string, string]);
  return (await askAdmin(folder, `/log?${new URLSearchParams(words)}`)) as LogPage | undefined;
}

function walkStopped({ dir }: Folder, host: string, { chain, ...range }: Asked): Promise<LogPage> {
  return readStopped(storeDir(dir, host), (disk) => readLog(disk, chainId(chain), range));
}

function describe(lines: readonly LogLine[]): string {
  const rows = lines.map((line) => {
    const loss = line.loss === undefined ? '' : `, accepting: ${line.loss}`;
    const order = line.order === undefined ? undefined : `${line.order.join(' > ')}${loss}`;
    const what = order ?? line.documents?.map(describeDocument).join(' ') ?? '';
    return [`${line.chain}`, `${line.epoch}`, `${line.lsn}`, line.hash, line.kind, what];
  });
  return table(['chain', 'epoch', 'lsn', 'hash', 'kind', 'documents (updates), or who runs the epoch'], rows);
}

function describeDocument(document: { name: string; seqFirst: number; updates: number }): string {
  const { name, seqFirst, updates } = document;
  return updates === 1 ? `${name}(${seqFirst})` : `${name}(${seqFirst}...${seqFirst + updates - 1})`;
}
