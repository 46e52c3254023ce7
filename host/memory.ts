// Documents in memory, of all chains that a host heads, within a budget: whoever was used least lately leaves, unless somebody views it or
// waits for what it has not committed. A document that left is read again when it is asked for; on disk it costs no memory.
import { memoryLooksMax } from '../engine/base/limits.ts';

/** A document that is there. */
export type Tenant = {
  /** About what it takes. */
  readonly bytes: () => number;
  readonly mayLeave: () => boolean;
  readonly leave: () => void;
};

export class Memory {
  readonly #bytesMax: number;
  /** Used longest ago first, each with what it was last counted for. */
  readonly #tenants = new Map<Tenant, number>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get documents(): number {
    return this.#tenants.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It is there, and was used now: others make room for it. */
  used(tenant: Tenant): void {
    this.gone(tenant);
    const bytes = tenant.bytes();
    this.#tenants.set(tenant, bytes);
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) this.#makeRoom(tenant);
  }

  gone(tenant: Tenant): void {
    this.#bytes -= this.#tenants.get(tenant) ?? 0;
    this.#tenants.delete(tenant);
  }

  /** Who may not leave now is asked again behind all others: so a look costs the same however many are viewed. */
  #makeRoom(user: Tenant): void {
    let looks = 0;
    for (const [tenant, bytes] of this.#tenants) {
      if (this.#bytes <= this.#bytesMax || looks === memoryLooksMax || tenant === user) return;
      looks += 1;
      this.gone(tenant);
      if (tenant.mayLeave()) tenant.leave();
      else {
        this.#tenants.set(tenant, bytes);
        this.#bytes += bytes;
      }
    }
  }
}
