/**
 * What the directory answers, as values to be encoded as CBOR or JSON. Compact for devices: what
 * is absent or false is left out, ids are the locked ones that compact paths are made of.
 *
 * GET /func: the libraries by name.
 *
 *     { "math": { id: 2, title: "Arithmetic", functions: 5 },
 *       "weather": { id: 3, functions: 0, error: "index.ts:3: unexpected token" } }
 *
 * GET /func/{library}: the library and its functions by name.
 *
 *     { id: 2, title: "Arithmetic",
 *       functions: { "add": { id: 0, title: "Adds two numbers", safe: true, pure: true },
 *                    "Matrix": { id: 5, title: "A matrix", class: true },
 *                    "walk": { id: 6, notCallable: "it is a generator …" } } }
 *
 * GET /func/{library}/{method}?_describe: the function.
 *
 *     { library: "math", method: "add", ids: [2, 0], title: "Adds two numbers", doc: "…",
 *       safe: true, pure: true, maxAge: 60,
 *       parameters: [{ name: "a", id: 0, type: "number", required: true, doc: "…" },
 *                    { name: "b", id: 1, type: { kind: "integer", minimum: 0 }, default: 1 },
 *                    { name: "more", id: 2, type: { kind: "array", items: "number" }, rest: true }],
 *       returns: "number" }
 *
 * Python's parameters may be `keyword: true` (by name only) or `others: true` (takes names that are no parameter's).
 * Of a class `notCallable` says that its reader makes no objects of it, and may be given some.
 * `stream: true`: items one after the other, each of the type `returns`. `maxAge` is in seconds as on the wire, and there only for pure functions; `doc` only where it
 * says more than the title. Types are written as type-value.ts says.
 */
import type { Value } from '../core/value.ts';
import {
  isClass,
  isOffered,
  type DescribedClass,
  type DescribedFunction,
  type DescribedLibrary,
  type DescribedParameter,
} from './described.ts';
import { typeValue } from './type-value.ts';

/** The value of GET /func. */
export const directoryValue = (libraries: readonly DescribedLibrary[]): Value =>
  Object.fromEntries(
    libraries.map((library) => [
      library.name,
      said({
        id: library.id,
        title: library.title,
        functions: library.functions.filter(isOffered).length,
        error: library.error,
      }),
    ]),
  );

/** The value of GET /func/{library}. */
export const libraryValue = (library: DescribedLibrary): Value =>
  said({
    id: library.id,
    title: library.title,
    functions: Object.fromEntries(library.functions.map((fn) => [fn.method, functionSummary(fn)])),
    error: library.error,
  });

const functionSummary = (fn: DescribedFunction): Value =>
  isClass(fn)
    ? said({ id: fn.id, title: fn.title, class: true, notCallable: fn.notMade })
    : said({
        id: fn.id,
        title: fn.title,
        safe: fn.safe,
        pure: fn.pure,
        stream: fn.stream,
        notCallable: fn.notCallable,
      });

/** The value of GET /func/{library}/{method}?_describe. */
export const functionValue = (fn: DescribedFunction): Value =>
  isClass(fn)
    ? classValue(fn)
    : said({
        library: fn.library,
        method: fn.method,
        ids: fn.libraryId === undefined || fn.id === undefined ? undefined : [fn.libraryId, fn.id],
        title: fn.title,
        doc: fn.doc === fn.title ? undefined : fn.doc,
        safe: fn.safe,
        pure: fn.pure,
        stream: fn.stream,
        maxAge: fn.pure ? fn.maxAge / 1000 : undefined,
        parameters: fn.parameters.map(parameterValue),
        returns: fn.returns && typeValue(fn.returns),
        notCallable: fn.notCallable,
      });

/**
 * The value of GET /o/{id}, and of ?_describe of a class:
 *
 *     { library: "bank", class: "Account", ids: [4, 0], title: "An account", instance: "session", parameters: [ … ],
 *       methods: { "deposit": { parameters: [ … ], returns: "number" }, "look": { safe: true, … } },
 *       attributes: { "owner": { type: "string", writable: true }, "limit": { writable: true, writeOnly: true } } }
 */
function classValue(of: DescribedClass): Value {
  const { members } = of;
  const methods = members.filter(({ kind }) => kind === 'method');
  const attributes = members.filter(({ kind }) => kind === 'attribute');
  return said({
    library: of.library,
    class: of.method,
    ids: of.libraryId === undefined || of.id === undefined ? undefined : [of.libraryId, of.id],
    title: of.title,
    doc: of.doc === of.title ? undefined : of.doc,
    instance: of.instance,
    notCallable: of.notMade,
    parameters: of.parameters.map(parameterValue),
    methods: Object.fromEntries(
      methods.map(({ name, title, doc, safe, stream, parameters, returns }) => [
        name,
        said({
          title,
          doc: doc === title ? undefined : doc,
          safe,
          stream,
          parameters: parameters.map(parameterValue),
          returns: returns && typeValue(returns),
        }),
      ]),
    ),
    attributes: Object.fromEntries(
      attributes.map(({ name, title, doc, parameters, returns, readable, writable }) => {
        const type = readable ? returns : parameters[0]?.type;
        const told = doc === title ? undefined : doc;
        return [name, said({ title, doc: told, type: type && typeValue(type), writable, writeOnly: !readable })];
      }),
    ),
  });
}

const parameterValue = (parameter: DescribedParameter): Value => ({
  ...said({
    name: parameter.name,
    id: parameter.id,
    type: typeValue(parameter.type),
    required: parameter.required,
    rest: parameter.rest,
    keyword: parameter.keyword,
    others: parameter.others,
    doc: parameter.doc,
  }),
  // A default of false is something to say.
  ...(parameter.default !== undefined && { default: parameter.default }),
});

/** Only what there is to say. */
function said(members: Readonly<Record<string, Value>>): { readonly [name: string]: Value } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== false));
}
