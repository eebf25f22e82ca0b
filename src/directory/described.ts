/**
 * What the directory needs to know of libraries and functions, and what a client reads back from
 * their descriptions. The descriptions of functions/ have this structure and more.
 */
import type { InstanceMode, MemberDescription } from '../functions/description.ts';
import type { Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';

export type DescribedType =
  | { readonly kind: 'any' | 'null' | 'boolean' | 'bigint' | 'bytes' | 'date' }
  | { readonly kind: 'number' | 'integer'; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: 'string'; readonly minLength?: number; readonly maxLength?: number }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  /** An object of an exported class of the same library. */
  | { readonly kind: 'instance'; readonly class: string }
  | { readonly kind: 'union'; readonly options: readonly DescribedType[] }
  | { readonly kind: 'array'; readonly items: DescribedType }
  | { readonly kind: 'tuple'; readonly items: readonly DescribedType[] }
  | DescribedObject;

export interface DescribedObject {
  readonly kind: 'object';
  readonly properties: Readonly<Record<string, { readonly type: DescribedType; readonly required: boolean }>>;
  /** The type of undeclared members; undefined refuses them. */
  readonly additional: DescribedType | undefined;
}

export interface DescribedParameter {
  readonly name: string;
  /** undefined where it could not be locked: then it can be given by name and position only. */
  readonly id: number | undefined;
  readonly type: DescribedType;
  readonly required: boolean;
  readonly default?: Value;
  /** Takes all further positional arguments; `type` is the array's. */
  readonly rest: boolean;
  /** Given by name, never by position. */
  readonly keyword?: true;
  /** Takes all arguments by name that are no parameter's; `type` is that of an object of them. */
  readonly others?: true;
  readonly doc: string | undefined;
}

export interface DescribedFunction {
  readonly library: string;
  readonly method: string;
  readonly libraryId: number | undefined;
  readonly id: number | undefined;
  readonly parameters: readonly DescribedParameter[];
  readonly returns: DescribedType | undefined;
  readonly title: string | undefined;
  readonly doc: string | undefined;
  readonly safe: boolean;
  readonly pure: boolean;
  /** Gives items one after the other; `returns` is the type of one. */
  readonly stream?: boolean;
  readonly maxAge: Milliseconds;
  readonly notCallable: string | undefined;
  /** Of a class: what its objects offer. `parameters` are its constructor's. */
  readonly members?: readonly DescribedMember[] | undefined;
  /** Of a class: why its reader may use objects and make none. */
  readonly notMade?: string | undefined;
  /** Of a class: whose its objects are, where it is not one for each POST. */
  readonly instance?: InstanceMode | undefined;
}

export interface DescribedClass extends DescribedFunction {
  readonly members: readonly DescribedMember[];
}

export const isClass = (fn: DescribedFunction): fn is DescribedClass => fn.members !== undefined;

/** Called, or made objects of. */
export const isOffered = (fn: DescribedFunction): boolean =>
  isClass(fn) ? fn.notMade === undefined : fn.notCallable === undefined;

export type DescribedMember = Pick<
  MemberDescription,
  'name' | 'kind' | 'returns' | 'title' | 'doc' | 'safe' | 'stream' | 'readable' | 'writable'
> & { readonly parameters: readonly DescribedParameter[] };

export interface DescribedLibrary {
  readonly name: string;
  readonly id: number | undefined;
  readonly title: string | undefined;
  readonly functions: readonly DescribedFunction[];
  readonly error: string | undefined;
}
