import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Value } from '../../src/core/value.ts';
import { bind } from '../../src/functions/binding.ts';
import { CallError } from '../../src/functions/call-error.ts';
import { add, body, list, query, total } from './arguments.ts';
import { functionOf } from './functions-of.ts';

test('all forms of a call give equal arguments', () => {
  const f = functionOf("export function f(a: number, b = 'x', c?: boolean, d: number[] = [1]) {}");
  const call = fc.record(
    {
      a: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      b: fc.string(),
      c: fc.boolean(),
      d: fc.array(fc.integer(), { maxLength: 4 }),
    },
    { requiredKeys: ['a'] },
  );
  fc.assert(
    fc.property(call, fc.boolean(), (args, spellOut) => {
      const named: Record<string, Value> = spellOut ? { b: 'x', d: [1], ...args } : { ...args };
      const names = ['a', 'b', 'c', 'd'];
      const expected = bind(f, body({ b: 'x', d: [1], ...args }));
      const byId = new Map<number, Value>(Object.entries(named).map(([name, value]) => [names.indexOf(name), value]));
      const items = Object.entries(named).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const forms: Value[] = [
        named,
        new Map<Value, Value>(Object.entries(named).toReversed()),
        byId,
        Object.fromEntries([...byId].map(([id, value]) => [String(id), value])),
        names.map((name) => named[name]),
        JSON.parse(JSON.stringify(named)) as Value,
      ];
      for (const form of forms) expect(bind(f, body(form))).toStrictEqual(expected);
      expect(bind(f, query(...items))).toStrictEqual(expected);
    }),
  );
});

test('whatever arrives either binds or is a CallError', () => {
  const functions = [
    add,
    list,
    total,
    functionOf('export function f({ x, y = 1 }: { x: number; y?: string | number }) {}'),
    functionOf('export function g(a: Date | Uint8Array | [number, bigint], b?: { k: string[] }) {}'),
  ];
  const value = fc.anything({
    withBigInt: true,
    withMap: true,
    withDate: true,
    withTypedArray: false,
  }) as fc.Arbitrary<Value>;
  fc.assert(
    fc.property(
      fc.constantFrom(...functions),
      fc.oneof(
        value.map(body),
        fc.array(fc.string()).map((items) => query(...items)),
      ),
      (fn, input) => {
        try {
          expect(Array.isArray(bind(fn, input))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(CallError);
        }
      },
    ),
    { numRuns: 500 },
  );
});
