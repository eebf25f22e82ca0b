/**
 * What is known of a library and its functions without running them: the vocabulary that the
 * parser, the lock file, binding, the worker pool, discovery and the cache share.
 */
import type { Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';

/**
 * The types that are checked before a function is dispatched. Whatever a declaration says
 * beyond these (refinements, transforms) is `any` here and left to the declaration itself.
 */
export type ValueType =
  | { readonly kind: 'any' }
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'number'; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: 'integer'; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'string'; readonly minLength?: number; readonly maxLength?: number }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'date' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  /** An object of an exported class of the same library. */
  | { readonly kind: 'instance'; readonly class: string }
  | { readonly kind: 'union'; readonly options: readonly ValueType[] }
  | { readonly kind: 'array'; readonly items: ValueType }
  | { readonly kind: 'tuple'; readonly items: readonly ValueType[] }
  | {
      readonly kind: 'object';
      readonly properties: Readonly<Record<string, { readonly type: ValueType; readonly required: boolean }>>;
      /** The type of undeclared members; undefined refuses them. */
      readonly additional: ValueType | undefined;
    };

export interface ParameterDescription {
  readonly name: string;
  /** From the lock file; undefined where the folder could not be locked. */
  readonly id: number | undefined;
  readonly type: ValueType;
  /** False where there is a default or the parameter may be left out. */
  readonly required: boolean;
  /** The declared default where it is a literal, so that an omitted argument and the default are one cache entry. */
  readonly default?: Value;
  /** `...rest`: takes all further positional arguments; by name, an array. `type` is the array's. */
  readonly rest: boolean;
  /** Python's keyword-only: given by name, never by position. */
  readonly keyword?: true;
  /** Python's `**others`: takes all arguments by name that are no parameter's. Its value is an object of them. */
  readonly others?: true;
  readonly doc: string | undefined;
}

export interface FunctionDescription {
  readonly library: string;
  readonly method: string;
  /** Of the library and of the method, from the lock file; undefined where it could not be locked. */
  readonly libraryId: number | undefined;
  readonly id: number | undefined;
  /** Identifies the code: a hash over the library's files. Part of every cache key. */
  readonly version: string;
  /** In the order of declaration. */
  readonly parameters: readonly ParameterDescription[];
  readonly returns: ValueType | undefined;
  /** First line of the documentation, and all of it. */
  readonly title: string | undefined;
  readonly doc: string | undefined;
  /** No side effects: GET and FETCH are allowed. */
  readonly safe: boolean;
  /** Safe, and its result may be cached for `maxAge`. */
  readonly pure: boolean;
  /** 0: computed for every call, revalidated by ETag. */
  readonly maxAge: Milliseconds;
  /** How long a result may be served stale while a fresh one is computed; 0 is never. */
  readonly staleWhileRevalidate: Milliseconds;
  /** Declared `shared: true`: one entry for all callers even though it reads who calls. */
  readonly shared: boolean;
  /** Runs in the I/O thread (trusted, trivial). */
  readonly inline: boolean;
  /** Gives items one after the other, each when it is asked for; `returns` is the type of one. Safe, and never pure. */
  readonly stream?: boolean;
  /** Overrides the pool's time limit. */
  readonly timeLimit: Milliseconds | undefined;
  /** Set where the export cannot be called (a class, a generator that is not safe), with the reason for people. It answers 4.04. */
  readonly notCallable: string | undefined;
  /** Of a class: what its objects offer. `parameters` are its constructor's, and POST makes an object. */
  readonly members?: readonly MemberDescription[] | undefined;
  /** Of a class: why nobody, or who is told of it, makes objects of it, for people; undefined where that is done. */
  readonly notMade?: string | undefined;
  /** Of a class: the exported classes of its library that it extends, the nearest first. */
  readonly parents?: readonly string[] | undefined;
  /** The classes of its library and version, by name, where there are any: it may be given objects of them, and give some. */
  readonly classes?: ReadonlyMap<string, FunctionDescription> | undefined;
  /** Of a class: whose its instances are; undefined: each POST makes one. */
  readonly instance?: InstanceMode | undefined;
}

/** One instance for all callers, one for each identity, or one for each call. */
export type InstanceMode = 'single' | 'session' | 'percall';

/** All classes of a library that make objects, by their names; undefined: each POST makes one. */
export type InstanceModes = ReadonlyMap<string, InstanceMode | undefined>;

export const instanceModesOf = (
  exports: readonly Pick<FunctionDescription, 'method' | 'members' | 'instance'>[],
): InstanceModes =>
  new Map(exports.filter(({ members }) => members !== undefined).map(({ method, instance }) => [method, instance]));

/** A method, a field or an accessor of the objects of a class. */
export interface MemberDescription {
  readonly name: string;
  readonly kind: 'method' | 'attribute';
  /** Of an attribute: the one value that it is set to. */
  readonly parameters: readonly ParameterDescription[];
  readonly returns: ValueType | undefined;
  readonly title: string | undefined;
  readonly doc: string | undefined;
  /** No side effects: GET and FETCH are allowed. */
  readonly safe: boolean;
  /** Of a method: gives items one after the other; `returns` is the type of one. */
  readonly stream?: boolean;
  /** Of an attribute. */
  readonly readable: boolean;
  readonly writable: boolean;
  readonly timeLimit: Milliseconds | undefined;
}

/** What arguments are bound to: all that a client knows of a function it calls. */
export type Signature = Pick<FunctionDescription, 'method' | 'parameters'>;

/** A library as it is served, or as it failed to load. */
export interface LibraryDescription {
  readonly name: string;
  readonly id: number | undefined;
  readonly version: string;
  readonly title: string | undefined;
  /** In the order of declaration; of the last version that loaded, none where none did. */
  readonly functions: readonly FunctionDescription[];
  /** One sentence with file and line where the newest version does not load. */
  readonly error: string | undefined;
}
