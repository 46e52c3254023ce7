// `levelten history` and `levelten rewind`: what a document went through, and back to what it was. Whoever heads its chain is asked.
import { placeDocument } from '../../chain/placement.ts';
import type { DocumentName } from '../../engine/base/ids.ts';
import { documentName } from '../../engine/base/ids.ts';
import { historyLinesMax } from '../../engine/base/limits.ts';
import type { HistoryLine } from '../../engine/document/life/history.ts';
import type { Folder } from '../folder.ts';
import { readFolder } from '../folder.ts';
import type { HistoryPage } from '../history.ts';
import { headOf, tellHost } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { numberOf, required } from './arguments.ts';
import { print } from './print.ts';
import { table } from './table.ts';

export async function historyCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const { name } = documentName(required(args.words[0], 'SPACE/KEY', 'levelten history board/main'));
  const before = numberOf(args.before ?? `${Number.MAX_SAFE_INTEGER}`, 'before', 1, Number.MAX_SAFE_INTEGER);
  const max = numberOf(args.max, 'max', 1, historyLinesMax);
  const page = (await askHead(folder, name, 'history', { before, max })) as HistoryPage;
  print(args, page, describe(page));
}

export async function rewindCommand(args: Arguments): Promise<void> {
  const folder = await readFolder(args.dir);
  const example = 'levelten rewind board/main 17 (levelten history board/main shows what there is)';
  const { name } = documentName(required(args.words[0], 'SPACE/KEY', example));
  const to = numberOf(required(args.words[1], 'SEQ', example), 'SEQ', 1, Number.MAX_SAFE_INTEGER);
  const done = (await askHead(folder, name, 'rewind', { to })) as { readonly seq: number };
  print(
    args,
    { name, to, seq: done.seq },
    `${name} is again as it was after update ${to}: committed as update ${done.seq}`,
  );
}

/** Asks the host that heads the document's chain. CHAIN_NOT_SERVING where none does. */
export async function askHead(folder: Folder, name: DocumentName, question: string, args: object): Promise<unknown> {
  const head = await headOf(folder, placeDocument(name, folder.cluster.chains));
  return await tellHost(folder, head, question, { name, ...args });
}

function describe({ lines }: HistoryPage): string {
  const rows = lines.map((line) => {
    const { agent, authority } = line.who;
    return [`${line.seq}`, new Date(line.atMs).toISOString(), `${agent} (${authority})`, whatOf(line), line.code];
  });
  return table(['update', 'when', 'who', 'what', 'refused'], rows);
}

function whatOf({ kind, channel, to }: HistoryLine): string {
  if (kind === 'send') return channel;
  if (kind === 'migrate') return `migrate to version ${to}`;
  return kind === 'rewind' ? `rewind to ${to}` : kind;
}
