/**
 * The other way round of describe.ts: what a client reads from the answers of a gateway's
 * directory. Members that are not known are ignored, so that a newer gateway may say more.
 * Every function throws PeerError `bad-description` where the answer is something else.
 */
import { seconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import type { DescribedFunction } from './described.ts';
import { readInstance, readMembers } from './read-members.ts';
import { readParameter } from './read-parameter.ts';
import { arrayOf, fieldOf, flagOf, idOf, numberOf, optionalTextOf, recordOf, textOf } from './read-value.ts';
import { readType } from './type-value.ts';

/** A library as GET /func lists it. */
export interface LibrarySummary {
  readonly name: string;
  readonly id: number | undefined;
  readonly title: string | undefined;
  /** How many functions and classes can be called. */
  readonly functions: number;
  /** Why its newest version did not load. */
  readonly error: string | undefined;
}

/** A function as GET /func/{library} lists it. */
export interface FunctionSummary {
  readonly name: string;
  readonly id: number | undefined;
  readonly title: string | undefined;
  readonly safe: boolean;
  readonly pure: boolean;
  readonly stream?: boolean;
  /** A class: POST makes objects of it. */
  readonly class?: boolean;
  readonly notCallable: string | undefined;
}

/** The libraries in the value of GET /func, by name. */
export const readDirectory = (value: Value): LibrarySummary[] =>
  Object.entries(recordOf(value, 'the list of libraries'))
    .map(([name, entry]) => {
      const record = recordOf(entry, `the library ${name}`);
      return {
        name,
        id: idOf(fieldOf(record, 'id'), `the id of ${name}`),
        title: optionalTextOf(fieldOf(record, 'title'), `the title of ${name}`),
        functions: numberOf(fieldOf(record, 'functions'), `the number of functions of ${name}`) ?? 0,
        error: optionalTextOf(fieldOf(record, 'error'), `the error of ${name}`),
      };
    })
    .toSorted(byName);

/** The functions in the value of GET /func/{library}, by name. */
export function readLibrary(value: Value): FunctionSummary[] {
  const library = recordOf(value, 'the library');
  return Object.entries(recordOf(fieldOf(library, 'functions'), 'the list of functions'))
    .map(([name, entry]) => {
      const record = recordOf(entry, `the function ${name}`);
      return {
        name,
        id: idOf(fieldOf(record, 'id'), `the id of ${name}`),
        title: optionalTextOf(fieldOf(record, 'title'), `the title of ${name}`),
        safe: flagOf(fieldOf(record, 'safe')),
        pure: flagOf(fieldOf(record, 'pure')),
        ...(flagOf(fieldOf(record, 'stream')) && { stream: true }),
        ...(flagOf(fieldOf(record, 'class')) && { class: true }),
        notCallable: optionalTextOf(fieldOf(record, 'notCallable'), `why ${name} cannot be called`),
      };
    })
    .toSorted(byName);
}

/** Why the newest version of the library did not load, in the value of GET /func/{library}. */
export const readLibraryError = (value: Value): string | undefined =>
  optionalTextOf(fieldOf(recordOf(value, 'the library'), 'error'), 'the error of the library');

/** The function or class in the value of GET /func/{library}/{method}?_describe, or the class in that of GET /o/{id}. */
export function readFunction(value: Value): DescribedFunction {
  const record = recordOf(value, 'the function');
  const ids = fieldOf(record, 'ids');
  const [libraryId, id] = ids === undefined ? [] : arrayOf(ids, 'the ids of the function');
  const title = optionalTextOf(fieldOf(record, 'title'), 'the title of the function');
  const returns = fieldOf(record, 'returns');
  const className = fieldOf(record, 'class');
  const notCallable = optionalTextOf(fieldOf(record, 'notCallable'), 'why the function cannot be called');
  return {
    library: textOf(fieldOf(record, 'library'), 'the name of the library'),
    method: textOf(className ?? fieldOf(record, 'method'), 'the name of the function'),
    libraryId: idOf(libraryId, 'the id of the library'),
    id: idOf(id, 'the id of the function'),
    parameters: arrayOf(fieldOf(record, 'parameters'), 'the list of parameters').map(readParameter),
    returns: returns === undefined ? undefined : readType(returns),
    title,
    doc: optionalTextOf(fieldOf(record, 'doc'), 'the documentation of the function') ?? title,
    safe: flagOf(fieldOf(record, 'safe')),
    pure: flagOf(fieldOf(record, 'pure')),
    ...(flagOf(fieldOf(record, 'stream')) && { stream: true }),
    maxAge: seconds(numberOf(fieldOf(record, 'maxAge'), 'the maxAge of the function') ?? 0),
    notCallable,
    ...(className !== undefined && {
      members: readMembers(record),
      instance: readInstance(record),
      notMade: notCallable,
    }),
  };
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
