// `levelten doctor`: what this machine is like for a cluster in --dir, be it there or not: each line says whether that is well, and what to do.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CodedError } from '../../engine/base/errors.ts';
import { hostsMax } from '../../engine/base/limits.ts';
import type { Line, Port, Verdict } from '../doctor.ts';
import {
  judgeAsides,
  judgeClock,
  judgeFileSize,
  judgeFileSystem,
  judgeLevel,
  judgeNode,
  judgeOpenFiles,
  judgePorts,
  judgeSecrets,
  judgeSkew,
  judgeSpace,
  judgeSync,
  skewOf,
} from '../doctor.ts';
import type { Folder } from '../folder.ts';
import { clusterFile, planCluster, readFolder } from '../folder.ts';
import type { Status } from './admin-client.ts';
import { askAdmin } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { numberOf, packageFolder } from './arguments.ts';
import * as measure from './measure.ts';
import { table } from './table.ts';

/** Ends with 1 where anything is wrong. */
export async function doctorCommand(args: Arguments): Promise<void> {
  const lines = await look(args);
  const verdict = worstOf(lines);
  process.stdout.write(args.json ? `${JSON.stringify({ verdict, lines })}\n` : `${describe(lines)}\n`);
  if (verdict === 'wrong') process.exitCode = 1;
}

async function look(args: Arguments): Promise<Line[]> {
  const dir = resolve(args.dir);
  const folder = existsSync(clusterFile(dir)) ? await readFolder(dir) : undefined;
  const cluster = folder?.cluster ?? (await planned(args));
  const { status, beforeMs, afterMs } = await askStatus(folder);
  const ports = await Promise.all([
    portOf('proxy', cluster.proxy.address, status !== undefined),
    portOf('admin', cluster.proxy.admin, status !== undefined),
    ...cluster.hosts.map(({ id, address }) => portOf(id, address, hostIn(status, id)?.status != null)),
  ]);
  const data = measure.nearestFolder(dir);
  // One after the other: a sync that is measured beside other work measures that.
  const samplesMs = await measure.measureSync(data);
  const { wallMs, driftMs, overMs } = await measure.measureClock();
  const { openFiles, fileSize } = await measure.measureLimits();
  const { freeBytes, type } = await measure.measureFolder(data);
  const { level, leveldb } = await measure.measureLevel();
  const skews = (status?.hosts ?? []).flatMap(({ host, status: said }) => {
    return said?.wallMs === undefined ? [] : [{ host, skewMs: skewOf(said.wallMs, beforeMs, afterMs) }];
  });
  return [
    judgeNode(process.version, await measure.measureEngines(join(packageFolder, 'package.json'))),
    judgeLevel(level, leveldb),
    judgePorts(ports, status !== undefined),
    judgeSync(samplesMs),
    judgeFileSystem(type),
    judgeSpace(freeBytes),
    judgeFileSize(fileSize),
    judgeOpenFiles(openFiles),
    judgeClock(wallMs, driftMs, overMs),
    judgeSkew(skews),
    judgeSecrets(await measure.measureSecrets(dir)),
    judgeAsides(await measure.measureAsides(dir, cluster)),
  ];
}

/** Of a cluster that `up` would make here. */
function planned(args: Arguments): Promise<Folder['cluster']> {
  const portBase = numberOf(args['port-base'], 'port-base', 1, 65_000);
  const hosts = numberOf(args.hosts ?? '3', 'hosts', 1, hostsMax);
  return planCluster({ dir: args.dir, portBase, hosts, chains: 1, replication: hosts }, '');
}

/** When the question was asked and answered: what a clock said in between cannot be told apart from that. */
async function askStatus(
  folder: Folder | undefined,
): Promise<{ status: Status | undefined; beforeMs: number; afterMs: number }> {
  const beforeMs = Date.now();
  const isAnswer = (error: unknown): undefined => {
    if (!(error instanceof CodedError)) throw error;
    return undefined;
  };
  const asked = folder === undefined ? undefined : await askAdmin(folder, '/status').catch(isAnswer);
  return { status: asked as Status | undefined, beforeMs, afterMs: Date.now() };
}

function hostIn(status: Status | undefined, id: string): Status['hosts'][number] | undefined {
  return status?.hosts.find(({ host }) => host === id);
}

async function portOf(who: string, address: string, isAnswering: boolean): Promise<Port> {
  const isTaken = await measure.isTaken(address);
  return { who, address, isTaken, isOurs: isTaken && isAnswering };
}

function worstOf(lines: readonly Line[]): Verdict {
  const has = (verdict: Verdict): boolean => lines.some((line) => line.verdict === verdict);
  return has('wrong') ? 'wrong' : has('look') ? 'look' : 'ok';
}

function describe(lines: readonly Line[]): string {
  const rows = lines.map(({ check, verdict, what, todo }) => {
    return [verdict, check, todo === undefined ? what : `${what}. To do: ${todo}`];
  });
  return table(['is it well', 'check', 'what was found'], rows);
}
