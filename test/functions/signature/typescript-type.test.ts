import { describe, expect, test } from 'vitest';
import type { ValueType } from '../../../src/functions/description.ts';
import { only, read } from './read.ts';

const typeOf = (annotation: string, more = ''): ValueType | undefined =>
  read(`${more}\nexport function f(a: ${annotation}) {}`).find((e) => e.name === 'f')?.parameters[0]?.type;

describe('TypeScript types', () => {
  const number: ValueType = { kind: 'number' };
  const string: ValueType = { kind: 'string' };
  const cases: [string, ValueType][] = [
    ['number', number],
    ['string', string],
    ['boolean', { kind: 'boolean' }],
    ['bigint', { kind: 'bigint' }],
    ['null', { kind: 'null' }],
    ['unknown', { kind: 'any' }],
    ['Uint8Array', { kind: 'bytes' }],
    ['Date', { kind: 'date' }],
    ['-1', { kind: 'literal', value: -1 }],
    ["'a'", { kind: 'literal', value: 'a' }],
    ['true', { kind: 'literal', value: true }],
    ['`a${string}`', string],
    ['number[]', { kind: 'array', items: number }],
    ['readonly (number)[]', { kind: 'array', items: number }],
    ['Array<string>', { kind: 'array', items: string }],
    ['ReadonlyArray<string>', { kind: 'array', items: string }],
    ['[number, name: string]', { kind: 'tuple', items: [number, string] }],
    ['[number, ...string[]]', { kind: 'array', items: { kind: 'any' } }],
    ['number | string', { kind: 'union', options: [number, string] }],
    ['number | number', number],
    ['number | any', { kind: 'any' }],
    ['object', { kind: 'object', properties: {}, additional: { kind: 'any' } }],
    ['Record<string, number>', { kind: 'object', properties: {}, additional: number }],
    [
      "Record<'a' | 'b', number>",
      {
        kind: 'object',
        properties: { a: { type: number, required: true }, b: { type: number, required: true } },
        additional: undefined,
      },
    ],
    [
      '{ x: number; y?: string }',
      {
        kind: 'object',
        properties: { x: { type: number, required: true }, y: { type: string, required: false } },
        additional: undefined,
      },
    ],
    ['{ [name: string]: number }', { kind: 'object', properties: {}, additional: number }],
    [
      '{ a: number } & { b: string }',
      {
        kind: 'object',
        properties: { a: { type: number, required: true }, b: { type: string, required: true } },
        additional: undefined,
      },
    ],
    [
      'Partial<{ a: number }>',
      { kind: 'object', properties: { a: { type: number, required: false } }, additional: undefined },
    ],
    ['{}', { kind: 'any' }],
    ['Map<string, number>', { kind: 'any' }],
    ['Imported', { kind: 'any' }],
    ['keyof Imported', { kind: 'any' }],
  ];
  test.each(cases)('%s', (annotation, expected) => {
    expect(typeOf(annotation)).toEqual(expected);
  });

  test('aliases and interfaces of the file are followed', () => {
    expect(typeOf('L', "type L = M | 'b'; type M = 'a';")).toEqual({
      kind: 'union',
      options: [
        { kind: 'literal', value: 'a' },
        { kind: 'literal', value: 'b' },
      ],
    });
    expect(
      typeOf('P', 'interface Q { x: string; z: boolean } export interface P extends Q { x: string; y?: number }'),
    ).toEqual({
      kind: 'object',
      properties: {
        x: { type: string, required: true },
        z: { type: { kind: 'boolean' }, required: true },
        y: { type: number, required: false },
      },
      additional: undefined,
    });
  });

  test('a recursive type is any where it meets itself', () => {
    expect(typeOf('T', 'interface T { v: number; next?: T }')).toEqual({
      kind: 'object',
      properties: { v: { type: number, required: true }, next: { type: { kind: 'any' }, required: false } },
      additional: undefined,
    });
    expect(typeOf('A', 'type A = B; type B = A;')).toEqual({ kind: 'any' });
  });

  test('a name that the file takes for itself is not the built-in', () => {
    expect(typeOf('Date', 'class Date {}')).toEqual({ kind: 'any' });
    expect(typeOf('Date', 'type Date = string;')).toEqual(string);
    expect(typeOf('Date', "import { Date } from './x.ts';")).toEqual({ kind: 'any' });
  });

  test('a type parameter is any, also where an alias has its name', () => {
    expect(only('type T = number;\nexport function f<T>(a: T) {}').parameters[0]?.type).toEqual({ kind: 'any' });
  });

  test('types that double with every line are read in no time', () => {
    const lines = Array.from({ length: 200 }, (_, i) => `type T${i} = { a: T${i + 1}; b: T${i + 1} };`);
    expect(typeOf('T0', `${lines.join('\n')} type T200 = number;`)?.kind).toBe('object');
  });
});
