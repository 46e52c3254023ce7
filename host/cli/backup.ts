// `levelten backup` and `levelten restore`: a running cluster into a folder of plain files, and that into a new cluster of any size.
import { CodedError } from '../../engine/base/errors.ts';
import { historyMax } from '../../engine/base/limits.ts';
import type { Tally } from '../../engine/store/backup-format.ts';
import { hashApplication } from '../application.ts';
import { takeBackup } from '../backup.ts';
import type { Manifest } from '../backup-folder.ts';
import { BackupFolder } from '../backup-folder.ts';
import { checkBackup } from '../backup-read.ts';
import type { ExportAnswer } from '../exporting.ts';
import type { Folder } from '../folder.ts';
import { readFolder } from '../folder.ts';
import { restore } from '../restore.ts';
import { headOf, tellHost } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { applicationOf, numberOf, required } from './arguments.ts';
import { waitMsOf } from './operate.ts';
import { print } from './print.ts';

/** How long a chain that is being folded, or moves, is left alone before it is asked again. */
const restMs = 50;

export async function backupCommand(args: Arguments): Promise<void> {
  const folder = new BackupFolder(required(args.words[0], 'DIR', 'levelten backup /backups/monday'));
  if (args.check) return check(args, folder);
  const cluster = await readFolder(args.dir);
  const manifest = await takeBackup({
    folder,
    cluster: cluster.cluster,
    ask: asker(cluster),
    rest: () => new Promise((done) => setTimeout(done, restMs)),
    nowMs: () => performance.now(),
    waitMs: waitMsOf(args),
    date: () => new Date().toISOString(),
    onChain: (chain, tally) => {
      if (!args.json) process.stdout.write(`chain ${chain}: ${countsOf(tally)}\n`);
    },
  });
  print(args, summaryOf(manifest), `${folder.dir}: ${describe(manifest)}`);
}

/** `--check`: reads a backup again. Ends with 1 where something is wrong. */
async function check(args: Arguments, folder: BackupFolder): Promise<void> {
  const manifest = await folder.readManifest();
  if (manifest === undefined) throw new CodedError('HOST_OPTIONS', `${folder.dir} holds no backup`);
  const problems = await checkBackup(folder, manifest);
  const isGood = problems.length === 0;
  const text = isGood
    ? `every byte is as it was written: ${describe(manifest)}`
    : problems.map((one) => `! ${one}`).join('\n');
  print(args, { ...summaryOf(manifest), problems }, `${folder.dir}: ${isGood ? '' : '\n'}${text}`);
  if (!isGood) process.exitCode = 1;
}

export async function restoreCommand(args: Arguments): Promise<void> {
  const example = 'levelten restore /backups/monday --dir NEW --hosts 5 --chains 16';
  const backup = new BackupFolder(required(args.words[0], 'BACKUP', example));
  const was = await backup.readManifest();
  const options = {
    dir: args.dir,
    portBase: numberOf(args['port-base'], 'port-base', 1_024, 65_000),
    hosts: numberOf(args.hosts ?? `${was?.hosts ?? 3}`, 'hosts', 1, 64),
    chains: numberOf(args.chains ?? `${was?.chains ?? 8}`, 'chains', 1, 4_096),
    replication: 3,
    ...(args.history === undefined ? {} : { history: numberOf(args.history, 'history', 1, historyMax) }),
  };
  const { folder, tally } = await restore(backup, options, (host) => {
    if (!args.json) process.stdout.write(`${host}: laid down, read again, compared\n`);
  });
  const { cluster, dir } = folder;
  const size = `${cluster.hosts.length} hosts and ${cluster.chains} chains`;
  const lines = [
    `${dir}: ${countsOf(tally)}, on ${size}`,
    `hash ${tally.hash}, which is the backup's`,
    `start it with: levelten up --dir ${dir}${await wordsFor(args, was)}`,
  ];
  print(args, { dir, hosts: cluster.hosts.length, chains: cluster.chains, ...tally }, lines.join('\n'));
}

/** What `up` has to be told beside the folder: where it listens, and the application that the documents were made by. */
async function wordsFor(args: Arguments, was: Manifest | undefined): Promise<string> {
  const ports = args.given.includes('port-base') ? ` --port-base ${args['port-base']}` : '';
  const isUsual = was?.appHash === (await hashApplication(applicationOf(args).file));
  return isUsual ? ports : `${ports} --app FILE, with the application that these documents are of`;
}

/** Finds the head of a chain, and keeps to it as long as it answers. */
function asker(folder: Folder): (chain: number, through: number | undefined, cursor: string) => Promise<ExportAnswer> {
  const heads = new Map<number, string>();
  return async (chain, through, cursor) => {
    const host = heads.get(chain) ?? (await headOf(folder, chain));
    try {
      const answer = await tellHost(folder, host, 'export', {
        chain,
        cursor,
        ...(through === undefined ? {} : { through }),
      });
      heads.set(chain, host);
      return answer as ExportAnswer;
    } catch (cause) {
      heads.delete(chain);
      throw cause;
    }
  };
}

function summaryOf({ files, whole, ...rest }: Manifest): object {
  return { ...rest, files: files.length, bytes: bytesOf({ files }) };
}

function bytesOf({ files }: Pick<Manifest, 'files'>): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function describe(manifest: Manifest): string {
  return `${countsOf(manifest)}, in ${manifest.files.length} files of ${bytesOf(manifest)} bytes\nhash ${manifest.hash}`;
}

function countsOf({ documents, updates }: Tally): string {
  return `${documents} documents, ${updates} updates of history`;
}
