/** What is served, as data: functions by name and by locked id. The registry keeps it up to date. */
import { CallError } from './call-error.ts';
import type { FunctionDescription, LibraryDescription } from './description.ts';
import type { LibraryVersion } from './library-version.ts';
import type { LibraryIds } from './lock-table.ts';

/** A library as it is served: the last version that loaded, and why the newest did not. */
export interface Shown {
  readonly name: string;
  readonly current: LibraryVersion | undefined;
  readonly error: string | undefined;
}

interface Entry {
  readonly description: LibraryDescription;
  readonly byName: ReadonlyMap<string, FunctionDescription>;
  readonly byId: ReadonlyMap<number, FunctionDescription>;
}

export class LibraryCatalogue {
  readonly #entries = new Map<string, Entry>();
  readonly #names = new Map<number, string>();
  #list: readonly LibraryDescription[] | undefined;
  /** Another number means that what `find` said before may be out of date. */
  revision = 0;

  show({ name, current, error }: Shown, ids: LibraryIds | undefined): void {
    const exports = current?.exports ?? [];
    const classes = exports.some(({ members }) => members !== undefined)
      ? new Map<string, FunctionDescription>()
      : undefined;
    const functions = exports.map((exported): FunctionDescription => {
      const own = ids?.methods.get(exported.method);
      return {
        ...exported,
        library: name,
        libraryId: ids?.id,
        id: own?.id,
        version: current?.version ?? '',
        parameters: exported.parameters.map((parameter) => ({ ...parameter, id: own?.parameters.get(parameter.name) })),
        ...(classes !== undefined && { classes }),
      };
    });
    for (const fn of functions) if (fn.members !== undefined) classes?.set(fn.method, fn);
    this.#entries.set(name, {
      description: { name, id: ids?.id, version: current?.version ?? '', title: current?.title, functions, error },
      byName: new Map(functions.map((fn) => [fn.method, fn])),
      byId: new Map(
        functions.flatMap((fn): [number, FunctionDescription][] => (fn.id === undefined ? [] : [[fn.id, fn]])),
      ),
    });
    if (ids !== undefined) this.#names.set(ids.id, name);
    this.#list = undefined;
    this.revision++;
  }

  remove(name: string): void {
    const id = this.#entries.get(name)?.description.id;
    if (id !== undefined) this.#names.delete(id);
    this.#entries.delete(name);
    this.#list = undefined;
    this.revision++;
  }

  /** Undefined where there is none. @throws CallError 'not-callable' */
  find(library: string, method: string): FunctionDescription | undefined {
    return callable(this.#entries.get(library)?.byName.get(method));
  }

  /** Undefined where there is none. @throws CallError 'not-callable' */
  findById(libraryId: number, id: number): FunctionDescription | undefined {
    return callable(this.#entries.get(this.nameOf(libraryId) ?? '')?.byId.get(id));
  }

  /** Undefined where there is no such class. */
  findClass(library: string | number, method: string | number): FunctionDescription | undefined {
    const entry = this.#entries.get(typeof library === 'string' ? library : (this.nameOf(library) ?? ''));
    const found = typeof method === 'string' ? entry?.byName.get(method) : entry?.byId.get(method);
    return found?.members === undefined ? undefined : found;
  }

  nameOf(libraryId: number): string | undefined {
    return this.#names.get(libraryId);
  }

  /** How many functions a library lists. */
  sizeOf(library: string): number {
    return this.#entries.get(library)?.byName.size ?? 0;
  }

  /** Sorted by name; also those that do not load. */
  libraries(): readonly LibraryDescription[] {
    this.#list ??= Object.freeze(
      [...this.#entries.values()].map((entry) => entry.description).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
    return this.#list;
  }
}

function callable(fn: FunctionDescription | undefined): FunctionDescription | undefined {
  if (fn?.notCallable === undefined) return fn;
  throw new CallError('not-callable', `${fn.library}/${fn.method} cannot be called: ${fn.notCallable}.`);
}
