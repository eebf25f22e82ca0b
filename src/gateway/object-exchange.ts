/**
 * Objects as arguments and in results (docs/objects.md): it stands before all that runs functions, whichever door they are called at.
 *
 * An argument refers to an object of the caller's, of the class that is declared, of the same version of the library; the thread
 * puts the object in its place. An object in a result becomes the caller's. Libraries without classes pass by: they have neither.
 */
import { ObjectReference } from '../core/object-reference.ts';
import type { Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import { takesObjects } from '../functions/binding.ts';
import { CallError } from '../functions/call-error.ts';
import type { Call, Caller, CallResult, GivenObject, Invoker } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import type { OpenedStream, StreamOpener } from '../functions/opened-stream.ts';
import { PackedArguments } from '../functions/packed-arguments.ts';

/** What runs functions, and keeps their objects. */
export interface ObjectInvoker extends Invoker, StreamOpener {
  /** The thread on which an object of a class lives is there. */
  holds(of: FunctionDescription, object: string): boolean;
}

/** An object as an argument. */
export interface LentObject {
  readonly id: string;
  /** Its class. */
  readonly of: FunctionDescription;
}

/** Whose the objects are: objects.ts. */
export interface ObjectKeeper {
  /** Undefined where there is none of the caller's. */
  held(id: string, caller: Caller): LentObject | undefined;
  /** They are used, until what is returned is called. */
  borrow(objects: readonly LentObject[]): () => void;
  /** Those that are new become the caller's. @throws CallError where there is no room, and lets go of them */
  adopt(given: readonly GivenObject[], call: Call): void;
  /** Lets go of those that are new. */
  drop(given: readonly GivenObject[], call: Call): void;
  /** It is not there any more. */
  lose(object: LentObject): void;
}

const nothing = (): void => undefined;

export class ObjectExchange implements Invoker, StreamOpener {
  readonly #invoker: ObjectInvoker;
  readonly #keeper: ObjectKeeper;
  readonly #forJobs: boolean;

  constructor(invoker: ObjectInvoker, keeper: ObjectKeeper, forJobs = false) {
    this.#invoker = invoker;
    this.#keeper = keeper;
    this.#forJobs = forJobs;
  }

  /** The same for jobs: whoever fetches a result later is not given objects, which would be gone by then. */
  get forJobs(): Invoker {
    return new ObjectExchange(this.#invoker, this.#keeper, true);
  }

  invoke(call: Call): CallResult | Promise<CallResult> {
    return call.function.classes === undefined ? this.#invoker.invoke(call) : this.#exchange(call);
  }

  async open(call: Call, itemLimit: Milliseconds): Promise<OpenedStream> {
    const { sent, release } = this.#lend(call);
    try {
      return await this.#invoker.open(sent, itemLimit);
    } finally {
      release();
    }
  }

  async #exchange(call: Call): Promise<CallResult> {
    const { sent, release } = this.#lend(call);
    try {
      const result = await this.#invoker.invoke(sent);
      if (result.objects !== undefined) this.#take(result.objects, call);
      return result;
    } finally {
      release();
    }
  }

  /** @throws CallError `no-such-object`, `wrong-type`, `object-lost` */
  #lend(call: Call): { readonly sent: Call; readonly release: () => void } {
    const { function: fn, args, home } = call;
    if (fn.classes === undefined || !takesObjects(fn)) return { sent: call, release: nothing };
    const values = args instanceof PackedArguments ? args.values : args;
    const objects = values.flatMap((value, index) => {
      // The object that the call is for stands before its arguments.
      const parameter = fn.parameters[Math.min(home === undefined ? index : index - 1, fn.parameters.length - 1)];
      return parameter === undefined
        ? []
        : referencesIn(value).map((reference) => this.#lent(reference, parameter, call));
    });
    if (objects.length === 0) return { sent: call, release: nothing };
    return { sent: { ...call, args: PackedArguments.of(values, true) }, release: this.#keeper.borrow(objects) };
  }

  #lent(
    { id, path, classes }: ObjectReference,
    { name, id: parameterId, type }: FunctionDescription['parameters'][number],
    { function: fn, caller }: Call,
  ): LentObject {
    const details = { parameter: { name, id: parameterId }, expected: type };
    if (classes === undefined)
      throw new CallError(
        'wrong-type',
        `${name} has the object ${path} where no class is declared; give data there.`,
        details,
      );
    const must = `${name} must be an object of ${fn.library}/${classes.join(' or ')}`;
    const held = this.#keeper.held(id, caller);
    // The same answer for one that is not there and for somebody else's.
    if (held === undefined)
      throw new CallError('no-such-object', `${must}, and there is no object ${path} of yours; make one.`, details);
    const { of } = held;
    if (
      of.library !== fn.library ||
      !classes.some((known) => known === of.method || of.parents?.includes(known) === true)
    )
      throw new CallError('wrong-type', `${must}, and ${path} is one of ${of.library}/${of.method}.`, details);
    if (of.instance === 'percall')
      throw new CallError(
        'wrong-type',
        `${must} that lasts, and of ${of.method} there is one for each call; call its methods instead.`,
        details,
      );
    if (of.version !== fn.version)
      throw new CallError(
        'wrong-type',
        `${must}, and ${path} was made by another version of ${fn.library}, which was edited; make another one.`,
        details,
      );
    if (this.#invoker.holds(of, id)) return held;
    this.#keeper.lose(held);
    throw new CallError(
      'object-lost',
      `${name} was the object ${path}, which was lost with its thread; make another one.`,
    );
  }

  #take(given: readonly GivenObject[], call: Call): void {
    const { function: fn } = call;
    if (!fn.pure && !this.#forJobs) {
      this.#keeper.adopt(given, call);
      return;
    }
    this.#keeper.drop(given, call);
    const what = `The result of ${fn.library}/${fn.method} has an object of ${given[0]?.class} in it`;
    throw new CallError(
      'unencodable-result',
      fn.pure
        ? `${what}, and the function is pure: an object is its caller's alone. Leave out the promise, or give data.`
        : `${what}, and a job gives data: call the function without _job.`,
    );
  }
}

/** In an argument, at any depth. */
function referencesIn(value: Value): readonly ObjectReference[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return [];
  if (value instanceof ObjectReference) return [value];
  if (Array.isArray(value)) return value.flatMap((item: Value) => referencesIn(item));
  const parts: readonly Value[] = value instanceof Map ? [...value].flat() : Object.values(value);
  return parts.flatMap(referencesIn);
}
