/** The objects that live on a thread, and what is done with them: the names of functions/object-calls.ts. */
import { runningCall, type CallFacts, type References, type RunningCall } from '../../call-context.ts';
import type { InstanceMode, InstanceModes } from '../../description.ts';
import { classNames, isClass, type ClassNames, type Constructor } from './class-names.ts';
import { HandedObjects, NoObjects } from './handed-objects.ts';
import type { Exports } from './load-module.ts';
import { isCallable } from './load-module.ts';
import { letGo, PerCall } from './per-call.ts';
import { ObjectIds } from './object-ids.ts';
import type { Callable } from './run-call.ts';

export class ObjectTable {
  readonly #ids = new ObjectIds();
  /** The instances that are for all callers, by the names of their classes. */
  readonly #single = new Map<string, object>();
  /** Whose streams calls have opened, and the generators of theirs that wait in their `finally`. */
  readonly #ofCall = new WeakMap<RunningCall, object>();
  readonly #ending = new WeakMap<object, Set<Promise<void>>>();
  #classes: ClassNames = new Map();
  #modes: InstanceModes = new Map();

  /** The library exports a class. */
  get hasClasses(): boolean {
    return this.#classes.size > 0;
  }

  /** The exports of a library, where classes make objects. */
  callables(exports: Exports, modes: InstanceModes): Exports {
    this.#classes = classNames(exports, modes);
    this.#modes = modes;
    return new Map(
      [...exports].map(([name, value]): [string, unknown] => [
        name,
        isClass(value) && modes.has(name) ? this.#making(name, value, modes.get(name)) : value,
      ]),
    );
  }

  /** The object that an argument refers to; undefined where it is not there any more. */
  argument(id: string): object | undefined {
    return this.#ids.object(id);
  }

  /** What the objects in the result of a call become. */
  references({ caller }: CallFacts, isStream: boolean): References {
    return isStream
      ? new NoObjects(this.#classes)
      : new HandedObjects(this.#classes, this.#modes, this.#ids, caller.identity);
  }

  /** What the name of an operation does; undefined where it is none. */
  operation(method: string): Callable | undefined {
    const dot = method.indexOf('.');
    if (dot < 0) return undefined;
    const last = method.at(-1);
    if (last === '~') return (id, times) => this.#end(method.slice(0, dot), id, times);
    const name = method.slice(dot + 1, last === '?' || last === '=' ? -1 : undefined);
    if (last === '?') return (id) => this.#on(id, (object) => Reflect.get(object, name) as unknown);
    if (last === '=') {
      return (id, value) =>
        this.#on(id, (object) => {
          Reflect.set(object, name, value);
        });
    }
    return (id, ...args) => this.#on(id, calling(name, args));
  }

  /** What begins the stream of a method; undefined where the name is no method's. */
  streaming(method: string): Callable | undefined {
    const dot = method.indexOf('.');
    if (dot < 0) return undefined;
    return (id, ...args) => {
      const begin = calling(method.slice(dot + 1), args);
      const object = this.#held(id);
      if (object instanceof PerCall) return object.during(begin);
      const call = runningCall.getStore();
      if (call !== undefined) this.#ofCall.set(call, object);
      return begin(object);
    };
  }

  /** The stream that was opened by this call is closed, and its generator has not ended yet: its object ends later. */
  ending(call: RunningCall, ended: Promise<void>): void {
    const object = this.#ofCall.get(call);
    if (object === undefined) return;
    const all = this.#ending.get(object) ?? new Set();
    this.#ending.set(object, all.add(ended));
    void ended.then(() => all.delete(ended));
  }

  #making(name: string, made: Constructor, mode: InstanceMode | undefined): Callable {
    return (id, ...args) => {
      const object = this.#instance(name, made, mode, args);
      this.#ids.add(String(id), object, runningCall.getStore()?.facts.caller.identity ?? '');
    };
  }

  /** One for each identity is, for its thread, made as any other is: the gateway asks for it once. */
  #instance(name: string, made: Constructor, mode: InstanceMode | undefined, args: readonly unknown[]): object {
    if (mode === 'percall') return new PerCall(made, args);
    const object = this.#single.get(name) ?? new made(...args);
    if (object instanceof Promise) {
      // Nobody waits for it.
      object.catch(() => undefined);
      throw new TypeError(
        `The constructor of ${name} gave a promise; write a function that awaits it and returns the object.`,
      );
    }
    if (mode === 'single') this.#single.set(name, object);
    return object;
  }

  #on(id: unknown, use: (object: object) => unknown): unknown {
    const object = this.#held(id);
    return object instanceof PerCall ? object.once(use) : use(object);
  }

  #held(id: unknown): object {
    const object = this.#ids.object(id);
    if (object === undefined) throw new ReferenceError('The object is not there any more.');
    return object;
  }

  /** Nobody has it any more. The instance for all callers is let go of by itself, as the object without an id. */
  #end(name: string, id: unknown, times: unknown): Promise<undefined> | undefined {
    const single = this.#single.get(name);
    if (id === '') return single && this.#letGo(single);
    const object = this.#ids.remove(id, times);
    return object === undefined || object === single || object instanceof PerCall ? undefined : this.#letGo(object);
  }

  #letGo(object: object): Promise<undefined> | undefined {
    const ending = this.#ending.get(object);
    if (ending === undefined || ending.size === 0) return letGo(object);
    // A generator may wait for what never comes; and letting go of the object takes time too.
    const left = ((runningCall.getStore()?.facts.deadline ?? 0) - Date.now()) / 2;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, left);
    void Promise.all(ending).then(() => resolve());
    return promise.then(() => {
      clearTimeout(timer);
      return letGo(object);
    });
  }
}

/** The call of a method. */
const calling =
  (name: string, args: readonly unknown[]) =>
  (object: object): unknown => {
    const member = Reflect.get(object, name) as unknown;
    if (!isCallable(member)) throw new TypeError(`${name} is no method.`);
    return Reflect.apply(member, object, args);
  };
