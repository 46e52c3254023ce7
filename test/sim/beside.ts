// What stands beside a store on the same machine, and outlives processes: what the host remembers of it, as host/host-files.ts keeps it. A crash in
// the middle of writing a slot of the watermark leaves the old one, the new one, or some of each.
import { encodeIdentity, type Identity } from '../../engine/store/entries.ts';
import { encodeSlot, readWatermark, slotEvery, type Watermark } from '../../engine/store/watermark.ts';
import type { StorePlace } from '../../host/believing.ts';
import { rememberedIn } from '../../host/believing.ts';
import type { Prng } from '../prng.ts';
import { DiskFailed, type SimDisk } from './disk.ts';
import type { Kernel, Timer } from './kernel.ts';

type SlotWrite = { readonly at: number; readonly bytes: Uint8Array; readonly timer: Timer };
type Enter = (run: () => void) => void;

export class Beside {
  identity: Uint8Array | undefined;
  slots: Uint8Array | undefined;
  limbo: string | undefined;
  isWalkDue = false;
  readonly #kernel: Kernel;
  readonly #prng: Prng;
  readonly #disk: SimDisk;
  #writing: SlotWrite | undefined;
  #deaths = 0;

  constructor(kernel: Kernel, name: string, disk: SimDisk) {
    this.#kernel = kernel;
    this.#prng = kernel.chance(`beside ${name}`);
    this.#disk = disk;
  }

  /** Undefined where it does not say. */
  get watermark(): Watermark | undefined {
    return this.identity === undefined || this.slots === undefined ? undefined : readWatermark(this.slots);
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  noteLimbo(reason: string): void {
    this.limbo = reason;
  }

  /** All of it is gone, with the store or into a folder of its own. */
  forget(): void {
    this.identity = undefined;
    this.slots = undefined;
    this.limbo = undefined;
    this.isWalkDue = false;
  }

  writeSlot(slot: 0 | 1, bytes: Uint8Array, enter: Enter): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#kernel.after(this.#disk.syncMs * (0.5 + this.#prng.next()), () => {
        this.#writing = undefined;
        const { isFailing } = this.#disk;
        this.#disk.isFailing = false;
        this.#put(slot * slotEvery, isFailing ? bytes.subarray(0, this.#prng.below(bytes.length)) : bytes);
        enter(() => (isFailing ? reject(new DiskFailed('the disk failed a sync')) : resolve()));
      });
      this.#writing = { at: slot * slotEvery, bytes, timer };
    });
  }

  /** The process is gone. Says whether it left a slot that is neither the old nor the new. */
  crash(): boolean {
    this.#deaths += 1;
    const writing = this.#writing;
    this.#writing = undefined;
    if (writing === undefined) return false;
    this.#kernel.cancel(writing.timer);
    const length = this.#prng.pick([0, writing.bytes.length, this.#prng.below(writing.bytes.length)]);
    this.#put(writing.at, writing.bytes.subarray(0, length));
    return length > 0 && length < writing.bytes.length;
  }

  /** For a process that opens its store; every step takes as long as a sync. */
  place(enter: Enter, onSetAside: (reason: string) => void): StorePlace {
    const disk = this.#disk;
    const deaths = this.#deaths;
    const isSigned = (): boolean => this.identity !== undefined;
    const pause = async (): Promise<void> => {
      const ms = disk.syncMs * this.#prng.next();
      await new Promise<void>((resolve) => this.#kernel.after(ms, () => enter(resolve)));
      if (deaths !== this.#deaths) await new Promise(() => {});
    };
    return {
      name: 'the machine',
      get isSigned() {
        return isSigned();
      },
      get hasStore() {
        return !disk.isEmpty;
      },
      limbo: async () => this.limbo,
      remembered: async () => rememberedIn(this.identity, this.slots),
      remember: async (identity: Identity, serial: number) => {
        await pause();
        const slot = encodeSlot({ storeId: identity.storeId, serial });
        const slots = new Uint8Array(2 * slotEvery);
        slots.set(slot, 0);
        slots.set(slot, slotEvery);
        this.slots = slots;
        await pause();
        this.identity = encodeIdentity(identity);
      },
      openDisk: async () => disk.open(enter),
      losses: async () => {
        this.isWalkDue ||= disk.isTelling;
        disk.isTelling = false;
        return this.isWalkDue ? ['dropping some bytes'] : [];
      },
      walked: async () => {
        await pause();
        this.isWalkDue = false;
      },
      setAside: async (reason: string) => {
        onSetAside(reason);
        await pause();
        disk.lose();
        await pause();
        this.forget();
        return 'aside';
      },
    };
  }

  #put(at: number, bytes: Uint8Array): void {
    this.slots?.set(bytes, at);
  }
}
