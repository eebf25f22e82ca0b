/**
 * What a Python module offers, from what its process says of it (host/funcoap_host/functions.py) and from the promises of its
 * manifest. The process only reads declarations; what they may promise together is checked here, in the words of Python.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { milliseconds } from '../../../core/duration.ts';
import { UsageError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import type { ValueType } from '../../description.ts';
import type { ExportDescription } from '../../export-description.ts';
import { controlWordProblem } from '../../signature/control-words.ts';
import { promisesSchema, type PythonManifest } from './manifest.ts';

const type: z.ZodType<ValueType> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['any', 'null', 'boolean', 'number', 'integer', 'bigint', 'string', 'bytes', 'date']) }),
    z.object({
      kind: z.literal('literal'),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
    }),
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

const parameter = z.object({
  name: z.string(),
  type,
  required: z.boolean(),
  default: z.custom<Value>().optional(),
  rest: z.boolean(),
  keyword: z.literal(true).optional(),
  others: z.literal(true).optional(),
  doc: z.string().optional(),
});

const described = z.array(
  z.object({
    method: z.string(),
    line: z.number().nullable(),
    parameters: z.array(parameter),
    returns: type.nullable(),
    generator: z.boolean(),
    doc: z.string().nullable(),
    promises: z.unknown(),
    notCallable: z.string().nullable(),
  }),
);

type Described = z.output<typeof described>[number];

/** @throws UsageError 'library-load' with one sentence that names the file, and the line where it is known */
export function describeModule(entry: string, said: Value, manifest: PythonManifest): readonly ExportDescription[] {
  const file = basename(entry);
  const parsed = described.safeParse(said);
  if (!parsed.success)
    throw new UsageError('library-load', `${file}: its functions cannot be described; is something of Python changed?`);
  for (const name of Object.keys(manifest.functions)) {
    if (!parsed.data.some((fn) => fn.method === name))
      throw new UsageError(
        'library-load',
        `funcoap.json promises something of ${name}, and ${file} has no such function; mend the name.`,
      );
  }
  return parsed.data.map((fn) => describeFunction(fn, manifest, `${file}${fn.line === null ? '' : `:${fn.line}`}`));
}

function describeFunction(fn: Described, manifest: PythonManifest, where: string): ExportDescription {
  const decorated = promisesSchema.safeParse(fn.promises);
  if (!decorated.success) {
    const [issue] = decorated.error.issues;
    throw new UsageError(
      'library-load',
      `${where}: ${fn.method} promises what cannot be understood: ${String(issue?.path[0] ?? '')} ${issue?.message ?? ''}.`,
    );
  }
  const promises = { ...decorated.data, ...manifest.functions[fn.method] };
  const { pure = false, safe = pure, maxAge = 0, staleWhileRevalidate = 0, shared = false, timeLimit } = promises;
  if (pure && !safe)
    throw new UsageError('library-load', `${where}: ${fn.method} is pure, so it is safe; remove "safe": false.`);
  if (maxAge > 0 && !pure)
    throw new UsageError(
      'library-load',
      `${where}: only results of a pure function are cached; promise that ${fn.method} is pure, or remove maxAge.`,
    );
  const control = fn.parameters.map(({ name }) => controlWordProblem(name)).find((problem) => problem !== undefined);
  // Without a promise, and where it is cached, a generator is read to its end.
  const stream = fn.generator && safe && !pure;
  return {
    method: fn.method,
    parameters: fn.parameters.map((each) => ({
      name: each.name,
      type: each.type,
      required: each.required,
      rest: each.rest,
      doc: each.doc,
      ...(each.keyword === undefined ? {} : { keyword: each.keyword }),
      ...(each.others === undefined ? {} : { others: each.others }),
      ...(each.default === undefined ? {} : { default: each.default }),
    })),
    returns: stream ? itemOf(fn.returns) : (fn.returns ?? undefined),
    title: fn.doc?.split('\n', 1)[0],
    doc: fn.doc ?? undefined,
    safe,
    pure,
    maxAge: milliseconds(Math.round(maxAge * 1000)),
    staleWhileRevalidate: milliseconds(Math.round(staleWhileRevalidate * 1000)),
    shared,
    inline: false,
    ...(stream && { stream }),
    timeLimit: timeLimit === undefined ? undefined : milliseconds(Math.round(timeLimit * 1000)),
    notCallable: fn.notCallable ?? control,
  };
}

const itemOf = (returns: Described['returns']): ValueType | undefined =>
  returns?.kind === 'array' ? returns.items : undefined;
