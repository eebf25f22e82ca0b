/**
 * Objects that callers have made of the classes of libraries (docs/objects.md): whose they are, how long they live, and the way to the
 * thread on which each lives. All is in memory: with the gateway its objects end.
 *
 * An object's lease is renewed by each use; without one it ends, as it does on DELETE. Its id is 48 random bits and works for
 * its creator's identity alone.
 */
import { toBase64Url } from '../cbor/base64url.ts';
import type { Scheduler } from '../core/clock.ts';
import { after, never, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import { CallError } from '../functions/call-error.ts';
import { holderOf, type Call, type Caller, type CallResult, type GivenObject, type Home } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { endingFunction, makingFunction } from '../functions/object-calls.ts';
import { PackedArguments } from '../functions/packed-arguments.ts';
import { asCallError, reportFault } from './faults.ts';
import { standingOf } from './object-standing.ts';
import { ObjectLeases, type Held, type HeldObject, type ObjectSettings } from './object-leases.ts';
import { ObjectExchange, type LentObject, type ObjectInvoker, type ObjectKeeper } from './object-exchange.ts';

export interface ObjectsOptions extends ObjectSettings {
  readonly invoker: ObjectInvoker;
  readonly scheduler: Scheduler;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface ObjectCaller {
  readonly caller: Caller;
  readonly correlationId: string;
  /** Of a call of a method: aborted when nobody waits for the result any more. */
  readonly signal?: AbortSignal | undefined;
}

const idBytes = 6;

export class Objects implements ObjectKeeper {
  readonly #options: ObjectsOptions;
  /** What runs functions, where they are given objects and give some. */
  readonly exchange: ObjectExchange;
  readonly #leases: ObjectLeases;

  constructor(options: ObjectsOptions) {
    this.#options = options;
    this.#leases = new ObjectLeases({ ...options, expired: (held) => this.#letGo(held) });
    this.exchange = new ObjectExchange(options.invoker, this);
  }

  get size(): number {
    return this.#leases.size;
  }

  /**
   * Runs the constructor, unless the class says that its caller has an object already. Throws and rejects with a `CallError`.
   * @param args of the constructor, bound
   */
  async make(of: FunctionDescription, args: Call['args'], by: ObjectCaller): Promise<string> {
    const standing = standingOf(of, by.caller);
    const known = standing === undefined ? undefined : this.#leases.standing(standing);
    if (known !== undefined && (known.made !== undefined || this.#options.invoker.holds(of, known.id))) {
      await known.made;
      this.#leases.renew(known);
      return known.id;
    }
    this.#leases.checkRoom(by.caller, 1, 'No object can be made: ');
    const id = toBase64Url(this.#options.randomBytes(idBytes));
    const held = this.#leases.keep(id, by.caller, of, standing);
    try {
      held.made = this.#run(held, makingFunction(of), args, by, 'begin');
      await held.made;
      held.made = undefined;
    } catch (error) {
      this.#leases.forget(held);
      throw error;
    }
    this.#leases.wait();
    return id;
  }

  /** @throws CallError `no-such-resource`, also where it is somebody else's */
  find(id: string, caller: Caller): HeldObject {
    const held = this.held(id, caller);
    if (held !== undefined) return held;
    throw new CallError(
      'no-such-resource',
      `There is no object ${id.slice(0, 16)} of yours; one that is not used for long is let go of, and all end with the gateway.`,
    );
  }

  held(id: string, caller: Caller): HeldObject | undefined {
    const held = this.#leases.get(id);
    return held?.holder === holderOf(caller) && this.#leases.lives(held) ? held : undefined;
  }

  borrow(objects: readonly LentObject[]): () => void {
    const lent = objects.flatMap(({ id }) => this.#leases.get(id) ?? []);
    const releases = lent.map((held) => this.#leases.hold(held));
    return () => {
      for (const release of releases) release();
    };
  }

  adopt(given: readonly GivenObject[], call: Call): void {
    const classes = given.map((object) => this.#classOf(object, call));
    const fresh = given.filter(({ id }) => !this.#leases.has(id));
    try {
      this.#leases.checkRoom(
        call.caller,
        fresh.length,
        `${call.function.method} was carried out, but its result cannot be given: `,
      );
    } catch (error) {
      this.drop(given, call);
      throw error;
    }
    for (const [index, of] of classes.entries()) {
      const { id = '' } = given[index] ?? {};
      const known = this.#leases.get(id);
      if (known === undefined) this.#leases.keep(id, call.caller, of);
      else {
        // Its library knows it by the name alone, which may be somebody else's since.
        known.holder = holderOf(call.caller);
        this.#leases.renew(known);
      }
    }
    this.#leases.wait();
  }

  drop(given: readonly GivenObject[], call: Call): void {
    for (const object of given) {
      const of = call.function.classes?.get(object.class);
      if (of !== undefined && !this.#leases.has(object.id))
        this.#letGo(this.#leases.newlyHeld(object.id, call.caller, of));
    }
  }

  lose({ id }: Pick<LentObject, 'id'>): void {
    const held = this.#leases.get(id);
    if (held !== undefined) this.#leases.forget(held);
  }

  /** Calls one of its functions (functions/object-calls.ts), which renews its lease. */
  async use(object: HeldObject, fn: FunctionDescription, args: Call['args'], by: ObjectCaller): Promise<CallResult> {
    const held = this.#leases.get(object.id);
    if (held === undefined) throw goneMeanwhile();
    return await this.#run(held, fn, args, by, 'use');
  }

  /** It is used until what is returned is called. @param ended called where it ends before that @throws CallError `object-lost` */
  occupy(id: string, ended: () => void): () => void {
    const held = this.#leases.get(id);
    if (held === undefined) throw goneMeanwhile();
    const release = this.#leases.hold(held);
    held.ends.add(ended);
    return () => {
      held.ends.delete(ended);
      release();
    };
  }

  /** Its destructor runs; the object is gone whatever comes of that. Rejects with a `CallError`. */
  async release(object: HeldObject, by: ObjectCaller): Promise<void> {
    const held = this.#leases.get(object.id);
    if (held === undefined) return;
    this.#leases.forget(held);
    await this.#run(held, endingFunction(held.of), [], by, 'end');
  }

  /** Its threads end by themselves. */
  close(): void {
    this.#leases.close();
  }

  get #now(): Instant {
    return this.#options.scheduler.now();
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
    const release = this.#leases.hold(held);
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
      if (error instanceof CallError && error.code === 'object-lost') this.#leases.forget(held);
      throw error;
    } finally {
      release();
    }
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

  /** What a thread says is looked at: an id may be somebody else's. @throws CallError `internal-error` */
  #classOf(object: GivenObject, { function: fn, caller }: Call): FunctionDescription {
    const known = this.#leases.get(object.id);
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
