// What a host tells its operator: where its replicas stand, and what is in its log.

import { lastActive } from '../chain/configuration.ts';
import { isConfirmedDead, isLive, isWanted } from '../chain/detector.ts';
import { liveInstances } from '../chain/gossip/gossip.ts';
import { joinerOf } from '../chain/join.ts';
import type { Node, NodeChain } from '../chain/node-state.ts';
import { isServingHead } from '../chain/normal.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId, Position } from '../engine/base/ids.ts';
import { logRecordsAskedMax, logRecordsWalkedMax } from '../engine/base/limits.ts';
import type { Base } from '../engine/store/entries.ts';
import type { OpenedRecord } from '../engine/store/format.ts';
import { lossOfActivation, namesOf, orderOfActivation, recordKey, sectionsOf } from '../engine/store/format.ts';
import { readRecord, walkLog } from '../engine/store/log.ts';
import type { OrderedReader } from '../engine/store/port.ts';
import { readBase } from '../engine/store/recovery.ts';
import type { Hello } from './hello.ts';

/** One line of `levelten log`. */
export type LogLine = {
  readonly chain: number;
  readonly epoch: number;
  readonly lsn: number;
  readonly hash: string;
  readonly bytes: number;
  readonly kind: string;
  /** The documents of a batch with the range of their updates; the order of an activation. */
  readonly documents?: readonly { readonly name: string; readonly seqFirst: number; readonly updates: number }[];
  readonly order?: readonly string[];
  /** What an operator accepted to lose with this epoch. */
  readonly loss?: string;
};

export type HostStatus = {
  readonly hello: Hello;
  readonly node: Node;
  readonly resident: (chain: ChainId) => number;
  readonly base: (chain: ChainId) => Base;
  readonly erasing: (chain: ChainId) => number;
};

export function describeHost(status: HostStatus): object {
  const { hello, node } = status;
  const { host, boot, storeId, appHash } = hello;
  const { region } = node.options;
  const chains = [...node.chains.values()].map((chain) => describeChain(chain, status));
  const hosts = [...node.detector.hosts.keys()].map((id) => {
    const isDead = isConfirmedDead(node.detector, id);
    return { host: id, isLive: isLive(node.detector, id), isDead, isWanted: isWanted(node.detector, id) };
  });
  const { generation, voters, joining } = node.registers.acceptor.voters;
  const isLeaving = node.detector.isLeaving;
  const { started, happy, reverse, slow } = node.gossip.metrics;
  const instances = liveInstances(node.gossip).map(({ id, boot: of, roles }) => ({ id, boot: of, roles }));
  const gossip = { instances, exchanges: { started, happy, reverse, slow } };
  return {
    host,
    region,
    boot,
    storeId,
    appHash,
    isLeaving,
    isFull: node.detector.isFull,
    chains,
    hosts,
    voters: { generation, voters, joining },
    gossip,
  };
}

/** `state` is where this host stands; `members` is what the register held when this host last learned of it. */
function describeChain({ replica, care }: NodeChain, { resident, base, erasing }: HostStatus): unknown {
  const { chain, phase, epoch, received, durable, acked, committed, known, marks } = replica;
  const isHead = isServingHead(replica);
  const members = known?.members.map(({ host, storeId, role }) => ({ host, storeId, role })) ?? [];
  const config =
    known === undefined ? {} : { configured: { epoch: known.epoch, minor: known.minor, phase: known.phase } };
  const served = known === undefined ? {} : { servedEpoch: lastActive(known)?.epoch ?? 0 };
  const loss = known?.loss === undefined ? {} : { loss: known.loss };
  const { drive } = replica;
  const driven = drive === undefined ? {} : { drive: { epoch: drive.pending?.epoch ?? 0, stage: drive.stage } };
  const order = members.map(({ host }) => host);
  const reason = phase.kind === 'wedged' ? phase.reason : care.reason;
  const lsns = { received: received.lsn, durable: durable.lsn, acked: acked.lsn, committed, hash: durable.hash };
  const joiner = joinerOf(replica);
  const join =
    joiner === undefined ? {} : { joining: { host: joiner.host, acked: replica.joinerAcked, of: received.lsn } };
  const documents = isHead ? { documents: resident(chain) } : {};
  const why = reason === undefined ? {} : { reason };
  return {
    chain,
    epoch,
    state: phase.kind,
    isHead,
    order,
    members,
    ...config,
    ...served,
    ...lsns,
    lag: received.lsn - acked.lsn,
    logEpoch: marks.logEpoch,
    folded: base(chain).folded.lsn,
    trimmed: base(chain).floor.lsn,
    erasing: erasing(chain),
    ...join,
    ...documents,
    ...loss,
    ...driven,
    ...why,
  };
}

export function describeRecord(record: OpenedRecord): LogLine {
  const { chain, epoch, lsn, hash, kind, bytes } = record;
  const head = { chain, epoch, lsn, hash, bytes: bytes.length, kind };
  if (kind === 'activation') {
    const loss = lossOfActivation(record);
    return { ...head, order: orderOfActivation(record), ...(loss === undefined ? {} : { loss }) };
  }
  const documents = sectionsOf(record).map(({ name, seqFirst, count }) => ({ name, seqFirst, updates: count }));
  return { ...head, documents };
}

/** Which records: above `after`, below `before`, and only those that all of the others fit. */
export type LogRange = {
  readonly after: number;
  readonly before: number;
  readonly max: number;
  readonly document?: string;
  readonly kind?: string;
  readonly epoch?: number;
};

/** `next`: more may follow behind that lsn; null at the end. */
export type LogPage = { readonly lines: readonly LogLine[]; readonly next: number | null };

/**
 * Records of a chain's log that are not folded and trimmed, `max` lines at most, of those that one question may look at. `reader` is of one
 * moment. ENGINE_CORRUPT by chain and lsn where what it walks is no log.
 */
export async function readLog(reader: OrderedReader, chain: ChainId, range: LogRange): Promise<LogPage> {
  const lines: LogLine[] = [];
  const most = Math.min(range.max, logRecordsAskedMax);
  let [looked, last] = [0, range.after];
  for await (const record of walkLog(reader, chain, await startOf(reader, chain, range.after))) {
    if (record.lsn >= range.before) return { lines, next: null };
    if (lines.length >= most || looked >= logRecordsWalkedMax) return { lines, next: last };
    looked += 1;
    last = record.lsn;
    if (record.lsn > range.after && fits(record, range)) lines.push(describeRecord(record));
  }
  return { lines, next: null };
}

/** The record `after`, where it is there; else where the log begins, so that a hole before it is seen. */
async function startOf(reader: OrderedReader, chain: ChainId, after: number): Promise<Position> {
  const { floor } = await readBase(reader, chain);
  const isThere = after > floor.lsn && (await reader.get(recordKey(chain, after))) !== undefined;
  if (!isThere) return floor;
  const { lsn, hash } = await readRecord(reader, chain, after);
  return { lsn, hash };
}

function fits(record: OpenedRecord, { document, kind, epoch }: LogRange): boolean {
  if (kind !== undefined && record.kind !== kind) return false;
  if (epoch !== undefined && record.epoch !== epoch) return false;
  return document === undefined || namesOf(record).includes(document);
}

/** HOST_OPTIONS unless `value` is a whole number from 0 to `max`. */
export function countArgument(value: unknown, name: string, fallback: number, max: number): number {
  const number = value === undefined ? fallback : Number(value);
  if (!Number.isInteger(number) || number < 0 || number > max) {
    throw new CodedError('HOST_OPTIONS', `${name} is a number from 0 to ${max}`);
  }
  return number;
}
