/** Arguments that are objects of classes: which types take them, and what they are bound to. */
import { describe, expect, test } from 'vitest';
import { ObjectReference } from '../../src/core/object-reference.ts';
import type { Value } from '../../src/core/value.ts';
import { bind, takesObjects } from '../../src/functions/binding.ts';
import { body, failure, query } from './arguments.ts';
import { functionOf } from './functions-of.ts';

const declared = (parameters: string): ReturnType<typeof functionOf> =>
  functionOf(`export function f(${parameters}) {}
    export class Account {}
    export class Teller {}
    class Own {}
    export { Own as Named, Own as Another, Own as _Hidden };
    class Inner {}`);
const one = declared('to: Account');
const path = '/o/3kP0aZ_q';
const shown = (value: Value): unknown =>
  value instanceof ObjectReference ? [value.path, value.classes] : Array.isArray(value) ? value.map(shown) : value;

test.each<[string, boolean]>([
  ['to: Account', true],
  ['to: Account | null', true],
  ['to?: Account', true],
  ['to: Account[]', true],
  ['to: [number, Account]', true],
  ['...to: Account[]', true],
  ['to: { account: Account }', true],
  ['to: Record<string, Account>', true],
  ['to: Own', true],
  ['to: Inner', false],
  ['to: string', false],
  ['to', false],
])('f(%s) takes objects: %s', (parameters, takes) => {
  expect(takesObjects(declared(parameters))).toBe(takes);
});

describe('an object', () => {
  test.each<[string, Value]>([
    ['as the only argument', path],
    ['tagged', new ObjectReference('3kP0aZ_q')],
    ['by position', [path]],
    ['by name', { to: path }],
    ['by id', new Map<Value, Value>([[0, new ObjectReference('3kP0aZ_q')]])],
  ])('%s is a reference that says of which class it has to be', (_how, value) => {
    expect(bind(one, body(value)).map(shown)).toEqual([[path, ['Account']]]);
  });

  test('in a query is its path', () => {
    expect(bind(one, query(`to=${path}`)).map(shown)).toEqual([[path, ['Account']]]);
    expect(bind(declared('to: Account | string'), query(`to=${path}`)).map(shown)).toEqual([[path, ['Account']]]);
    expect(failure(one, query('to=ada')).code).toBe('wrong-type');
  });

  test('where several classes are declared, it may be of each', () => {
    expect(bind(declared('to: Account | Teller | null'), body([path])).map(shown)).toEqual([
      [path, ['Account', 'Teller']],
    ]);
    expect(bind(declared('to: Account | Account'), body([path])).map(shown)).toEqual([[path, ['Account']]]);
  });

  test('of a class that is exported under other names goes by the first of them', () => {
    expect(bind(declared('to: Own'), body([path])).map(shown)).toEqual([[path, ['Another']]]);
  });

  test('of a class that is not exported is no object to peers', () => {
    expect(bind(declared('to: Inner'), body([path]))).toEqual([path]);
  });

  test.each<[Value, string]>([
    ['/o/short', 'to must be an object of Account (its path, as /o/3kP0aZ_q), got "/o/short".'],
    [5, 'to must be an object of Account (its path, as /o/3kP0aZ_q), got 5.'],
    [{ id: path }, 'to must be an object of Account (its path, as /o/3kP0aZ_q), got an object.'],
  ])('is nothing else: %j', (value, message) => {
    const error = failure(one, body([value]));
    expect([error.code, error.message, error.details.expected?.kind]).toEqual(['wrong-type', message, 'instance']);
  });

  test('is not text where text is declared', () => {
    const error = failure(declared('to: Account, note: string'), body([path, new ObjectReference('AAAAAAAA')]));
    expect(error.message).toBe('note must be text, got the object /o/AAAAAAAA.');
  });
});
