/** Libraries to lock, and a look at their ids, for tests. */
import type { LibraryNames, LockTable } from '../../src/functions/lock-table.ts';

export const library = (name: string, methods: Readonly<Record<string, readonly string[]>>): LibraryNames => ({
  name,
  methods: Object.entries(methods).map(([method, parameters]) => ({ name: method, parameters })),
});

export const math: LibraryNames = library('math', { add: ['a', 'b'], sub: ['a', 'b'] });
export const oslist: LibraryNames = library('oslist', { list: ['databasefile'] });

/** `math 0, math.add 0, math.add.a 0, …` */
export function flat(table: LockTable): Map<string, number> {
  const all = new Map<string, number>();
  for (const [name, { id, methods }] of table) {
    all.set(name, id);
    for (const [method, entry] of methods) {
      all.set(`${name}.${method}`, entry.id);
      for (const [parameter, each] of entry.parameters) all.set(`${name}.${method}.${parameter}`, each);
    }
  }
  return all;
}
