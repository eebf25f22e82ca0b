/** What a path names and what decides about a call, in no protocol's words: every door asks here, so that all decide alike. */
import type { CachedResult, EncodedResult } from '../cache/cacheable.ts';
import type { Instant } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { CallError } from '../functions/call-error.ts';
import type { FunctionDescription, LibraryDescription } from '../functions/description.ts';
import { shown } from '../functions/names.ts';

/** A function as a path names it: by two names or by two ids. */
export type Named =
  | { readonly library: string; readonly method: string }
  | { readonly library: number; readonly id: number };

/** Finds functions by the names or the numbers in a path. */
export interface FunctionDirectory {
  /** A change of this library that must be waited for, so that an edit takes effect on the next call. */
  pending(library: string | number, now: Instant): Promise<void> | undefined;
  /** As long as it is the same, `find` and `findById` give the same. */
  readonly revision: number;
  /** @throws CallError `no-such-library`, `no-such-method`, `not-callable`, `library-failed`, `not-ready` */
  find(library: string, method: string): FunctionDescription;
  findById(libraryId: number, methodId: number): FunctionDescription;
  /** A class, whose objects can be made; undefined where it is none. */
  findClass?(library: string | number, method: string | number): FunctionDescription | undefined;
}

/** @param path `func`, library, method, or `f` and two ids @throws CallError `no-such-method` */
export function namedBy(path: readonly string[]): Named {
  const [root, library = '', name = '', ...rest] = path;
  if (rest.length > 0) {
    throw new CallError(
      'no-such-method',
      `/${shown(path.join('/'))} is longer than a function's path: /func/{library}/{method}.`,
    );
  }
  if (root === 'func') return { library, method: name };
  const [libraryId, id] = [idOf(library), idOf(name)];
  if (libraryId === undefined || id === undefined) {
    throw new CallError(
      'no-such-method',
      `/${shown(path.join('/'))} is no compact path: /f/{library id}/{method id}, both numbers; GET /func tells those of libraries.`,
    );
  }
  return { library: libraryId, id };
}

/** The library that `/func/{library}` or `/f/{library id}` names, by name or id. Undefined: all of them. @throws CallError `no-such-library` */
export function libraryNamedBy([root, library]: readonly string[]): string | number | undefined {
  if (library === undefined || root === 'func') return library;
  const id = idOf(library);
  if (id === undefined) throw noSuchLibrary(library);
  return id;
}

/** Of those that a caller may know of. @throws CallError `no-such-library` */
export function findLibrary(libraries: readonly LibraryDescription[], named: string | number): LibraryDescription {
  const found = libraries.find(({ name, id }) => named === name || named === id);
  if (found === undefined) throw noSuchLibrary(named);
  return found;
}

const noSuchLibrary = (named: string | number): CallError =>
  new CallError('no-such-library', `There is no library ${named}; GET /func lists those there are.`);

/** @throws CallError as the directory does */
export const findNamed = (directory: FunctionDirectory, named: Named): FunctionDescription =>
  'id' in named ? directory.findById(named.library, named.id) : directory.find(named.library, named.method);

/** The class that is named; undefined where it is none. */
export const classNamed = (directory: FunctionDirectory, named: Named): FunctionDescription | undefined =>
  directory.findClass?.(named.library, 'id' in named ? named.id : named.method);

/** A method that promises to change nothing calls safe functions only. @throws CallError `not-safe` */
export function checkSafe(fn: FunctionDescription): void {
  if (!fn.safe) throw new CallError('not-safe', `${fn.library}/${fn.method} has side effects: call it with POST.`);
}

/** Of a request that has a body. @throws CallError `bad-request`, `arguments-twice` */
export function checkPlace(isGet: boolean, argumentItems: readonly string[]): void {
  if (isGet) {
    throw new CallError('bad-request', 'A GET has no body: give arguments in the query, or use FETCH.');
  }
  if (argumentItems.length > 0) {
    throw new CallError('arguments-twice', 'Arguments are in both the query and the body; give them in one place.');
  }
}

/** @throws CallError `unencodable-result` */
export function representationOf(result: Pick<CachedResult, 'representation'>, format: number): EncodedResult {
  try {
    return result.representation(format);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new CallError('unencodable-result', `The function's result cannot be sent: ${error.message}`, {
      cause: error,
    });
  }
}

function idOf(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
}

/** It was observed, and has been changed. */
export const notPure = ({ library, method }: FunctionDescription): CallError =>
  new CallError('not-safe', `${library}/${method} is not pure any more, so that there is nothing to observe: call it.`);
