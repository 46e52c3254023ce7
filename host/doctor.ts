// What a machine is like, judged: values in, a verdict and what to do about it out. host/cli/measure.ts brings the values.
import {
  clockStepMsMax,
  connectionsMax,
  freeBytesLook,
  freeBytesWrong,
  skewMsLook,
  skewMsWrong,
  stuckMs,
  syncMsLook,
} from '../engine/base/limits.ts';

/** `look`: it works, and not as it could. `wrong`: something fails, or answers are not what they are said to be. */
export type Verdict = 'ok' | 'look' | 'wrong';
export type Line = { readonly check: string; readonly verdict: Verdict; readonly what: string; readonly todo?: string };

/** The level that LevelDB was measured at: engine/store goes by what that one does. */
const levelMajor = 3;
const levelKnown = '1.20';
/** Files that LevelDB keeps open, and what else a host has. */
const openFilesNeeded = 1_500;
const openFilesWanted = connectionsMax + openFilesNeeded;
/** LevelDB's log rotates at 32 MiB, and its tables are of 2 MiB: below this a host ends when it writes (E2). */
const fileBytesNeeded = 64 * 1024 * 1024;
/** A sync below this touched no disk. */
const syncMsMin = 0.02;
/** No clock that was ever set stands before this: 2024. */
const wallMsMin = 1_704_067_200_000;

const line = (check: string, verdict: Verdict, what: string, todo?: string): Line => {
  return { check, verdict, what, ...(todo === undefined ? {} : { todo }) };
};

/** `needed` as in package.json: `>=20.15`. */
export function judgeNode(version: string, needed: string): Line {
  const [have, want] = [numbersIn(version), numbersIn(needed)];
  const isNew = compare(have, want) >= 0;
  const what = `Node ${version}, and ${needed} is needed`;
  return isNew ? line('node', 'ok', what) : line('node', 'wrong', what, 'install a newer Node');
}

function numbersIn(version: string): number[] {
  return [...version.matchAll(/\d+/g)].slice(0, 3).map(([text]) => Number(text));
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const index of [0, 1, 2]) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `level` is the version of the package, `leveldb` of what it bundles; undefined where it cannot be found. */
export function judgeLevel(level: string | undefined, leveldb: string | undefined): Line {
  if (level === undefined) return line('leveldb', 'wrong', 'LevelDB is not there', 'npm ci');
  const what = `classic-level ${level} with LevelDB ${leveldb ?? 'of an unknown version'}`;
  const isKnown = numbersIn(level)[0] === levelMajor && (leveldb ?? levelKnown) === levelKnown;
  const todo = `what this engine goes by was measured with classic-level ${levelMajor} and LevelDB ${levelKnown}: npm ci`;
  return isKnown ? line('leveldb', 'ok', what) : line('leveldb', 'look', what, todo);
}

export type Port = {
  readonly address: string;
  readonly who: string;
  /** Whether somebody listens there, and whether whoever should did answer over it. */
  readonly isTaken: boolean;
  readonly isOurs: boolean;
};

/** `isRunning`: the cluster's admin port answers. */
export function judgePorts(ports: readonly Port[], isRunning: boolean): Line {
  const foreign = ports.filter(({ isTaken, isOurs }) => isTaken && !isOurs);
  const silent = ports.filter(({ isTaken }) => isRunning && !isTaken);
  const name = (list: readonly Port[]): string => list.map(({ who, address }) => `${who} ${address}`).join(', ');
  // One of ours that hangs, or has only begun, cannot be told from somebody else.
  if (foreign.length > 0 && isRunning) {
    const todo = 'levelten status says who does not answer; where it is none of ours: levelten up --port-base N';
    return line('ports', 'look', `somebody listens, and does not answer as ours: ${name(foreign)}`, todo);
  }
  if (foreign.length > 0) {
    const todo = 'end what listens there, or move the cluster: levelten up --port-base N';
    return line('ports', 'wrong', `taken, and not by this cluster: ${name(foreign)}`, todo);
  }
  if (silent.length > 0)
    return line('ports', 'look', `nobody listens: ${name(silent)}`, 'levelten status says who is dead');
  return line('ports', 'ok', `${ports.length} ports are ${isRunning ? 'ours' : 'free'}`);
}

/** How long each of some writes took until it was synced; a reason where they could not be made. */
export function judgeSync(samplesMs: readonly number[] | string): Line {
  if (typeof samplesMs === 'string') {
    return line(
      'sync',
      'wrong',
      `the data folder takes no files: ${samplesMs}`,
      'give this user a folder to write in: --dir',
    );
  }
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const worst = sorted.at(-1) ?? 0;
  const what = `a sync takes ${roundMs(median)} ms, at worst ${roundMs(worst)} of ${sorted.length}`;
  if (worst >= stuckMs) {
    return line(
      'sync',
      'wrong',
      what,
      `a host whose disk holds a sync for ${stuckMs} ms is left out of its chains: another disk`,
    );
  }
  if (median < syncMsMin) {
    return line(
      'sync',
      'look',
      what,
      'no disk is that fast: ask whether this machine loses synced writes with its power',
    );
  }
  if (median > syncMsLook)
    return line('sync', 'look', what, 'every answer takes at least as long: a disk with a faster sync');
  return line('sync', 'ok', what);
}

/** `driftMs`: by how much the wall clock moved more than the one that only goes forward, over `overMs`. */
export function judgeClock(wallMs: number, driftMs: number, overMs: number): Line {
  const what = `the clock went ${roundMs(Math.abs(driftMs))} ms ${driftMs < 0 ? 'slow' : 'fast'} in ${roundMs(overMs)} ms`;
  if (wallMs < wallMsMin)
    return line('clock', 'wrong', `it is ${new Date(wallMs).toISOString()} here`, 'set the clock');
  if (Math.abs(driftMs) > clockStepMsMax)
    return line('clock', 'look', what, 'somebody sets it just now: let one time service do that');
  return line('clock', 'ok', what);
}

/** By how much a clock that was read at some moment between two of ours is surely off: 0 where it may be right. */
export function skewOf(wallMs: number, beforeMs: number, afterMs: number): number {
  return wallMs < beforeMs ? wallMs - beforeMs : Math.max(0, wallMs - afterMs);
}

/** `skewMs` of each host that answers, from this machine's clock. */
export function judgeSkew(hosts: readonly { readonly host: string; readonly skewMs: number }[]): Line {
  if (hosts.length === 0) return line('skew', 'ok', 'no host runs: nothing to compare');
  const far = [...hosts].sort((a, b) => Math.abs(b.skewMs) - Math.abs(a.skewMs))[0];
  const most = Math.abs(far?.skewMs ?? 0);
  const what = `clocks of ${hosts.length} hosts are within ${roundMs(most)} ms${most > 0 ? `, furthest ${far?.host}` : ''}`;
  const todo = 'times in documents jump when a head moves: a time service on every host';
  if (most > skewMsWrong) return line('skew', 'wrong', what, todo);
  return most > skewMsLook ? line('skew', 'look', what, todo) : line('skew', 'ok', what);
}

/** Infinity where there is no limit; undefined where it cannot be read. */
export function judgeOpenFiles(limit: number | undefined): Line {
  if (limit === undefined) return line('open files', 'ok', 'the limit cannot be read on this system');
  const what = `${limit === Number.POSITIVE_INFINITY ? 'any number of' : limit} files may be open`;
  if (limit < openFilesNeeded)
    return line('open files', 'wrong', what, `ulimit -n ${openFilesWanted}: LevelDB alone keeps 1,000 open`);
  if (limit < openFilesWanted)
    return line('open files', 'look', what, `a full proxy needs more: ulimit -n ${openFilesWanted}`);
  return line('open files', 'ok', what);
}

/** In bytes; Infinity where there is no limit; undefined where it cannot be read. */
export function judgeFileSize(limit: number | undefined): Line {
  if (limit === undefined) return line('file size', 'ok', 'the limit cannot be read on this system');
  if (limit === Number.POSITIVE_INFINITY) return line('file size', 'ok', 'files may be of any size');
  const what = `files may have ${limit} bytes`;
  const todo = 'ulimit -f unlimited: a write past it is refused, and ends the host';
  return line('file size', limit < fileBytesNeeded ? 'wrong' : 'look', what, todo);
}

export function judgeSpace(freeBytes: number): Line {
  const what = `${Math.floor(freeBytes / 1024 / 1024)} MiB are free for the data folder`;
  const todo = 'free some space, or move the data folder: a disk that is full ends its host';
  if (freeBytes < freeBytesWrong) return line('space', 'wrong', what, todo);
  return freeBytes < freeBytesLook ? line('space', 'look', what, todo) : line('space', 'ok', what);
}

type Kind = { readonly name: string; readonly verdict: Verdict; readonly todo?: string };
const memory = { verdict: 'wrong', todo: 'it is gone with the power: put the data folder on a disk' } as const;
const network = {
  verdict: 'wrong',
  todo: 'locks and syncs do not hold there as on a disk: put the data folder on one',
} as const;
const layered = {
  verdict: 'look',
  todo: 'what a sync means there is up to what lies below: better a disk of its own',
} as const;

/** By the numbers that Linux gives (statfs(2)). */
const fileSystems: ReadonlyMap<number, Kind> = new Map([
  [0x0102_1994, { name: 'tmpfs', ...memory }],
  [0x8584_58f6, { name: 'ramfs', ...memory }],
  [0x6969, { name: 'NFS', ...network }],
  [0x517b, { name: 'SMB', ...network }],
  [0xff53_4d42, { name: 'CIFS', ...network }],
  [0xfe53_4d42, { name: 'SMB2', ...network }],
  [0x0102_1997, { name: '9p', ...network }],
  [0x00c3_6400, { name: 'CephFS', ...network }],
  [0x6573_5546, { name: 'FUSE', ...layered }],
  [0x794c_7630, { name: 'overlayfs', ...layered }],
  [0xef53, { name: 'ext4', verdict: 'ok' }],
  [0x5846_5342, { name: 'XFS', verdict: 'ok' }],
  [0x9123_683e, { name: 'btrfs', verdict: 'ok' }],
  [0x2fc1_2fc1, { name: 'ZFS', verdict: 'ok' }],
  [0xf2f5_2010, { name: 'F2FS', verdict: 'ok' }],
]);

/** `type` as statfs gives it; undefined elsewhere than on Linux, where the numbers mean something else. */
export function judgeFileSystem(type: number | undefined): Line {
  const kind = type === undefined ? undefined : fileSystems.get(type >>> 0);
  if (kind !== undefined) return line('file system', kind.verdict, `the data folder is on ${kind.name}`, kind.todo);
  const what =
    type === undefined
      ? 'it cannot be read on this system'
      : `one that is not known here: 0x${(type >>> 0).toString(16)}`;
  return line('file system', 'ok', what);
}

/** Stores that were not believed, as `host/aside-N`, each with why. */
export function judgeAsides(asides: readonly { readonly name: string; readonly why: string }[]): Line {
  const [first] = asides;
  if (first === undefined) return line('set aside', 'ok', 'no store was');
  const what = `${asides.map(({ name }) => name).join(' ')}; the first: ${first.why}`;
  return line(
    'set aside',
    'look',
    what,
    'the hosts go on with others; remove these when nobody wants to look into them, nor needs one again (levelten believe)',
  );
}

export type SecretFile = {
  readonly file: string;
  /** As chmod takes it. */
  readonly mode: number;
  readonly isOurs: boolean;
  readonly isSecret: boolean;
};

export function judgeSecrets(files: readonly SecretFile[]): Line {
  if (files.length === 0) return line('secrets', 'ok', 'there is no cluster in the folder: none were made');
  const open = files.filter(({ mode }) => (mode & 0o077) !== 0);
  const foreign = files.filter(({ isOurs }) => !isOurs);
  const names = (list: readonly SecretFile[]): string => list.map(({ file }) => file).join(' ');
  const bare = open.filter(({ isSecret }) => isSecret);
  if (bare.length > 0)
    return line('secrets', 'wrong', `others may read ${names(bare)}`, `chmod 600 ${names(bare)}, and make new ones`);
  if (open.length > 0)
    return line('secrets', 'look', `others may look into ${names(open)}`, `chmod 700 ${names(open)}`);
  if (foreign.length > 0)
    return line('secrets', 'look', `${names(foreign)}: of another user`, 'run the cluster as their owner');
  return line('secrets', 'ok', `${files.length} files are their owner’s only`);
}

function roundMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}
