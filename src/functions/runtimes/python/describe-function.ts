/** A function of a Python module as the gateway knows functions, from what its process says of it and from its promises. */
import { milliseconds } from '../../../core/duration.ts';
import type { ValueType } from '../../description.ts';
import type { ExportDescription, ParameterShape } from '../../export-description.ts';
import { controlWordProblem } from '../../signature/control-words.ts';
import { promisesOf, type Promised, type PythonManifest } from './manifest.ts';
import { placeOf, type SaidExport, type SaidParameter } from './module-words.ts';

/** @throws UsageError 'library-load' */
export function describeFunction(fn: SaidExport, manifest: PythonManifest, file: string): ExportDescription {
  const promised = promisesOf(fn.method, fn.promises, manifest, placeOf(file, fn.line));
  const { safe, pure, shared, timeLimit } = promised;
  const stream = isStream(fn, promised);
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

/** Without a promise, and where it is cached, a generator is read to its end. */
export const isStream = (
  { generator = false }: { readonly generator?: boolean | undefined },
  { safe, pure }: Pick<Promised, 'safe' | 'pure'>,
): boolean => generator && safe && !pure;

export const shapeOf = (each: SaidParameter): ParameterShape => ({
  name: each.name,
  type: each.type,
  required: each.required,
  rest: each.rest,
  doc: each.doc,
  ...(each.keyword === undefined ? {} : { keyword: each.keyword }),
  ...(each.others === undefined ? {} : { others: each.others }),
  ...(each.default === undefined ? {} : { default: each.default }),
});

export const wordsOf = (doc: string | null): { title: string | undefined; doc: string | undefined } => ({
  title: doc?.split('\n', 1)[0],
  doc: doc ?? undefined,
});

const controlProblem = (parameters: readonly SaidParameter[]): string | undefined =>
  parameters.map(({ name }) => controlWordProblem(name)).find((problem) => problem !== undefined);

export const itemOf = (returns: SaidExport['returns']): ValueType | undefined =>
  returns?.kind === 'array' ? returns.items : undefined;
