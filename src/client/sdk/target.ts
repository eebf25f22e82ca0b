/** What can be called: a function or class of a library, or a method of an object. */
import type { DescribedFunction } from '../../directory/described.ts';
import type { Catalogue } from './catalogue.ts';

export interface Target {
  /** Segments. */
  readonly path: readonly string[];
  /** As errors name it: `math/add`, `bank/Account.deposit`. */
  readonly name: string;
  describe(): Promise<DescribedFunction>;
  /** The description as it is now, where the one that is known is old; undefined where it is not. */
  newer(): Promise<DescribedFunction | undefined>;
  /** What is known of it is asked for again when it is needed. */
  forget(): void;
}

export const functionTarget = (catalogue: Catalogue, library: string, method: string): Target => ({
  path: ['func', library, method],
  name: `${library}/${method}`,
  describe: async () => await catalogue.describe(library, method),
  newer: async () => await catalogue.newer(library, method),
  forget: () => catalogue.forget(library),
});

/** What an object offers is settled when it is made. */
export const fixedTarget = (path: readonly string[], name: string, fn: DescribedFunction): Target => ({
  path,
  name,
  describe: () => Promise.resolve(fn),
  newer: () => Promise.resolve(undefined),
  forget: () => undefined,
});
