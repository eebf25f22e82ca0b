/** What a Python process says of the functions and classes of its module (host/funcoap_host/functions.py, classes.py). */
import { z } from 'zod';
import type { Value } from '../../../core/value.ts';
import type { ValueType } from '../../description.ts';

export interface SaidParameter {
  readonly name: string;
  readonly type: ValueType;
  readonly required: boolean;
  readonly default?: Value;
  readonly rest: boolean;
  readonly keyword?: true | undefined;
  readonly others?: true | undefined;
  readonly doc?: string | undefined;
}

export interface SaidMember {
  readonly name: string;
  readonly kind: 'method' | 'attribute';
  readonly line: number | null;
  readonly parameters: readonly SaidParameter[];
  readonly returns: ValueType | null;
  readonly doc: string | null;
  readonly promises: unknown;
  /** Of a method. */
  readonly generator?: boolean | undefined;
  readonly readable: boolean;
  readonly writable: boolean;
}

export interface SaidExport {
  readonly method: string;
  readonly line: number | null;
  readonly parameters: readonly SaidParameter[];
  readonly returns: ValueType | null;
  readonly generator: boolean;
  readonly doc: string | null;
  readonly promises: unknown;
  readonly notCallable: string | null;
  /** Of a class. */
  readonly members?: readonly SaidMember[] | undefined;
  readonly instance?: unknown;
  readonly notMade?: string | null | undefined;
  /** Classes that are exported too, the nearest first. */
  readonly parents?: readonly string[] | undefined;
}

const type: z.ZodType<ValueType> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['any', 'null', 'boolean', 'number', 'integer', 'bigint', 'string', 'bytes', 'date']) }),
    z.object({
      kind: z.literal('literal'),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
    }),
    z.object({ kind: z.literal('instance'), class: z.string() }),
    z.object({ kind: z.literal('union'), options: z.array(type) }),
    z.object({ kind: z.literal('array'), items: type }),
    z.object({ kind: z.literal('tuple'), items: z.array(type) }),
    z.object({
      kind: z.literal('object'),
      properties: z.record(z.string(), z.object({ type, required: z.boolean() })),
      additional: type.optional().transform((additional) => additional),
    }),
  ]),
);

const parameter: z.ZodType<SaidParameter> = z.object({
  name: z.string(),
  type,
  required: z.boolean(),
  default: z.custom<Value>().optional(),
  rest: z.boolean(),
  keyword: z.literal(true).optional(),
  others: z.literal(true).optional(),
  doc: z.string().optional(),
});

const member: z.ZodType<SaidMember> = z.object({
  name: z.string(),
  kind: z.enum(['method', 'attribute']),
  line: z.number().nullable(),
  parameters: z.array(parameter),
  returns: type.nullable(),
  doc: z.string().nullable(),
  promises: z.unknown(),
  generator: z.boolean().optional(),
  readable: z.boolean(),
  writable: z.boolean(),
});

export const saidExports: z.ZodType<readonly SaidExport[]> = z.array(
  z.object({
    method: z.string(),
    line: z.number().nullable(),
    parameters: z.array(parameter),
    returns: type.nullable(),
    generator: z.boolean(),
    doc: z.string().nullable(),
    promises: z.unknown(),
    notCallable: z.string().nullable(),
    members: z.array(member).optional(),
    instance: z.unknown().optional(),
    notMade: z.string().nullish(),
    parents: z.array(z.string()).optional(),
  }),
);

/** For errors. */
export const placeOf = (file: string, line: number | null): string => `${file}${line === null ? '' : `:${line}`}`;
