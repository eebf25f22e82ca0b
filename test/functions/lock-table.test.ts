import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignIds, formatTable, parseTable, type LockTable } from '../../src/functions/lock-table.ts';
import { flat } from './lock-names.ts';

test('ids never change and never repeat, whatever is added, removed and reordered', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'constructor', '0', '7');
  const names = fc.uniqueArray(name, { maxLength: 5 });
  const libraries = fc.uniqueArray(
    fc.record({
      name,
      methods: fc.uniqueArray(fc.record({ name, parameters: names }), { selector: (m) => m.name, maxLength: 4 }),
    }),
    { selector: (l) => l.name, maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.array(libraries, { maxLength: 8 }), (history) => {
      let table: LockTable = new Map();
      const given = new Map<string, number>();
      for (const state of history) {
        table = parseTable(formatTable(assignIds(table, state)), 'x');
        const now = flat(table);
        for (const [each, id] of given) expect(now.get(each)).toBe(id);
        for (const [each, id] of now) given.set(each, id);
        for (const each of state) expect(now.has(each.name)).toBe(true);
        const scopes = [...given].map(
          ([each, id]) => `${each.split('.').length} ${each.split('.').slice(0, -1).join('.')} ${id}`,
        );
        expect(new Set(scopes).size).toBe(scopes.length);
      }
    }),
  );
});
