import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parametersFromJsonSchema, typeFromJsonSchema } from '../../../src/functions/signature/json-schema.ts';
import { zodSchemaOptions } from '../../../src/functions/signature/zod-schema.ts';
import { UsageError } from '../../../src/core/error.ts';
import type { ValueType } from '../../../src/functions/description.ts';
import type { DeclaredParameter } from '../../../src/functions/signature/declared-export.ts';

const typeOf = (schema: z.ZodType): ValueType => typeFromJsonSchema(z.toJSONSchema(schema, zodSchemaOptions('input')));

function parameterOf(schema: z.ZodType): DeclaredParameter | undefined {
  return parametersFromJsonSchema(z.toJSONSchema(z.object({ a: schema }), zodSchemaOptions('input')))[0];
}

const number: ValueType = { kind: 'number' };
const string: ValueType = { kind: 'string' };
const any: ValueType = { kind: 'any' };

describe('types of Zod declarations', () => {
  const cases: [string, z.ZodType, ValueType][] = [
    ['number', z.number(), number],
    ['number with bounds', z.number().min(1).max(5), { kind: 'number', minimum: 1, maximum: 5 }],
    ['number with an open bound', z.number().gt(3), number],
    ['int', z.int(), { kind: 'integer' }],
    ['int32', z.int32(), { kind: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }],
    ['string', z.string(), string],
    ['string with lengths', z.string().min(1).max(9), { kind: 'string', minLength: 1, maxLength: 9 }],
    ['email', z.email(), string],
    ['ISO date and time as text', z.iso.datetime(), string],
    ['boolean', z.boolean(), { kind: 'boolean' }],
    ['null', z.null(), { kind: 'null' }],
    ['bigint', z.bigint(), { kind: 'bigint' }],
    ['date', z.date(), { kind: 'date' }],
    ['bytes', z.instanceof(Uint8Array), { kind: 'bytes' }],
    ['bytes with a description', z.instanceof(Uint8Array).describe('raw'), { kind: 'bytes' }],
    ['bytes by format', z.custom<Uint8Array>().meta({ type: 'string', format: 'bytes' }), { kind: 'bytes' }],
    ['literal', z.literal('x'), { kind: 'literal', value: 'x' }],
    ['literal null', z.literal(null), { kind: 'null' }],
    [
      'enum',
      z.enum(['x', 'y']),
      {
        kind: 'union',
        options: [
          { kind: 'literal', value: 'x' },
          { kind: 'literal', value: 'y' },
        ],
      },
    ],
    ['union', z.union([z.string(), z.number()]), { kind: 'union', options: [string, number] }],
    ['nullable', z.number().nullable(), { kind: 'union', options: [number, { kind: 'null' }] }],
    ['array', z.array(z.number()), { kind: 'array', items: number }],
    ['tuple', z.tuple([z.string(), z.number()]), { kind: 'tuple', items: [string, number] }],
    ['tuple with rest', z.tuple([z.string()], z.number()), { kind: 'array', items: any }],
    ['record', z.record(z.string(), z.number()), { kind: 'object', properties: {}, additional: number }],
    [
      'object',
      z.object({ a: z.number(), b: z.string().optional() }),
      {
        kind: 'object',
        properties: { a: { type: number, required: true }, b: { type: string, required: false } },
        additional: any,
      },
    ],
    [
      'strict object',
      z.strictObject({ a: z.number() }),
      { kind: 'object', properties: { a: { type: number, required: true } }, additional: undefined },
    ],
    [
      'intersection',
      z.intersection(z.strictObject({ a: z.number() }), z.strictObject({ b: z.string() })),
      {
        kind: 'object',
        properties: { a: { type: number, required: true }, b: { type: string, required: true } },
        additional: undefined,
      },
    ],
    ['the input of a transform', z.string().transform((text) => text.length), string],
    ['coercion, which takes anything', z.coerce.number(), any],
    ['coercion to a boolean, which makes true of the text "false"', z.coerce.boolean(), { kind: 'boolean' }],
    ['date by its class', z.instanceof(Date), { kind: 'date' }],
    ['map by its class', z.instanceof(Map), any],
    ['preprocessing, which takes anything', z.preprocess((x) => x, z.number()), any],
    ['catch, which takes anything', z.number().catch(1), any],
    ['any', z.any(), any],
    ['set', z.set(z.string()), any],
  ];
  test.each(cases)('%s', (_name, schema, expected) => {
    expect(typeOf(schema)).toEqual(expected);
  });

  test('a recursive declaration is any where it meets itself', () => {
    const node: z.ZodType = z.object({
      v: z.number(),
      get next(): z.ZodOptional<z.ZodType> {
        return z.optional(node);
      },
    });
    expect(typeOf(node)).toEqual({
      kind: 'object',
      properties: { v: { type: number, required: true }, next: { type: any, required: false } },
      additional: any,
    });
  });

  test('of results, coercion, catch and preprocessing give what they give', () => {
    const resultOf = (schema: z.ZodType): ValueType =>
      typeFromJsonSchema(z.toJSONSchema(schema, zodSchemaOptions('output')));
    expect(resultOf(z.coerce.number())).toEqual(number);
    expect(resultOf(z.coerce.date())).toEqual({ kind: 'date' });
    expect(resultOf(z.number().catch(1))).toEqual(number);
    expect(resultOf(z.preprocess((x) => x, z.number()))).toEqual(number);
    expect(resultOf(z.string().transform((text) => text.length))).toEqual(any);
  });

  test('references inside the schema are followed', () => {
    const schema = { type: 'object', properties: { a: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'number' } } };
    expect(parametersFromJsonSchema(schema)[0]?.type).toEqual(number);
  });

  test.each([true, false, null, undefined, 5, {}, { type: 'unheard' }, { $ref: '#/nowhere' }, { not: {} }])(
    'what says nothing (%j) is any',
    (schema) => {
      expect(typeFromJsonSchema(schema)).toEqual(any);
    },
  );
});

describe('classes in Zod declarations', () => {
  class Account {
    owner = '';
  }
  class Savings extends Account {}
  class Hidden {
    owner = '';
  }
  const exported = new Map<object, string>([[Account.prototype, 'Account']]);
  const read = (schema: z.ZodType, io: 'input' | 'output' = 'input'): ValueType =>
    typeFromJsonSchema(z.toJSONSchema(schema, zodSchemaOptions(io, exported)));
  const account: ValueType = { kind: 'instance', class: 'Account' };

  const cases: [string, z.ZodType, ValueType][] = [
    ['alone', z.instanceof(Account), account],
    ['with a description', z.instanceof(Account).describe('whose'), account],
    [
      'with a refinement',
      z
        .instanceof(Account)
        .refine(() => true)
        .meta({ title: 'Whose' }),
      account,
    ],
    ['read-only', z.instanceof(Account).readonly(), account],
    [
      'under an id of its own',
      z.array(z.instanceof(Account).meta({ id: 'account' })),
      { kind: 'array', items: account },
    ],
    ['transformed', z.instanceof(Account).transform(() => 1), account],
    ['or null', z.instanceof(Account).nullable(), { kind: 'union', options: [account, { kind: 'null' }] }],
    ['or text', z.instanceof(Account).or(z.string()), { kind: 'union', options: [account, string] }],
    ['in a tuple', z.tuple([z.instanceof(Account)]), { kind: 'tuple', items: [account] }],
    [
      'in a record',
      z.record(z.string(), z.instanceof(Account)),
      { kind: 'object', properties: {}, additional: account },
    ],
    [
      'in a member',
      z.strictObject({ a: z.instanceof(Account), b: z.instanceof(Account).optional() }),
      {
        kind: 'object',
        properties: { a: { type: account, required: true }, b: { type: account, required: false } },
        additional: undefined,
      },
    ],
  ];
  test.each(cases)('an exported one %s', (_name, schema, expected) => {
    expect(read(schema)).toEqual(expected);
  });

  test('as a result, one that is not exported is data', () => {
    expect(read(z.instanceof(Account), 'output')).toEqual(account);
    expect(read(z.instanceof(Hidden), 'output')).toEqual(any);
  });

  test.each<[string, z.ZodType, string]>([
    ['that is not exported', z.instanceof(Hidden), "parameter 'a': no caller could give an instance of Hidden: it is"],
    ['inside a type', z.array(z.instanceof(Hidden)).optional(), "parameter 'a': no caller could give an instance of"],
    ['that extends an exported one', z.instanceof(Savings), 'no caller could give an instance of Savings'],
    ['of Node', z.instanceof(URL), 'no caller could give an instance of URL'],
    ['of bytes', z.instanceof(Buffer), 'a byte string is a Uint8Array; write bytes().'],
  ])('an argument of one %s is an error', (_name, schema, sentence) => {
    expect(() => z.toJSONSchema(z.object({ a: schema }), zodSchemaOptions('input', exported))).toThrow(
      expect.objectContaining({ code: 'library-parameter', message: expect.stringContaining(sentence) as string }),
    );
  });
});

describe('parameters of Zod declarations', () => {
  test('stand in the order of declaration, with texts and optionality', () => {
    const schema = z.object({ b: z.number().describe('the base'), a: z.string().optional(), c: z.int().default(3) });
    expect(parametersFromJsonSchema(z.toJSONSchema(schema, zodSchemaOptions('input')))).toEqual([
      { name: 'b', type: number, required: true, rest: false, doc: 'the base' },
      { name: 'a', type: string, required: false, rest: false, doc: undefined },
      { name: 'c', type: { kind: 'integer' }, required: false, default: 3, rest: false, doc: undefined },
    ]);
  });

  test('a default that is a value is known', () => {
    expect(parameterOf(z.enum(['x', 'y']).default('x'))?.default).toBe('x');
    expect(parameterOf(z.array(z.number()).default([1]))?.default).toEqual([1]);
    expect(parameterOf(z.string().trim().prefault(' x'))?.default).toBe(' x');
  });

  test.each([
    [
      'of the output of a transform',
      z
        .string()
        .transform((text) => text.length)
        .default(4),
    ],
    ['that trimming would change', z.string().trim().default(' x')],
    ['computed from the time', z.number().default(() => Date.now())],
    ['computed by chance', z.string().default(() => Math.random().toString())],
    ['that is a date', z.date().default(() => new Date())],
  ])('a default %s is left to the declaration', (_name, schema) => {
    const parameter = parameterOf(schema);
    expect(parameter?.required).toBe(false);
    expect(parameter).not.toHaveProperty('default');
  });

  test('a control word as name is an error', () => {
    for (const name of ['_why', 'c.pmin', 'c.pmax']) {
      const schema = z.toJSONSchema(z.object({ [name]: z.number() }), zodSchemaOptions('input'));
      expect(() => parametersFromJsonSchema(schema)).toThrow(UsageError);
    }
  });

  test('a schema that is no object is an error', () => {
    expect(() => parametersFromJsonSchema({ type: 'string' })).toThrow(/must be an object of named parameters/);
  });
});
