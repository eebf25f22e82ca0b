/** The classes that a library exports, as its thread has them. */
import { isServedName } from '../../names.ts';
import type { Exports } from './load-module.ts';

export type Constructor = new (...args: readonly unknown[]) => object;

export const isClass = (value: unknown): value is Constructor =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** What exported classes are called, by their prototypes. */
export type ClassNames = ReadonlyMap<object, string>;

/** Of a class that is exported under several names, the first in the order of the module's list is its name. */
export function classNames(exports: Exports): ClassNames {
  const names = new Map<object, string>();
  for (const [name, value] of exports) {
    if (!isServedName(name) || !isClass(value)) continue;
    const prototype: unknown = value.prototype;
    if (typeof prototype === 'object' && prototype !== null && !names.has(prototype)) names.set(prototype, name);
  }
  return names;
}
