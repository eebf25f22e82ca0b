/** What a library's file says of one export, without running it. */
import type { Milliseconds } from '../../core/duration.ts';
import type { InstanceMode, MemberDescription, ParameterDescription, ValueType } from '../description.ts';

export type ExportKind =
  | 'function'
  | 'async function'
  | 'generator'
  | 'async generator'
  | 'class'
  /** `fn({ ... }, implementation)`: parameters and promises come from the declaration itself, once it has run. */
  | 'declared'
  /** A constant, a re-export: listed, never called. */
  | 'other';

/** A parameter before the lock file gave it an id. */
export type DeclaredParameter = Omit<ParameterDescription, 'id'>;

export interface DeclaredExport {
  readonly name: string;
  readonly kind: ExportKind;
  /** In the order of declaration, of a class its constructor's; empty for `declared` and `other`. */
  readonly parameters: readonly DeclaredParameter[];
  readonly returns: ValueType | undefined;
  readonly title: string | undefined;
  readonly doc: string | undefined;
  readonly safe: boolean;
  readonly pure: boolean;
  readonly shared: boolean;
  readonly inline: boolean;
  /** A generator, or declared to return an async iterable: what it gives is asked for item by item. */
  readonly stream?: boolean;
  readonly maxAge: Milliseconds;
  readonly staleWhileRevalidate: Milliseconds;
  readonly timeLimit: Milliseconds | undefined;
  /** Why it cannot be called, for people; undefined for functions and `declared`. */
  readonly notCallable: string | undefined;
  /** Of the objects of a class. */
  readonly members?: readonly MemberDescription[] | undefined;
  readonly instance?: InstanceMode | undefined;
  readonly notMade?: string | undefined;
  /** Line of the declaration, from 1. */
  readonly line: number;
}
