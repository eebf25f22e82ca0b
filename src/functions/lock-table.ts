/**
 * The ids of libraries, methods and parameters as data: reading, giving out, writing.
 *
 * An id is given once and never again: an entry stays when its library, method or parameter goes, so
 * that one that comes back has its old id, and a parameter inserted in the middle takes the next free
 * number. The text is sorted by id, one method a line: two branches that gave out the same id meet
 * in a merge conflict, and two that did not, do not.
 */
import { UsageError } from '../core/error.ts';

/** What is to be given ids, in the order of declaration. */
export interface LibraryNames {
  readonly name: string;
  readonly methods: readonly { readonly name: string; readonly parameters: readonly string[] }[];
}

export interface MethodIds {
  readonly id: number;
  readonly parameters: ReadonlyMap<string, number>;
}

export interface LibraryIds {
  readonly id: number;
  readonly methods: ReadonlyMap<string, MethodIds>;
}

export type LockTable = ReadonlyMap<string, LibraryIds>;

/** Ids stay small on the wire: a library or method takes at most three bytes of CBOR, a parameter two. */
export const maxId = { library: 0xffff, method: 0xffff, parameter: 0xff } as const;

const formatVersion = 1;

/**
 * The table with an id for every name that had none. Names for which no number is left are left out.
 * The same table is returned where there is nothing to add.
 */
export function assignIds(table: LockTable, libraries: readonly LibraryNames[]): LockTable {
  let grown: Map<string, LibraryIds> | undefined;
  for (const library of libraries) {
    const known: LibraryIds | undefined = (grown ?? table).get(library.name);
    const id =
      known?.id ??
      nextId(
        [...(grown ?? table).values()].map((each) => each.id),
        maxId.library,
      );
    if (id === undefined) continue;
    const methods = assignMethods(known?.methods ?? new Map(), library.methods);
    if (known !== undefined && methods === known.methods) continue;
    grown ??= new Map(table);
    grown.set(library.name, { id, methods });
  }
  return grown ?? table;
}

function assignMethods(
  table: ReadonlyMap<string, MethodIds>,
  methods: LibraryNames['methods'],
): ReadonlyMap<string, MethodIds> {
  let grown: Map<string, MethodIds> | undefined;
  for (const method of methods) {
    const known: MethodIds | undefined = (grown ?? table).get(method.name);
    const id =
      known?.id ??
      nextId(
        [...(grown ?? table).values()].map((each) => each.id),
        maxId.method,
      );
    if (id === undefined) continue;
    const parameters = assignParameters(known?.parameters ?? new Map(), method.parameters);
    if (known !== undefined && parameters === known.parameters) continue;
    grown ??= new Map(table);
    grown.set(method.name, { id, parameters });
  }
  return grown ?? table;
}

function assignParameters(table: ReadonlyMap<string, number>, names: readonly string[]): ReadonlyMap<string, number> {
  let grown: Map<string, number> | undefined;
  for (const name of names) {
    if ((grown ?? table).has(name)) continue;
    const id = nextId([...(grown ?? table).values()], maxId.parameter);
    if (id === undefined) continue;
    grown ??= new Map(table);
    grown.set(name, id);
  }
  return grown ?? table;
}

/** One more than the largest: a number in a gap may have been somebody's. */
function nextId(taken: readonly number[], largest: number): number | undefined {
  let next = 0;
  for (const id of taken) if (id >= next) next = id + 1;
  return next <= largest ? next : undefined;
}

/** Whether every name has its id. */
export const isComplete = (table: LockTable, libraries: readonly LibraryNames[]): boolean =>
  libraries.every((library) => isFull(table.get(library.name), library));

const isFull = (ids: LibraryIds | undefined, library: LibraryNames): boolean =>
  ids !== undefined &&
  library.methods.every((method) => {
    const known = ids.methods.get(method.name);
    return known !== undefined && method.parameters.every((name) => known.parameters.has(name));
  });

/**
 * What `newer` says, and of `older` what `newer` does not know and has not given to another:
 * an id that is in use here outlives a file that was put back to an earlier state.
 */
export function mergeTables(newer: LockTable, older: LockTable): LockTable {
  const merged = new Map(newer);
  const taken = new Set([...newer.values()].map((library) => library.id));
  for (const [name, library] of older) {
    const known = merged.get(name);
    if (known !== undefined) merged.set(name, { id: known.id, methods: mergeMethods(known.methods, library.methods) });
    else if (!taken.has(library.id)) merged.set(name, library);
  }
  return merged;
}

function mergeMethods(
  newer: ReadonlyMap<string, MethodIds>,
  older: ReadonlyMap<string, MethodIds>,
): ReadonlyMap<string, MethodIds> {
  const merged = new Map(newer);
  const taken = new Set([...newer.values()].map((method) => method.id));
  for (const [name, method] of older) {
    const known = merged.get(name);
    if (known === undefined) {
      if (!taken.has(method.id)) merged.set(name, method);
      continue;
    }
    const parameters = new Map(known.parameters);
    const given = new Set(parameters.values());
    for (const [parameter, id] of method.parameters) {
      if (!parameters.has(parameter) && !given.has(id)) parameters.set(parameter, id);
    }
    merged.set(name, { id: known.id, parameters });
  }
  return merged;
}

/** JSON, sorted by id, one method a line, a line feed at the end. Equal tables are equal text. */
export function formatTable(table: LockTable): string {
  const libraries = byId(table, (library) => library.id).map(([name, library]) => {
    const methods = byId(library.methods, (method) => method.id).map(([method, { id, parameters }]) => {
      const list = byId(parameters, (each) => each).map(([parameter, each]) => `${JSON.stringify(parameter)}: ${each}`);
      const braces = list.length === 0 ? '{}' : `{ ${list.join(', ')} }`;
      return `        ${JSON.stringify(method)}: { "id": ${id}, "parameters": ${braces} }`;
    });
    return `    ${JSON.stringify(name)}: {\n      "id": ${library.id},\n      "methods": ${block(methods, 6)}\n    }`;
  });
  return `{\n  "version": ${formatVersion},\n  "libraries": ${block(libraries, 2)}\n}\n`;
}

const block = (lines: readonly string[], indent: number): string =>
  lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${' '.repeat(indent)}}`;

const byId = <T>(entries: ReadonlyMap<string, T>, idOf: (entry: T) => number): [string, T][] =>
  [...entries].toSorted(([, a], [, b]) => idOf(a) - idOf(b));

/**
 * @param file its name, for errors
 * @throws UsageError `lock-file`, with what is wrong and how to mend it
 */
export function parseTable(text: string, file: string): LockTable {
  const refuse = (what: string): never => {
    throw new UsageError(
      'lock-file',
      `${file} ${what}. Put it back from version control or mend that place; funcoap does not overwrite it, because firmware may rely on its ids.`,
    );
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    return /^(?:<{7}|={7}|>{7})/m.test(text)
      ? refuse(
          'holds the marks of a merge conflict: both sides gave out the same id; keep the entries that are released already and delete the others, which get new ids',
        )
      : refuse(`is not JSON (${cause instanceof Error ? cause.message : 'unreadable'})`);
  }
  const root = membersOf(parsed, ['version', 'libraries']) ?? refuse('must hold "version" and "libraries"');
  if (root['version'] !== formatVersion)
    refuse(
      `has version ${JSON.stringify(root['version'])}, and this funcoap reads version ${formatVersion}: it may be from a newer one`,
    );
  const readMap = <T>(
    value: unknown,
    where: string,
    largest: number,
    read: (entry: unknown, at: string) => { id: unknown; entry: T },
  ): Map<string, T> => {
    const members = membersOf(value) ?? refuse(`must hold an object at ${where}`);
    const owners = new Map<number, string>();
    const entries = new Map<string, T>();
    for (const [name, member] of Object.entries(members)) {
      const { id, entry } = read(member, `${where}.${name}`);
      if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > largest) {
        return refuse(`must hold an id from 0 to ${largest} at ${where}.${name}`);
      }
      const owner = owners.get(id);
      if (owner !== undefined)
        refuse(
          `gives the id ${id} to both '${owner}' and '${name}' at ${where}: delete the one that was not released yet, and it gets a new id`,
        );
      owners.set(id, name);
      entries.set(name, entry);
    }
    return entries;
  };
  const readParameter = (id: unknown): { id: unknown; entry: number } => ({
    id,
    entry: typeof id === 'number' ? id : -1,
  });
  const readMethod = (value: unknown, at: string): { id: unknown; entry: MethodIds } => {
    const method = membersOf(value, ['id', 'parameters']) ?? refuse(`must hold "id" and "parameters" at ${at}`);
    const parameters = readMap(method['parameters'], `${at}.parameters`, maxId.parameter, readParameter);
    return { id: method['id'], entry: { id: Number(method['id']), parameters } };
  };
  const readLibrary = (value: unknown, at: string): { id: unknown; entry: LibraryIds } => {
    const library = membersOf(value, ['id', 'methods']) ?? refuse(`must hold "id" and "methods" at ${at}`);
    const methods = readMap(library['methods'], `${at}.methods`, maxId.method, readMethod);
    return { id: library['id'], entry: { id: Number(library['id']), methods } };
  };
  return readMap(root['libraries'], 'libraries', maxId.library, readLibrary);
}

/** An object's members; with `names`, only of an object that has exactly these. */
function membersOf(value: unknown, names?: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  const exact =
    names === undefined ||
    (Object.keys(members).length === names.length && names.every((name) => Object.hasOwn(members, name)));
  return exact ? members : undefined;
}
