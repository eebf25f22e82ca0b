/** The objects that live on a thread, and what is done with them: the names of functions/object-calls.ts. */
import { runningCall, type CallFacts, type References } from '../../call-context.ts';
import { classNames, isClass, type ClassNames, type Constructor } from './class-names.ts';
import { HandedObjects, NoObjects } from './handed-objects.ts';
import type { Exports } from './load-module.ts';
import { isCallable } from './load-module.ts';
import { ObjectIds } from './object-ids.ts';
import type { Callable } from './run-call.ts';

export class ObjectTable {
  readonly #ids = new ObjectIds();
  #classes: ClassNames = new Map();

  /** The library exports a class. */
  get hasClasses(): boolean {
    return this.#classes.size > 0;
  }

  /** The exports of a library, where classes make objects. */
  callables(exports: Exports): Exports {
    this.#classes = classNames(exports);
    return new Map(
      [...exports].map(([name, value]): [string, unknown] => [name, isClass(value) ? this.#making(value) : value]),
    );
  }

  /** The object that an argument refers to; undefined where it is not there any more. */
  argument(id: string): object | undefined {
    return this.#ids.object(id);
  }

  /** What the objects in the result of a call become. */
  references({ caller }: CallFacts, isStream: boolean): References {
    return isStream ? new NoObjects(this.#classes) : new HandedObjects(this.#classes, this.#ids, caller.identity);
  }

  /** What the name of an operation does; undefined where it is none. */
  operation(method: string): Callable | undefined {
    const dot = method.indexOf('.');
    if (dot < 0) return undefined;
    const last = method.at(-1);
    if (last === '~') return (id, times) => this.#end(id, times);
    const name = method.slice(dot + 1, last === '?' || last === '=' ? -1 : undefined);
    if (last === '?') return (id) => Reflect.get(this.#object(id), name) as unknown;
    if (last === '=') {
      return (id, value) => {
        Reflect.set(this.#object(id), name, value);
      };
    }
    return (id, ...args) => {
      const object = this.#object(id);
      const member = Reflect.get(object, name) as unknown;
      if (!isCallable(member)) throw new TypeError(`${name} is no method.`);
      return Reflect.apply(member, object, args);
    };
  }

  #making(made: Constructor): Callable {
    return (id, ...args) => {
      this.#ids.add(String(id), new made(...args), runningCall.getStore()?.facts.caller.identity ?? '');
    };
  }

  #object(id: unknown): object {
    const object = this.#ids.object(id);
    if (object === undefined) throw new ReferenceError('The object is not there any more.');
    return object;
  }

  /** Nobody has it any more: it is told so, where it wants to know: as `using` does, or by `close`. */
  #end(id: unknown, times: unknown): unknown {
    const object = this.#ids.remove(id, times);
    if (object === undefined) return undefined;
    for (const name of [Symbol.asyncDispose, Symbol.dispose, 'close']) {
      const end = Reflect.get(object, name) as unknown;
      if (isCallable(end)) return Promise.resolve(Reflect.apply(end, object, [])).then(() => undefined);
    }
    return undefined;
  }
}
