/** A class of a Python module as the gateway knows classes. What its objects offer, the process has found out (classes.py). */
import { UsageError } from '../../../core/error.ts';
import { z } from 'zod';
import type { InstanceMode, MemberDescription } from '../../description.ts';
import type { ExportDescription } from '../../export-description.ts';
import { classReason } from '../../signature/exports.ts';
import { describeFunction, isStream, itemOf, shapeOf, wordsOf } from './describe-function.ts';
import { promisesOf, type PythonManifest } from './manifest.ts';
import { placeOf, type SaidExport, type SaidMember } from './module-words.ts';

/** @throws UsageError 'library-load' */
export function describeClass(
  of: SaidExport,
  members: readonly SaidMember[],
  manifest: PythonManifest,
  file: string,
): ExportDescription {
  const where = placeOf(file, of.line);
  const promised = promisesOf(of.method, of.promises, manifest, where);
  if (promised.safe)
    throw new UsageError(
      'library-load',
      `${where}: ${of.method} is a class, and making an object of it is not safe; promise it of its methods.`,
    );
  const constructed = describeFunction(of, manifest, file);
  // Who cannot give its constructor what it needs makes none.
  if (constructed.notCallable !== undefined) return constructed;
  const { notMade } = of;
  const made = notMade == null ? instanceOf(of, constructed, where) : undefined;
  return {
    ...constructed,
    ...(made && { instance: made }),
    ...(notMade != null && { notMade, parameters: [] }),
    notCallable: classReason,
    parents: of.parents,
    members: members.map((each) => describeMember(`${of.method}.${each.name}`, each, manifest, file)),
  };
}

const instanceSchema: z.ZodType<InstanceMode | null> = z.enum(['single', 'session', 'percall']).nullable();

/** @throws UsageError 'library-load' */
function instanceOf(of: SaidExport, { parameters }: ExportDescription, where: string): InstanceMode | undefined {
  const parsed = instanceSchema.safeParse(of.instance);
  if (!parsed.success)
    throw new UsageError(
      'library-load',
      `${where}: __instance__ of ${of.method} is 'single', 'session' or 'percall'; write one of them, or remove it.`,
    );
  const needed = parameters.find(({ required }) => required);
  if (parsed.data === 'single' && needed !== undefined)
    throw new UsageError(
      'library-load',
      `${where}: ${of.method} is one for all callers, so its constructor cannot need ${needed.name}; give that a default, or write another __instance__.`,
    );
  return parsed.data ?? undefined;
}

/** Results of methods are never cached: `pure` says of one that it is safe, and of a generator that it gives a list. */
function describeMember(method: string, said: SaidMember, manifest: PythonManifest, file: string): MemberDescription {
  const { name, kind, line, parameters, returns, doc, promises, readable, writable } = said;
  const promised = promisesOf(method, promises, manifest, placeOf(file, line));
  const { safe, timeLimit } = promised;
  const stream = isStream(said, promised);
  return {
    name,
    kind,
    // The lock file gives ids to parameters of functions and constructors.
    parameters: parameters.map((each) => ({ ...shapeOf(each), id: undefined })),
    returns: stream ? itemOf(returns) : (returns ?? undefined),
    ...wordsOf(doc),
    safe: safe || kind === 'attribute',
    ...(stream && { stream }),
    readable,
    writable,
    timeLimit,
  };
}
