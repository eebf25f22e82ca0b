/** The objects that stand for a gateway, its libraries and its functions. They know names only; calls.ts does the work. */
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import { memberText, signatureText } from '../../directory/signature-text.ts';
import type { Argument } from './arguments.ts';
import { batchWith } from './batch.ts';
import { withOptions, type CallOptions } from './call-options.ts';
import type { Calls } from './calls.ts';
import { watchedOf, type WatchOptions } from './followed-calls.ts';
import { jobOf, type Job } from './job.ts';
import { idIn } from './own-path.ts';
import type { Outcome } from './outcome.ts';
import type { Connection, ConnectionControls } from './connection-controls.ts';
import { objectAt, outcomeOfCall } from './remote-calls.ts';
import { functionTarget, type Target } from './target.ts';
import type { RemoteFunction, RemoteLibraries, RemoteLibrary } from './remote-function.ts';

export function connectionOf(calls: Calls, options: CallOptions): Connection {
  const controls: ConnectionControls<RemoteLibraries> = {
    $batch: batchWith<RemoteLibraries>(calls, options),
    $with: (changes) => connectionOf(calls, withOptions(options, changes)),
    $libraries: async () => {
      await calls.catalogue.refresh();
      return calls.catalogue.libraries;
    },
    $functions: async (library) => await calls.catalogue.functions(library),
    $job: <Result>(uri: string) =>
      // What it gives is known to whoever made it.
      jobOf(calls, idIn(uri, calls.door.origin, 'j'), options) as Job<Result>,
    $object: async (uri) => await objectAt(calls, idIn(uri, calls.door.origin, 'o'), options),
    $ping: async () => await calls.door.ping(),
    $close: async () => await calls.close(),
    [Symbol.asyncDispose]: async () => await calls.close(),
  };
  const libraries = byName((name) => libraryOf(calls, name, options));
  return new Proxy(controls, {
    get: (target, name): unknown =>
      typeof name === 'symbol' || name.startsWith('$') ? Reflect.get(target, name) : libraries(name),
    has: (target, name) => Reflect.has(target, name) || isOffered(calls, name),
    ownKeys: () => calls.catalogue.libraries.map(({ name }) => name),
    getOwnPropertyDescriptor: (_target, name) =>
      typeof name === 'string' && isOffered(calls, name)
        ? { configurable: true, enumerable: true, value: libraries(name) }
        : undefined,
    set: () => false,
  }) as unknown as Connection;
}

const isOffered = (calls: Calls, name: string | symbol): boolean =>
  calls.catalogue.libraries.some((library) => library.name === name);

/** What is made for each name once. `await` asks whatever it is given for `then`: nothing here is a promise. */
function byName<T>(make: (name: string) => T): (name: string) => T | undefined {
  const made = new Map<string, T>();
  return (name) => {
    if (name === 'then') return undefined;
    const found = made.get(name) ?? make(name);
    // A program that makes up names must not fill the memory.
    if (made.size < maxMade) made.set(name, found);
    return found;
  };
}

const maxMade = 10_000;

function libraryOf(calls: Calls, library: string, options: CallOptions): RemoteLibrary {
  const functions = byName((method) => functionOf(calls, functionTarget(calls.catalogue, library, method), options));
  return new Proxy<RemoteLibrary>(
    {},
    {
      get: (target, name): unknown => (typeof name === 'symbol' ? Reflect.get(target, name) : functions(name)),
      set: () => false,
    },
  );
}

type NamedOrListed = readonly Argument[] | Readonly<Record<string, Argument>>;

const isList = (given: NamedOrListed): given is readonly Argument[] => Array.isArray(given);

function functionOf(calls: Calls, target: Target, options: CallOptions): RemoteFunction {
  const call = (...args: readonly Argument[]): Outcome<Value> => outcomeOfCall(calls, target, args, options);
  const watch = (given: NamedOrListed = [], how: Partial<WatchOptions> = {}): AsyncIterable<Value> =>
    watchedOf({ calls, target, args: isList(given) ? given : [given], options }, how);
  return Object.assign(call, {
    watch,
    job: async (...args: readonly Argument[]) => jobOf(calls, await calls.submit(target, args, options), options),
    with: (changes: Partial<CallOptions>) => functionOf(calls, target, withOptions(options, changes)),
    describe: async () => await target.describe(),
    help: async () => helpOf(await target.describe()),
  });
}

/** Signature and documentation; of a class, those of its members too. */
export function helpOf(fn: DescribedFunction): string {
  const parts = [signatureText(fn), fn.doc, fn.members?.map(memberText).join('\n')];
  return parts.filter((part) => part !== undefined && part !== '').join('\n\n');
}
