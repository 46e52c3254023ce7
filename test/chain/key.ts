// What distinguishes two worlds, as one number. Two worlds with one key behave alike from here on: what cannot matter any more is
// left out, so that orders of events which come to the same thing are explored once.
import type { Configuration } from '../../chain/configuration.ts';
import type { Message } from '../../chain/messages.ts';
import type { Drive, Replica } from '../../chain/state.ts';
import type { Position } from '../../engine/base/ids.ts';
import type { Write } from './disk.ts';
import type { Item } from './links.ts';
import type { Question } from './register-cell.ts';
import { keyOfValue } from './register-cell.ts';
import type { Member, Read, World } from './world.ts';

/** Values are numbered as they are met: short, and the same for the same content throughout one exploration. */
const numbers = new Map<string, number>();

function numberOf(text: string): number {
  let number = numbers.get(text);
  if (number === undefined) {
    number = numbers.size;
    numbers.set(text, number);
  }
  return number;
}

const known = new WeakMap<object, string>();

function cached<T extends object>(value: T, make: (value: T) => string): string {
  let text = known.get(value);
  if (text === undefined) {
    text = numberOf(make(value)).toString(36);
    known.set(value, text);
  }
  return text;
}

const value = (one: Configuration | undefined): string => (one === undefined ? '-' : cached(one, keyOfValue));
const place = (one: Position | undefined): string =>
  one === undefined ? '-' : cached(one, ({ lsn, hash }) => `${lsn}.${hash}`);
const plain = (one: object): string => cached(one, (each) => JSON.stringify(each));

function message(one: Message): string {
  return cached(one, (each) => {
    if (each.kind === 'configured') return `configured ${keyOfValue(each.value)}`;
    const text = JSON.stringify(each, (name, field) => (name === 'bytes' ? undefined : field));
    return text;
  });
}

function item(one: Item, isCurrent: (generation: number) => boolean): string {
  if (one.kind === 'linked') return `+${one.boot}${one.storeId}${isCurrent(one.generation) ? '' : '!'}`;
  return one.kind === 'broken' ? 'x' : message(one);
}

function write(one: Write): string {
  return cached(one, ({ cut, entries, marks, isWipe, page }) => {
    const special = isWipe === true ? 'wipe' : page === undefined ? '' : `${page.cursor} ${place(page.start)}`;
    return `${place(cut)}|${entries.map(({ hash }) => hash).join()}|${JSON.stringify(marks)}|${special}`;
  });
}

function read(one: Read): string {
  return cached(one, (each) => JSON.stringify(each));
}

function question(one: Question | undefined): string {
  if (one === undefined) return '';
  const { decision } = one;
  const asked = one.kind === 'look' ? '?' : `${value(one.expect)}>${value(one.value)}`;
  const answer = decision === undefined ? '' : `${decision.kind}${'value' in decision ? value(decision.value) : ''}`;
  return `${asked}:${answer}`;
}

function drive(one: Drive | undefined): string {
  if (one === undefined) return '';
  const { nonce, stage, pending, sealed, chosen, asked, transferred, intention } = one;
  const answers = [...sealed].sort().map(([host, answer]) => host + message(answer));
  const start = chosen === undefined ? '' : chosen.source + place(chosen.start);
  const taken = [...transferred].sort().map(([host, storeId]) => host + storeId);
  return [nonce, stage, value(pending), answers, start, [...asked].sort(), taken, plain(intention)].join(';');
}

function replica(one: Replica): string {
  const { phase, marks, peers, lowerResume } = one;
  const copy = 'copy' in phase && phase.copy !== undefined ? phase.copy : undefined;
  const { kind } = phase;
  const config = 'config' in phase ? value(phase.config as Configuration) : '';
  const transfer = kind === 'sealing' && phase.transfer !== undefined ? message(phase.transfer) : '';
  const source =
    copy === undefined
      ? ''
      : [
          copy.source,
          place(copy.target),
          place(copy.base),
          copy.asked,
          copy.step,
          copy.isShared,
          copy.pages?.cursor,
          copy.pages?.isStoring,
          place(copy.pages?.start),
        ];
  const driver = 'driver' in phase ? phase.driver : '';
  const known = [...peers].map(([host, peer]) => `${host}${peer.boot}${peer.storeId}${peer.isConnected}`).sort();
  return [
    ...[kind, config, transfer, source, driver, 'target' in phase ? place(phase.target) : ''],
    ...[
      one.epoch,
      one.nonce,
      plain(marks),
      place(one.received),
      place(one.durable),
      place(one.logStart),
      place(one.folded),
      one.leftover,
    ],
    ...(kind === 'serving' || kind === 'syncing' ? running(one) : []),
    ...[lowerResume === undefined ? '' : lowerResume.from + place(lowerResume.position), one.retainAfter],
    ...[value(one.known), one.asking, value(one.writing), drive(one.drive), one.floor],
    ...[one.nonces, known],
  ].join(' ');
}

/** What is set anew where an epoch begins. */
function running({
  ackedBelow,
  acked,
  committed,
  base,
  inflight,
  joinerAcked,
  gate,
  barrier,
  passed,
}: Replica): unknown[] {
  return [place(ackedBelow), place(acked), committed, place(base), inflight.length, joinerAcked, gate, barrier, passed];
}

function member({
  disk,
  storeId,
  boot,
  isUp,
  isHead,
  queue,
  writing,
  reads,
  question: asked,
  replica: one,
}: Member): string {
  const end = disk.records.at(-1)?.hash ?? '';
  const below = `${disk.start} ${disk.hasLeftover} ${disk.pages.length}`;
  const kept = `${numberOf(end)} ${below} ${plain(disk.marks)} ${storeId} ${boot}`;
  if (!isUp) return kept;
  const work = [queue.map(write), writing === undefined ? '-' : writing.map(write), reads.map(read), question(asked)];
  return [kept, isHead, ...work, replica(one)].join('/');
}

export function keyOf(world: World, budget: string): string {
  const { links, register, witness } = world;
  const parts: string[] = [budget, value(register.value), `${world.updates}`, place(witness.promised)];
  for (const late of register.late) parts.push(`${late.owner}${value(late.value)}`);
  for (const one of world.members.values()) parts.push(member(one));
  for (const way of links.ways.values()) {
    const isOpen = links.isOpen(way.from, way.to);
    const isUp = links.isUp(way.from, way.to);
    const isCurrent = (generation: number): boolean => links.isCurrent(way.from, way.to, generation);
    parts.push(`${isOpen ? 'o' : ''}${isUp ? 'u' : ''}${way.items.map((one) => item(one, isCurrent)).join()}`);
  }
  for (const [host, asked] of witness.asked)
    parts.push(host + asked.map((one) => one.token + place(one.promised)).join());
  return parts.join('|');
}

/** 53 bits of a text (cyrb53, public domain): with a million states two share one by chance once in ten thousand runs. */
export function digest(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
