/**
 * Objects that callers have made of the classes of libraries (docs/objects.md): whose they are, how long they live, and the way to the
 * thread on which each lives. All is in memory: with the gateway its objects end.
 *
 * An object's lease is renewed by each use; without one it ends, as it does on DELETE. Its id is 48 random bits and works for
 * its creator's identity alone.
 */
import { toBase64Url } from '../cbor/base64url.ts';
import type { Scheduler } from '../core/clock.ts';
import { after, never, seconds, until, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import { CallError } from '../functions/call-error.ts';
import type { Call, Caller, CallResult, GivenObject, Home } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { endingFunction, makingFunction } from '../functions/object-calls.ts';
import { PackedArguments } from '../functions/packed-arguments.ts';
import { asCallError, reportFault } from './faults.ts';
import { standingOf } from './object-standing.ts';
import { ObjectExchange, type LentObject, type ObjectInvoker, type ObjectKeeper } from './object-exchange.ts';

/** What the operator decides. */
export interface ObjectSettings {
  /** Since it was used last. */
  readonly lease: Milliseconds;
  readonly maxObjects: number;
  readonly maxObjectsPerIdentity: number;
}

export interface ObjectsOptions extends ObjectSettings {
  readonly invoker: ObjectInvoker;
  readonly scheduler: Scheduler;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface HeldObject {
  readonly id: string;
  readonly identity: string;
  /** Its class. */
  readonly of: FunctionDescription;
}

interface Held extends HeldObject {
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

export interface ObjectCaller {
  readonly caller: Caller;
  readonly correlationId: string;
  /** Of a call of a method: aborted when nobody waits for the result any more. */
  readonly signal?: AbortSignal | undefined;
}

const idBytes = 6;

const whenFull = seconds(10);

export class Objects implements ObjectKeeper {
  readonly #options: ObjectsOptions;
  /** What runs functions, where they are given objects and give some. */
  readonly exchange: ObjectExchange;
  /** What was used last is last. */
  readonly #objects = new Map<string, Held>();
  readonly #perIdentity = new Map<string, number>();
  readonly #standing = new Map<string, Held>();
  #stopWaiting: (() => void) | undefined;

  constructor(options: ObjectsOptions) {
    this.#options = options;
    this.exchange = new ObjectExchange(options.invoker, this);
  }

  get size(): number {
    return this.#objects.size;
  }

  /**
   * Runs the constructor, unless the class says that its caller has an object already. Throws and rejects with a `CallError`.
   * @param args of the constructor, bound
   */
  async make(of: FunctionDescription, args: Call['args'], by: ObjectCaller): Promise<string> {
    const { identity } = by.caller;
    const standing = standingOf(of, by.caller);
    const known = standing === undefined ? undefined : this.#standing.get(standing);
    if (known !== undefined && (known.made !== undefined || this.#options.invoker.holds(of, known.id))) {
      await known.made;
      this.#renew(known);
      return known.id;
    }
    this.#checkRoom(identity, 1, 'No object can be made: ');
    const id = toBase64Url(this.#options.randomBytes(idBytes));
    const held = this.#keep(id, identity, of, standing);
    if (standing !== undefined) this.#standing.set(standing, held);
    try {
      held.made = this.#run(held, makingFunction(of), args, by, 'begin');
      await held.made;
      held.made = undefined;
    } catch (error) {
      this.#forget(held);
      throw error;
    }
    this.#wait();
    return id;
  }

  /** @throws CallError `no-such-resource`, also where it is somebody else's */
  find(id: string, caller: Caller): HeldObject {
    const held = this.held(id, caller);
    if (held !== undefined) return held;
    throw new CallError(
      'no-such-resource',
      `There is no object ${id.slice(0, 16)} of yours; one that is not used for long is let go of.`,
    );
  }

  held(id: string, { identity }: Caller): HeldObject | undefined {
    const held = this.#objects.get(id);
    return held?.identity === identity && (held.inUse > 0 || held.leaseEnds > this.#now) ? held : undefined;
  }

  borrow(objects: readonly LentObject[]): () => void {
    const lent = objects.flatMap(({ id }) => this.#objects.get(id) ?? []);
    const releases = lent.map((held) => this.#hold(held));
    return () => {
      for (const release of releases) release();
    };
  }

  adopt(given: readonly GivenObject[], call: Call): void {
    const { identity } = call.caller;
    const classes = given.map((object) => this.#classOf(object, call));
    const fresh = given.filter(({ id }) => !this.#objects.has(id));
    try {
      this.#checkRoom(
        identity,
        fresh.length,
        `${call.function.method} was carried out, but its result cannot be given: `,
      );
    } catch (error) {
      this.drop(given, call);
      throw error;
    }
    for (const [index, of] of classes.entries()) {
      const { id = '' } = given[index] ?? {};
      const known = this.#objects.get(id);
      if (known === undefined) this.#keep(id, identity, of);
      else this.#renew(known);
    }
    this.#wait();
  }

  drop(given: readonly GivenObject[], call: Call): void {
    for (const object of given) {
      const of = call.function.classes?.get(object.class);
      if (of !== undefined && !this.#objects.has(object.id))
        this.#letGo(this.#newlyHeld(object.id, call.caller.identity, of));
    }
  }

  lose({ id }: Pick<LentObject, 'id'>): void {
    const held = this.#objects.get(id);
    if (held !== undefined) this.#forget(held);
  }

  /** Calls one of its functions (functions/object-calls.ts), which renews its lease. */
  async use(object: HeldObject, fn: FunctionDescription, args: Call['args'], by: ObjectCaller): Promise<CallResult> {
    const held = this.#objects.get(object.id);
    if (held === undefined) throw goneMeanwhile();
    return await this.#run(held, fn, args, by, 'use');
  }

  /** It is used until what is returned is called. @param ended called where it ends before that @throws CallError `object-lost` */
  occupy(id: string, ended: () => void): () => void {
    const held = this.#objects.get(id);
    if (held === undefined) throw goneMeanwhile();
    const release = this.#hold(held);
    held.ends.add(ended);
    return () => {
      held.ends.delete(ended);
      release();
    };
  }

  /** Its destructor runs; the object is gone whatever comes of that. Rejects with a `CallError`. */
  async release(object: HeldObject, by: ObjectCaller): Promise<void> {
    const held = this.#objects.get(object.id);
    if (held === undefined) return;
    this.#forget(held);
    await this.#run(held, endingFunction(held.of), [], by, 'end');
  }

  /** Its threads end by themselves. */
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

  async #run(
    held: Held,
    fn: FunctionDescription,
    args: Call['args'],
    { caller, correlationId, signal }: ObjectCaller,
    does: Home['does'],
  ): Promise<CallResult> {
    const { timeLimit } = this.#options;
    // What is let go of ends, however long its thread is busy.
    const deadline = does === 'end' ? never : after(this.#now, fn.timeLimit ?? timeLimit);
    const given: readonly Value[] = args instanceof PackedArguments ? args.values : args;
    const home = { object: held.id, does };
    const release = this.#hold(held);
    try {
      return await this.exchange.invoke({
        function: fn,
        args: [held.id, ...given],
        caller,
        correlationId,
        deadline,
        home,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (error instanceof CallError && error.code === 'object-lost') this.#forget(held);
      throw error;
    } finally {
      release();
    }
  }

  #hold(held: Held): () => void {
    held.inUse++;
    return () => {
      held.inUse--;
      this.#renew(held);
    };
  }

  #renew(held: Held): void {
    if (!this.#objects.delete(held.id)) return;
    held.leaseEnds = this.#leaseFromNow();
    this.#objects.set(held.id, held);
  }

  #forget(held: Held): void {
    const { id, identity, standing } = held;
    if (!this.#objects.delete(id)) return;
    if (standing !== undefined && this.#standing.get(standing) === held) this.#standing.delete(standing);
    const left = (this.#perIdentity.get(identity) ?? 1) - 1;
    if (left === 0) this.#perIdentity.delete(identity);
    else this.#perIdentity.set(identity, left);
    for (const ended of held.ends) ended();
  }

  /** Until the first lease ends. */
  #wait(): void {
    const [first] = this.#objects.values();
    if (this.#stopWaiting !== undefined || first === undefined) return;
    this.#stopWaiting = this.#options.scheduler.after(until(first.leaseEnds, this.#now), () => {
      this.#stopWaiting = undefined;
      this.#expire();
      this.#wait();
    });
  }

  #expire(): void {
    const now = this.#now;
    for (const held of this.#objects.values()) {
      if (held.leaseEnds > now) return;
      if (held.inUse > 0) this.#renew(held);
      else this.#end(held);
    }
  }

  #end(held: Held): void {
    this.#forget(held);
    this.#letGo(held);
  }

  /** Nobody waits for what comes of it. */
  #letGo(held: Held): void {
    const { identity, of } = held;
    const by = { caller: { identity, peer: '' }, correlationId: `o-${of.method}` };
    this.#run(held, endingFunction(of), [], by, 'end').catch((error: unknown) => {
      const target = `${of.library}/${of.method}`;
      reportFault(asCallError(error), error, { target, correlationId: by.correlationId });
    });
  }

  #newlyHeld(id: string, identity: string, of: FunctionDescription, standing?: string): Held {
    return { id, identity, of, standing, leaseEnds: this.#leaseFromNow(), inUse: 0, ends: new Set() };
  }

  #keep(id: string, identity: string, of: FunctionDescription, standing?: string): Held {
    const held = this.#newlyHeld(id, identity, of, standing);
    this.#perIdentity.set(identity, (this.#perIdentity.get(identity) ?? 0) + 1);
    this.#objects.set(id, held);
    return held;
  }

  /** @param before what the sentence begins with @throws CallError `overloaded`, `rate-exceeded` */
  #checkRoom(identity: string, more: number, before: string): void {
    const { maxObjects, maxObjectsPerIdentity } = this.#options;
    if (more === 0) return;
    if (this.#objects.size + more > maxObjects) {
      throw new CallError('overloaded', `${before}there is no room for ${more} more; come back later.`, {
        retryAfter: whenFull,
      });
    }
    const own = this.#perIdentity.get(identity) ?? 0;
    if (own + more > maxObjectsPerIdentity) {
      throw new CallError(
        'rate-exceeded',
        `${before}${own} objects of ${identity} are there already, and ${maxObjectsPerIdentity} may be; let go of some (DELETE /o/…).`,
        { retryAfter: whenFull },
      );
    }
  }

  /** What a thread says is looked at: an id may be somebody else's. @throws CallError `internal-error` */
  #classOf(object: GivenObject, { function: fn, caller }: Call): FunctionDescription {
    const known = this.#objects.get(object.id);
    const isTheirs =
      known === undefined ||
      (known.identity === caller.identity && known.of.library === fn.library && known.of.version === fn.version);
    const of = fn.classes?.get(object.class);
    if (isTheirs && of !== undefined) return of;
    throw new CallError('internal-error', `A thread of ${fn.library} gave an object that it cannot have.`);
  }
}

const goneMeanwhile = (): CallError =>
  new CallError('object-lost', 'The object was let go of meanwhile; make another one.');
