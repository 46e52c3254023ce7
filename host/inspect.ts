// What a host tells its operator: where its replicas stand, and what is in its log.
import type { Replica } from '../chain/state.ts';
import { CodedError } from '../engine/base/errors.ts';
import type { ChainId } from '../engine/base/ids.ts';
import type { OpenedRecord } from '../engine/store/format.ts';
import { orderOfActivation, sectionsOf } from '../engine/store/format.ts';
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
};

/** Records that one question may ask for. */
const linesMax = 1_000;

export function describeHost(
  hello: Hello,
  replicas: readonly Replica[],
  resident: (chain: ChainId) => number,
): unknown {
  const { host, boot, storeId, appHash } = hello;
  const chains = replicas.map((replica) => {
    const { chain, phase, epoch, received, durable, acked, committed, assembly, members } = replica;
    const order = phase.kind === 'serving' || phase.kind === 'adopting' ? phase.order : members;
    const reason = phase.kind === 'wedged' ? { reason: phase.reason } : {};
    const isHead = assembly?.stage === 'serving';
    const documents = isHead ? { documents: resident(chain) } : {};
    const lsns = { received: received.lsn, durable: durable.lsn, acked: acked.lsn, committed, hash: durable.hash };
    return { chain, epoch, state: phase.kind, isHead, order, ...lsns, ...documents, ...reason };
  });
  return { host, boot, storeId, appHash, chains };
}

export function describeRecord(record: OpenedRecord): LogLine {
  const { chain, epoch, lsn, hash, kind, bytes } = record;
  const head = { chain, epoch, lsn, hash, bytes: bytes.length, kind };
  if (kind === 'activation') return { ...head, order: orderOfActivation(record) };
  const documents = sectionsOf(record).map(({ name, seqFirst, count }) => ({ name, seqFirst, updates: count }));
  return { ...head, documents };
}

/** The records after lsn `after`, at most `max`. `walk` checks the log from its start, as on every open. */
export async function readLog(
  walk: AsyncGenerator<OpenedRecord>,
  args: { readonly after: number; readonly max: number },
): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const most = Math.min(args.max, linesMax);
  for await (const record of walk) {
    if (record.lsn > args.after) lines.push(describeRecord(record));
    if (lines.length >= most) break;
  }
  return lines;
}

/** HOST_OPTIONS unless `value` is a whole number from 0 to `max`. */
export function countArgument(value: unknown, name: string, fallback: number, max: number): number {
  const number = value === undefined ? fallback : Number(value);
  if (!Number.isInteger(number) || number < 0 || number > max) {
    throw new CodedError('HOST_OPTIONS', `${name} is a number from 0 to ${max}`);
  }
  return number;
}
