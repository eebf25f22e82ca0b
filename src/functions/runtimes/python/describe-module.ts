/**
 * What a Python module offers, from what its process says of it (host/funcoap_host/functions.py) and from the promises of its
 * manifest. The process only reads declarations; what they may promise together is checked here, in the words of Python.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { milliseconds, type Milliseconds } from '../../../core/duration.ts';
import { UsageError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import type { MemberDescription, ValueType } from '../../description.ts';
import type { ExportDescription, ParameterShape } from '../../export-description.ts';
import { controlWordProblem } from '../../signature/control-words.ts';
import { classReason } from '../../signature/exports.ts';
import { promisesSchema, type Promises, type PythonManifest } from './manifest.ts';

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

const member = z.object({
  name: z.string(),
  kind: z.enum(['method', 'attribute']),
  parameters: z.array(parameter),
  returns: type.nullable(),
  doc: z.string().nullable(),
  promises: z.unknown(),
  readable: z.boolean(),
  writable: z.boolean(),
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
    members: z.array(member).optional(),
  }),
);

type Described = z.output<typeof described>[number];
type DescribedParameter = z.output<typeof parameter>;
type DescribedMember = z.output<typeof member>;

/** @throws UsageError 'library-load' with one sentence that names the file, and the line where it is known */
export function describeModule(entry: string, said: Value, manifest: PythonManifest): readonly ExportDescription[] {
  const file = basename(entry);
  const parsed = described.safeParse(said);
  if (!parsed.success)
    throw new UsageError('library-load', `${file}: its functions cannot be described; is something of Python changed?`);
  for (const name of Object.keys(manifest.functions)) {
    if (!parsed.data.some((offered) => isCalled(offered, name)))
      throw new UsageError(
        'library-load',
        `funcoap.json promises something of ${name}, and ${file} has no such function; mend the name.`,
      );
  }
  const made = parsed.data.find(({ members }) => members !== undefined);
  if (made !== undefined && manifest.processes > 1)
    throw new UsageError(
      'library-load',
      `funcoap.json allows ${manifest.processes} processes, and objects of ${made.method} live in one: remove "processes", or let the names of classes begin with "_".`,
    );
  return parsed.data.map((offered) => {
    const where = `${file}${offered.line === null ? '' : `:${offered.line}`}`;
    return offered.members === undefined
      ? describeFunction(offered, manifest, where)
      : describeClass(offered, offered.members, manifest, where);
  });
}

/** `add` of a function or class, `Account.deposit` of a method. */
const isCalled = ({ method, members = [] }: Described, name: string): boolean =>
  name === method || members.some((each) => name === `${method}.${each.name}`);

interface Promised extends Required<Omit<Promises, 'timeLimit'>> {
  readonly timeLimit: Milliseconds | undefined;
}

/** What decorators and the manifest promise of a function. @throws UsageError 'library-load' */
function promisesOf(name: string, said: unknown, manifest: PythonManifest, where: string): Promised {
  const decorated = promisesSchema.safeParse(said);
  if (!decorated.success) {
    const [issue] = decorated.error.issues;
    throw new UsageError(
      'library-load',
      `${where}: ${name} promises what cannot be understood: ${String(issue?.path[0] ?? '')} ${issue?.message ?? ''}.`,
    );
  }
  const promises = { ...decorated.data, ...manifest.functions[name] };
  const { pure = false, safe = pure, maxAge = 0, staleWhileRevalidate = 0, shared = false, timeLimit } = promises;
  if (pure && !safe)
    throw new UsageError('library-load', `${where}: ${name} is pure, so it is safe; remove "safe": false.`);
  if (maxAge > 0 && !pure)
    throw new UsageError(
      'library-load',
      `${where}: only results of a pure function are cached; promise that ${name} is pure, or remove maxAge.`,
    );
  const limit = timeLimit === undefined ? undefined : milliseconds(Math.round(timeLimit * 1000));
  return { pure, safe, maxAge, staleWhileRevalidate, shared, timeLimit: limit };
}

function describeFunction(fn: Described, manifest: PythonManifest, where: string): ExportDescription {
  const promised = promisesOf(fn.method, fn.promises, manifest, where);
  const { safe, pure, shared, timeLimit } = promised;
  // Without a promise, and where it is cached, a generator is read to its end.
  const stream = fn.generator && safe && !pure;
  return {
    method: fn.method,
    parameters: fn.parameters.map(shapeOf),
    returns: stream ? itemOf(fn.returns) : (fn.returns ?? undefined),
    ...wordsOf(fn.doc),
    safe,
    pure,
    maxAge: milliseconds(Math.round(promised.maxAge * 1000)),
    staleWhileRevalidate: milliseconds(Math.round(promised.staleWhileRevalidate * 1000)),
    shared,
    inline: false,
    ...(stream && { stream }),
    timeLimit,
    notCallable: fn.notCallable ?? controlProblem(fn.parameters),
  };
}

function describeClass(
  of: Described,
  members: readonly DescribedMember[],
  manifest: PythonManifest,
  where: string,
): ExportDescription {
  const promised = promisesOf(of.method, of.promises, manifest, where);
  if (promised.safe)
    throw new UsageError(
      'library-load',
      `${where}: ${of.method} is a class, and making an object of it is not safe; promise it of its methods.`,
    );
  const constructed = describeFunction(of, manifest, where);
  // Who cannot give its constructor what it needs makes none.
  if (constructed.notCallable !== undefined) return constructed;
  return {
    ...constructed,
    notCallable: classReason,
    members: members.map((each) => describeMember(`${of.method}.${each.name}`, each, manifest, where)),
  };
}

/** Results of methods are never cached: `pure` says of one that it is safe. */
function describeMember(
  method: string,
  { name, kind, parameters, returns, doc, promises, readable, writable }: DescribedMember,
  manifest: PythonManifest,
  where: string,
): MemberDescription {
  const { safe, timeLimit } = promisesOf(method, promises, manifest, where);
  return {
    name,
    kind,
    // The lock file gives ids to parameters of functions and constructors.
    parameters: parameters.map((each) => ({ ...shapeOf(each), id: undefined })),
    returns: returns ?? undefined,
    ...wordsOf(doc),
    safe: safe || kind === 'attribute',
    readable,
    writable,
    timeLimit,
  };
}

const shapeOf = (each: DescribedParameter): ParameterShape => ({
  name: each.name,
  type: each.type,
  required: each.required,
  rest: each.rest,
  doc: each.doc,
  ...(each.keyword === undefined ? {} : { keyword: each.keyword }),
  ...(each.others === undefined ? {} : { others: each.others }),
  ...(each.default === undefined ? {} : { default: each.default }),
});

const wordsOf = (doc: string | null): { title: string | undefined; doc: string | undefined } => ({
  title: doc?.split('\n', 1)[0],
  doc: doc ?? undefined,
});

const controlProblem = (parameters: readonly DescribedParameter[]): string | undefined =>
  parameters.map(({ name }) => controlWordProblem(name)).find((problem) => problem !== undefined);

const itemOf = (returns: Described['returns']): ValueType | undefined =>
  returns?.kind === 'array' ? returns.items : undefined;
