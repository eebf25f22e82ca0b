/** The classes of a library that make objects, as its thread has them. */
import type { Exports } from './load-module.ts';

export type Constructor = new (...args: readonly unknown[]) => object;

export const isClass = (value: unknown): value is Constructor =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** What these classes are called, by their prototypes. */
export type ClassNames = ReadonlyMap<object, string>;

/**
 * Of a class that is exported under several names, the first in the order of the module's list is its name.
 * @param described the names of the exports that are described as classes: one that comes from another file is none
 */
export function classNames(exports: Exports, described: { has(name: string): boolean }): ClassNames {
  const names = new Map<object, string>();
  for (const [name, value] of exports) {
    if (!described.has(name) || !isClass(value)) continue;
    const prototype: unknown = value.prototype;
    if (typeof prototype === 'object' && prototype !== null && !names.has(prototype)) names.set(prototype, name);
  }
  return names;
}
