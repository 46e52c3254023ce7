// Who votes on registers. A voter is a host with one certain store: the same host with another disk is somebody else (C10), is in
// no list, and so has no voice until `replace-voter` gives it one.
//
//   voters := version u8 = 1 | generation u32 | list | isJoint u8 = 0, 1 | the joining list
//   list   := count u8 = 1, 3, 5, 7 | (host text | storeId text) ...
//
// The list is itself the value of a register, and each value counts one generation up. While it changes, two lists are in force
// and a quorum is a majority of each (Raft calls this joint consensus): it meets every quorum of the generation before it and
// every one of the generation after it, though these two need not meet each other.
import { assert } from '../../engine/base/assert.ts';
import { type ByteReader, ByteWriter, readWhole } from '../../engine/base/bytes.ts';
import { CodedError } from '../../engine/base/errors.ts';
import type { HostId } from '../../engine/base/ids.ts';
import { hostId } from '../../engine/base/ids.ts';
import { nonceBytesMax, votersMax } from '../../engine/base/limits.ts';

export type Voter = { readonly host: HostId; readonly storeId: string };

export type Voters = {
  /** 1 is the list that a cluster is made with. Only what a register's quorum confirmed has a generation (C1). */
  readonly generation: number;
  readonly voters: readonly Voter[];
  /** While the list changes: the next one. */
  readonly joining: readonly Voter[] | undefined;
};

/** The register whose value is the list of voters. Chains, numbered from 0, never come near it. */
export const votersRegister = 0xffff;
/** Where a host keeps the newest list that it knows, among the cells of its registers. No register has this number. */
export const voterListCell = 0xfffe;

/** What is wrong with a list, or undefined. An even one outlives no more voters than the odd one below it. */
export function flawOf(list: readonly Voter[]): string | undefined {
  if (list.length % 2 === 0 || list.length > votersMax) return `${list.length} voters are not 1, 3, 5 or 7`;
  if (new Set(list.map(({ host }) => host)).size !== list.length) return 'a host is listed twice';
  if (new Set(list.map(({ storeId }) => storeId)).size !== list.length) return 'a store is listed twice';
  return undefined;
}

/** The list that a cluster is made with. */
export function firstVoters(list: readonly Voter[]): Voters {
  const flaw = flawOf(list);
  assert(flaw === undefined, flaw ?? '');
  return { generation: 1, voters: list, joining: undefined };
}

/** Whether those who answered, named by their stores, can decide: a majority of each list in force. */
export function isQuorum({ voters, joining }: Voters, answered: ReadonlySet<string>): boolean {
  return isMajority(voters, answered) && (joining === undefined || isMajority(joining, answered));
}

export function isVoter({ voters, joining }: Voters, host: HostId, storeId: string): boolean {
  const isIt = (voter: Voter): boolean => voter.host === host && voter.storeId === storeId;
  return voters.some(isIt) || joining?.some(isIt) === true;
}

/** Everybody with a vote, once. */
export function everyVoter({ voters, joining }: Voters): readonly Voter[] {
  const isNew = ({ storeId }: Voter): boolean => !voters.some((voter) => voter.storeId === storeId);
  return [...voters, ...(joining ?? []).filter(isNew)];
}

/** The hosts of all voters, once each. */
export function hostsOf(voters: Voters): readonly HostId[] {
  return [...new Set(everyVoter(voters).map(({ host }) => host))];
}

export function encodeVoters({ generation, voters, joining }: Voters): Uint8Array {
  const writer = new ByteWriter(8 + 2 * votersMax * (2 + 32 + 2 + nonceBytesMax));
  writer.u8(1);
  writer.u32(generation);
  writeList(writer, voters);
  writer.u8(joining === undefined ? 0 : 1);
  if (joining !== undefined) writeList(writer, joining);
  return writer.done();
}

/** CHAIN_PROTOCOL unless `bytes` are exactly one list. */
export function decodeVoters(bytes: Uint8Array): Voters {
  return readWhole(bytes, 'a list of voters', (reader) => {
    const version = reader.u8();
    if (version !== 1) throw new CodedError('CHAIN_PROTOCOL', `version ${version} is not 1`);
    const generation = reader.u32();
    if (generation === 0) throw new CodedError('CHAIN_PROTOCOL', 'generations begin with 1');
    const voters = readList(reader);
    return { generation, voters, joining: reader.flag() ? readList(reader) : undefined };
  });
}

function isMajority(list: readonly Voter[], answered: ReadonlySet<string>): boolean {
  return list.filter(({ storeId }) => answered.has(storeId)).length * 2 > list.length;
}

function writeList(writer: ByteWriter, list: readonly Voter[]): void {
  writer.u8(list.length);
  for (const { host, storeId } of list) {
    writer.text(host);
    writer.text(storeId);
  }
}

function readList(reader: ByteReader): readonly Voter[] {
  const count = reader.count(reader.u8(), 5);
  const list = Array.from({ length: count }, (): Voter => {
    return { host: hostId(reader.text()), storeId: reader.text(nonceBytesMax) };
  });
  const flaw = flawOf(list);
  if (flaw !== undefined) throw new CodedError('CHAIN_PROTOCOL', flaw);
  return list;
}
