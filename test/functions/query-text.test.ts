import { describe, expect, test } from 'vitest';
import type { Value } from '../../src/core/value.ts';
import { bind } from '../../src/functions/binding.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import { add, failure, list, query } from './arguments.ts';
import { functionOf } from './functions-of.ts';

describe('query text', () => {
  const typed = (type: string): FunctionDescription => functionOf(`export function f(a: ${type}) {}`);
  const untyped = functionOf('export function f(a) {}', 'index.js');

  test.each<[string, string, Value]>([
    ['number', 'a=-1.5e3', -1500],
    ['number', 'a=+.5', 0.5],
    ['number', 'a=-0', 0],
    ['boolean', 'a', true],
    ['boolean', 'a=true', true],
    ['boolean', 'a=0', false],
    ['string', 'a=10', '10'],
    ['string', 'a=', ''],
    ['string', 'a=b=c', 'b=c'],
    ['bigint', 'a=123456789012345678901', 123456789012345678901n],
    ['Uint8Array', 'a=AAEC', new Uint8Array([0, 1, 2])],
    ['Date', 'a=2026-01-31T12:00:00+01:00', new Date('2026-01-31T11:00:00Z')],
    ['number[]', 'a=1', [1]],
    ['number[]', 'a=[1,2]', [1, 2]],
    ['number[]', 'a=[]', []],
    ['string[]', 'a=x', ['x']],
    ['[number, string]', 'a=[1,"x"]', [1, 'x']],
    ['{ when: Date }', 'a={"when":"2026-01-31T12:00:00Z"}', { when: new Date('2026-01-31T12:00:00Z') }],
    ["'x' | 'y'", 'a=y', 'y'],
    ['1 | 2', 'a=2.0', 2],
    ['string | number', 'a=10', 10],
    ['string | number', 'a=ten', 'ten'],
    ['string | null', 'a=null', 'null'],
    ['number | null', 'a=null', null],
    ['boolean | string', 'a=true', true],
    ['boolean | string', 'a', true],
  ])('%s: %s', (type, item, expected) => {
    expect(bind(typed(type), query(item))).toEqual([expected]);
  });

  test('is text where nothing is declared', () => {
    expect(bind(untyped, query('a=10'))).toEqual(['10']);
  });

  test('a repeated name makes a list where one is declared', () => {
    expect(bind(typed('number[]'), query('a=1', 'a=2'))).toEqual([[1, 2]]);
    expect(bind(typed('string | string[]'), query('a=x', 'a=y'))).toEqual([['x', 'y']]);
    expect(bind(typed('boolean[]'), query('a', 'a=false'))).toEqual([[true, false]]);
    expect(bind(typed('[number, string]'), query('a=1', 'a=2'))).toEqual([[1, '2']]);
  });

  test('a repeated or bare name is 4.00 anywhere else, and so is an unknown one', () => {
    for (const [fn, input] of [
      [typed('number'), query('a=1', 'a=2')],
      [typed('number'), query('a')],
      [typed('string'), query('a')],
      [untyped, query('a')],
      [typed('number'), query('a=1', 'z=2')],
      [typed('number'), query('')],
      [add, query('a=1', '0=1', 'b=2')],
    ] as const) {
      const error = failure(fn, input);
      expect([error.code, error.problem.status]).toEqual(['unknown-query', 0x80]);
    }
    expect(failure(list, query('fiel=x')).message).toMatch(/did you mean 'file'\?$/);
  });

  test.each([
    ['number', 'a=ten'],
    ['number', 'a='],
    ['number', 'a=0x10'],
    ['number', 'a=Infinity'],
    ['number', 'a=1e999'],
    ['boolean', 'a=yes'],
    ['Uint8Array', 'a=*'],
    ['Date', 'a=today'],
    ['bigint', 'a=1.5'],
    ['number[]', 'a=[1'],
    ['number[]', 'a=x'],
    ['{ x: number }', 'a={x}'],
    ["'x' | 'y'", 'a=z'],
  ])('%s: %s has the wrong type (4.22)', (type, item) => {
    const error = failure(typed(type), query(item));
    expect([error.code, error.problem.status]).toEqual(['wrong-type', 0x96]);
    expect(error.details.parameter).toEqual({ name: 'a', id: 0 });
  });
});
