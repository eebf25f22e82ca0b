/** The objects that live on a thread, and what is done with them: the names of functions/object-calls.ts. */
import type { Exports } from './load-module.ts';
import { isCallable } from './load-module.ts';
import type { Callable } from './run-call.ts';

type Constructor = new (...args: readonly unknown[]) => object;

const isClass = (value: unknown): value is Constructor =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

export class ObjectTable {
  readonly #objects = new Map<unknown, object>();

  /** The exports of a library, where classes make objects. */
  callables(exports: Exports): Exports {
    return new Map(
      [...exports].map(([name, value]): [string, unknown] => [name, isClass(value) ? this.#making(value) : value]),
    );
  }

  /** What the name of an operation does; undefined where it is none. */
  operation(method: string): Callable | undefined {
    const dot = method.indexOf('.');
    if (dot < 0) return undefined;
    const last = method.at(-1);
    if (last === '~') return (id) => this.#end(id);
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
      this.#objects.set(id, new made(...args));
    };
  }

  #object(id: unknown): object {
    const object = this.#objects.get(id);
    if (object === undefined) throw new ReferenceError('The object is not there any more.');
    return object;
  }

  /** It is told that it is let go of, where it wants to know: as `using` does, or by `close`. */
  #end(id: unknown): unknown {
    const object = this.#objects.get(id);
    if (object === undefined) return undefined;
    this.#objects.delete(id);
    for (const name of [Symbol.asyncDispose, Symbol.dispose, 'close']) {
      const end = Reflect.get(object, name) as unknown;
      if (isCallable(end)) return Promise.resolve(Reflect.apply(end, object, [])).then(() => undefined);
    }
    return undefined;
  }
}
