/**
 * The objects that there are: how many, of whom, and until when. A lease is renewed by each use, and does not end while there is one.
 */
import type { Scheduler } from '../core/clock.ts';
import { after, seconds, until, type Instant, type Milliseconds } from '../core/duration.ts';
import { CallError } from '../functions/call-error.ts';
import { holderOf, type Caller } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { anonymousNetwork } from './anonymous-network.ts';

/** What the operator decides. */
export interface ObjectSettings {
  /** Since it was used last. */
  readonly lease: Milliseconds;
  readonly maxObjects: number;
  readonly maxObjectsPerIdentity: number;
  /** Of one address beyond this machine, of those who call without an identity. */
  readonly maxObjectsPerPeer: number;
}

export interface HeldObject {
  readonly id: string;
  readonly identity: string;
  /** Its class. */
  readonly of: FunctionDescription;
}

export interface Held extends HeldObject {
  /** `holderOf` whose it is. */
  holder: string;
  /** Of whose room it takes. */
  readonly owners: readonly string[];
  leaseEnds: Instant;
  /** Calls under way: as long as there are some, it lives. */
  inUse: number;
  /** Of a class with one instance for each caller, or for all of them: what its caller's is known by. */
  readonly standing?: string | undefined;
  /** Settles when its constructor has run. */
  made?: Promise<unknown> | undefined;
  /** What is told when it ends. */
  readonly ends: Set<() => void>;
}

export interface ObjectLeasesOptions extends ObjectSettings {
  readonly scheduler: Scheduler;
  /** It was not used for as long as its lease; it is not held any more. */
  readonly expired: (held: Held) => void;
}

const whenFull = seconds(10);

export class ObjectLeases {
  readonly #options: ObjectLeasesOptions;
  /** What was used last is last. */
  readonly #objects = new Map<string, Held>();
  readonly #perOwner = new Map<string, number>();
  readonly #standing = new Map<string, Held>();
  #stopWaiting: (() => void) | undefined;

  constructor(options: ObjectLeasesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(id: string): Held | undefined {
    return this.#objects.get(id);
  }

  has(id: string): boolean {
    return this.#objects.has(id);
  }

  /** What a caller has of a class that gives it no second one. */
  standing(key: string): Held | undefined {
    return this.#standing.get(key);
  }

  /** It is in use, or its lease goes on. */
  lives({ inUse, leaseEnds }: Held): boolean {
    return inUse > 0 || leaseEnds > this.#now;
  }

  newlyHeld(id: string, caller: Caller, of: FunctionDescription, standing?: string): Held {
    return {
      id,
      identity: caller.identity,
      holder: holderOf(caller),
      owners: ownersOf(caller),
      of,
      standing,
      leaseEnds: this.#leaseFromNow(),
      inUse: 0,
      ends: new Set(),
    };
  }

  keep(id: string, caller: Caller, of: FunctionDescription, standing?: string): Held {
    const held = this.newlyHeld(id, caller, of, standing);
    for (const owner of held.owners) this.#perOwner.set(owner, (this.#perOwner.get(owner) ?? 0) + 1);
    this.#objects.set(id, held);
    if (standing !== undefined) this.#standing.set(standing, held);
    return held;
  }

  /** @param before what the sentence begins with @throws CallError `overloaded`, `rate-exceeded` */
  checkRoom(caller: Caller, more: number, before: string): void {
    const { maxObjects, maxObjectsPerIdentity, maxObjectsPerPeer } = this.#options;
    if (more === 0) return;
    if (this.#objects.size + more > maxObjects) {
      throw new CallError('overloaded', `${before}there is no room for ${more} more; come back later.`, {
        retryAfter: whenFull,
      });
    }
    for (const [index, owner] of ownersOf(caller).entries()) {
      const most = index === 0 ? maxObjectsPerIdentity : maxObjectsPerPeer;
      const own = this.#perOwner.get(owner) ?? 0;
      if (own + more > most) {
        throw new CallError(
          'rate-exceeded',
          `${before}${own} objects of ${owner} are there already, and ${most} may be; let go of some (DELETE /o/…).`,
          { retryAfter: whenFull },
        );
      }
    }
  }

  /** It is in use until what is returned is called. */
  hold(held: Held): () => void {
    held.inUse++;
    return () => {
      held.inUse--;
      this.renew(held);
    };
  }

  renew(held: Held): void {
    if (!this.#objects.delete(held.id)) return;
    held.leaseEnds = this.#leaseFromNow();
    this.#objects.set(held.id, held);
  }

  forget(held: Held): void {
    const { id, owners, standing } = held;
    if (!this.#objects.delete(id)) return;
    if (standing !== undefined && this.#standing.get(standing) === held) this.#standing.delete(standing);
    for (const owner of owners) {
      const left = (this.#perOwner.get(owner) ?? 1) - 1;
      if (left === 0) this.#perOwner.delete(owner);
      else this.#perOwner.set(owner, left);
    }
    for (const ended of held.ends) ended();
  }

  /** Until the first lease ends. */
  wait(): void {
    const [first] = this.#objects.values();
    if (this.#stopWaiting !== undefined || first === undefined) return;
    this.#stopWaiting = this.#options.scheduler.after(until(first.leaseEnds, this.#now), () => {
      this.#stopWaiting = undefined;
      this.#expire();
      this.wait();
    });
  }

  #expire(): void {
    const now = this.#now;
    for (const held of this.#objects.values()) {
      if (held.leaseEnds > now) return;
      if (held.inUse > 0) this.renew(held);
      else {
        this.forget(held);
        this.#options.expired(held);
      }
    }
  }

  close(): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }

  get #now(): Instant {
    return this.#options.scheduler.now();
  }

  #leaseFromNow(): Instant {
    return after(this.#now, this.#options.lease);
  }
}

/** The identity; and of those who have none, who share one, the address. No identity has such a name. */
function ownersOf(caller: Caller): readonly string[] {
  const network = anonymousNetwork(caller);
  return network === undefined ? [caller.identity] : [caller.identity, `address ${network}`];
}
