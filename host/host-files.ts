// What a host keeps beside its LevelDB, so that it knows what should be in there:
//
//   identity    whose store this is (E7), as the store has it
//   watermark   how many of its writes were durable, lately (E5)
//   limbo       there while the store is not believed, and why: the next start sets it aside
//   opening     there while LevelDB opens: what it tells of losses then it tells only once
//   losses      what it told: there until all of the store was walked since
//   aside-*     stores that were not believed, whole, as they were found; never written again
import { closeSync, existsSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeIdentity, type Identity } from '../engine/store/entries.ts';
import { encodeSlot, slotEvery, type Watermark } from '../engine/store/watermark.ts';
import { rememberedIn } from './believing.ts';
import { syncFolder, writeDurably } from './durable-file.ts';

const parts = ['store', 'identity', 'watermark', 'limbo', 'opening', 'losses'] as const;

/** As many lines are kept. */
const lossLinesMax = 100;

export class HostFiles {
  readonly dir: string;

  /** Of a host's folder, which is there. */
  constructor(dir: string) {
    this.dir = dir;
  }

  get storeDir(): string {
    return join(this.dir, 'store');
  }

  get identityFile(): string {
    return join(this.dir, 'identity');
  }

  get watermarkFile(): string {
    return join(this.dir, 'watermark');
  }

  get hasStore(): boolean {
    return existsSync(this.storeDir);
  }

  /** Whether the identity stands beside the store. */
  get isSigned(): boolean {
    return existsSync(this.identityFile);
  }

  /** What the host remembers of its store; undefined where it never had one. Codes of `rememberedIn`. */
  async remembered(): Promise<Watermark | undefined> {
    return rememberedIn(await readOr(this.identityFile), await readOr(this.watermarkFile));
  }

  /** Of a store that is there and synced. The identity comes last: with it the others are expected. */
  async remember(identity: Identity, serial: number): Promise<void> {
    const slots = new Uint8Array(2 * slotEvery);
    const slot = encodeSlot({ storeId: identity.storeId, serial });
    slots.set(slot, 0);
    slots.set(slot, slotEvery);
    await syncFolder(this.storeDir);
    await writeDurably(this.watermarkFile, slots, 0o600);
    await writeDurably(this.identityFile, encodeIdentity(identity), 0o600);
  }

  /** Why the last process did not believe the store any more. */
  async limbo(): Promise<string | undefined> {
    const bytes = await readOr(join(this.dir, 'limbo'));
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8').trim();
  }

  /** Before LevelDB opens. Where the last opening did not come to its end, nobody knows what was told then: that counts as a loss. */
  async beginOpening(): Promise<void> {
    const file = join(this.dir, 'opening');
    if (existsSync(file)) await this.noteLosses(['an opening was cut off before it was noted what it told']);
    else await writeDurably(file, '', 0o600);
  }

  /** Behind it: what was told is noted. */
  async endOpening(told: readonly string[]): Promise<void> {
    if (told.length > 0) await this.noteLosses(told);
    await rm(join(this.dir, 'opening'), { force: true });
  }

  /** Adds to what was told before and not looked into to the end. */
  async noteLosses(told: readonly string[]): Promise<void> {
    const lines = [...(await this.losses()), ...told].slice(0, lossLinesMax);
    await writeDurably(join(this.dir, 'losses'), `${lines.join('\n')}\n`, 0o600);
  }

  /** What was told since all of the store was last walked. */
  async losses(): Promise<readonly string[]> {
    const bytes = await readOr(join(this.dir, 'losses'));
    return bytes === undefined ? [] : Buffer.from(bytes).toString('utf8').trim().split('\n');
  }

  async walked(): Promise<void> {
    await rm(join(this.dir, 'losses'), { force: true });
    await syncFolder(this.dir);
  }

  /** For a process that is about to end: nothing of it is awaited any more. */
  noteLimbo(reason: string): void {
    const file = openSync(join(this.dir, 'limbo'), 'w', 0o600);
    writeSync(file, `${reason}\n`);
    fsyncSync(file);
    closeSync(file);
    const folder = openSync(this.dir, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  /** Moves the store and all that is known of it into a folder of its own, whose name it gives; undefined where nothing is left of it. */
  async setAside(reason: string): Promise<string | undefined> {
    const there = parts.filter((part) => existsSync(join(this.dir, part)));
    const taken = new Set(await readdir(this.dir));
    let number = 1;
    while (taken.has(`aside-${number}`)) number += 1;
    const aside = join(this.dir, `aside-${number}`);
    await mkdir(aside, { mode: 0o700 });
    await writeDurably(join(aside, 'why'), `${reason}\n`);
    // The store goes first: without it, what remembers it says that it is lost, and comes here again.
    for (const part of there) await rename(join(this.dir, part), join(aside, part));
    await syncFolder(aside);
    await syncFolder(this.dir);
    return there.includes('store') ? aside : undefined;
  }

  /**
   * Puts a store that was set aside back, where there is none: it is now believed through write `serial`. Cut off behind the first step, the
   * next start finds a store with nothing beside it, as one that was begun before there was anything, and believes it as well.
   */
  async takeBack(aside: string, identity: Identity, serial: number): Promise<void> {
    await rename(join(this.dir, aside, 'store'), this.storeDir);
    await syncFolder(join(this.dir, aside));
    await this.remember(identity, serial);
    await writeDurably(join(this.dir, aside, 'believed'), `put back as store ${identity.storeId}\n`);
  }
}

async function readOr(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}
