/**
 * What a library offers: the exports that both the parser finds in its file and the loaded module
 * really has. Runs in the worker, so that neither a huge file nor a strange schema can hold up the gateway.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../../core/error.ts';
import { milliseconds, seconds } from '../../../core/duration.ts';
import { isLibraryFunction, type FunctionDefinition } from '../../library.ts';
import { libraryTitle } from '../../library-title.ts';
import { everythingElse, readExports } from '../../signature/exports.ts';
import type { SourceReader } from '../../signature/module-names.ts';
import { streamProblem } from '../../signature/streams.ts';
import { parametersFromJsonSchema, typeFromJsonSchema } from '../../signature/json-schema.ts';
import { zodSchemaOptions } from '../../signature/zod-schema.ts';
import type { DeclaredExport } from '../../signature/declared-export.ts';
import type { ExportDescription, ParameterShape } from '../../export-description.ts';
import { classNames, type ClassNames } from './class-names.ts';
import type { Exports } from './load-module.ts';

export interface DescribedLibrary {
  readonly title: string | undefined;
  /** In the order of declaration. */
  readonly exports: readonly ExportDescription[];
}

/** @throws UsageError with one sentence that names file and line. */
export function readDeclarations(entry: string): readonly DeclaredExport[] {
  const file = basename(entry);
  const source = readFileSync(entry, 'utf8');
  const declared = readExports(source, file, sourcesOf(dirname(entry)));
  if (declared.length === 0 && /^\s*(?:module\.)?exports\b\s*[.=[]/m.test(source))
    throw new UsageError(
      'library-syntax',
      `${file}: exports in the way of CommonJS are not read; write \`export function …\` instead of \`exports.… =\`.`,
    );
  return declared;
}

/** What lies elsewhere, and what is not there, is not read: who runs the library finds that out. */
const sourcesOf =
  (folder: string): SourceReader =>
  (source, importer) => {
    const file = posix.join(posix.dirname(importer), source);
    if (!/^\.\.?\//.test(source) || file.startsWith('../') || !/\.[cm]?[jt]s$/.test(file)) return undefined;
    try {
      return { file, text: readFileSync(join(folder, file), 'utf8') };
    } catch {
      return undefined;
    }
  };

/** @throws UsageError with one sentence that names file and line. */
export function describeExports(
  entry: string,
  declarations: readonly DeclaredExport[],
  exports: Exports,
): DescribedLibrary {
  const file = basename(entry);
  const described: ExportDescription[] = [];
  const made = new Set(declarations.filter(({ members }) => members !== undefined).map(({ name }) => name));
  const classes = classNames(exports, made);
  for (const declared of [...declarations, ...broughtAlong(declarations, exports)]) {
    const value = exports.get(declared.name);
    // Types are gone, and constants are nobody's business; what looks like a function is listed with the reason.
    if (typeof value !== 'function') continue;
    described.push(describeExport(declared, value, `${file}:${declared.line}: ${declared.name}`, classes));
  }
  checkInline(described, declarations, file);
  return { title: libraryTitle(dirname(entry)), exports: described };
}

/** What `export *` brings: listed with the reason, as what is re-exported by name is. */
function broughtAlong(declarations: readonly DeclaredExport[], exports: Exports): readonly DeclaredExport[] {
  const star = declarations.find(({ name }) => name === everythingElse);
  if (star === undefined) return [];
  const known = new Set(declarations.map(({ name }) => name));
  const names = [...exports.keys()].filter((name) => !known.has(name) && !name.startsWith('_'));
  return names.map((name) => ({ ...star, name }));
}

/** Where there are objects, functions and objects meet on one thread. */
function checkInline(
  described: readonly ExportDescription[],
  declarations: readonly DeclaredExport[],
  file: string,
): void {
  const made = described.find(({ members }) => members !== undefined);
  const inline = described.find((each) => each.inline && each.notCallable === undefined);
  if (made === undefined || inline === undefined) return;
  const line = declarations.find(({ name }) => name === inline.method)?.line;
  throw new UsageError(
    'library-tag',
    `${file}:${line}: ${inline.method} cannot be inline: it would not meet the objects of ${made.method}, which live on a thread; remove the promise, or put it into a library of its own.`,
  );
}

function describeExport(
  declared: DeclaredExport,
  value: object,
  where: string,
  classes: ClassNames,
): ExportDescription {
  const { name, notCallable } = declared;
  if (notCallable === undefined && isLibraryFunction(value)) {
    checkNoTags(declared, where);
    return fromDefinition(declared, value.definition, where, classes);
  }
  const called = declared.kind === 'declared' ? 'it is called fn() and does not come from funcoap/library' : undefined;
  return {
    method: name,
    parameters: declared.parameters,
    returns: declared.returns,
    title: declared.title,
    doc: declared.doc,
    safe: declared.safe,
    pure: declared.pure,
    maxAge: declared.maxAge,
    staleWhileRevalidate: declared.staleWhileRevalidate,
    shared: declared.shared,
    inline: declared.inline,
    ...(declared.stream === true && { stream: true }),
    timeLimit: declared.timeLimit,
    notCallable: notCallable ?? called,
    members: declared.members,
    instance: declared.instance,
    notMade: declared.notMade,
    ...(declared.members !== undefined && { parents: parentsOf(value, classes) }),
  };
}

/** What `fn()` promises stands in its options: a tag that is not read would be broken without a word. */
function checkNoTags(declared: DeclaredExport, where: string): void {
  const tag =
    (['pure', 'safe', 'shared', 'inline'] as const).find((name) => declared[name]) ??
    (declared.timeLimit === undefined ? undefined : 'timeLimit');
  if (tag !== undefined)
    throw new UsageError(
      'library-tag',
      `${where}: @${tag} stands above fn(), whose promises are its options; write \`${tag}${tag === 'timeLimit' ? ': …' : ': true'}\` there instead.`,
    );
}

/** The exported classes that a class extends, the nearest first. */
function parentsOf(made: object, classes: ClassNames): readonly string[] {
  const parents: string[] = [];
  for (let at: unknown = Object.getPrototypeOf(made); typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const prototype: unknown = at.prototype;
    const name = typeof prototype === 'object' && prototype !== null ? classes.get(prototype) : undefined;
    if (name !== undefined) parents.push(name);
  }
  return parents;
}

function fromDefinition(
  declared: DeclaredExport,
  definition: FunctionDefinition,
  where: string,
  classes: ClassNames,
): ExportDescription {
  const doc = definition.doc?.trim() ?? declared.doc;
  const { returns } = definition;
  return {
    method: declared.name,
    parameters: describeParameters(definition, where, classes),
    returns:
      returns === undefined
        ? undefined
        : typeFromJsonSchema(z.toJSONSchema(returns, zodSchemaOptions('output', classes))),
    title: definition.doc === undefined ? declared.title : doc?.split('\n', 1)[0],
    doc,
    safe: definition.safe,
    pure: definition.pure,
    maxAge: seconds(definition.maxAge),
    staleWhileRevalidate: seconds(definition.staleWhileRevalidate),
    shared: definition.shared,
    inline: definition.inline,
    ...(definition.stream && { stream: true }),
    timeLimit: definition.timeLimit === undefined ? undefined : milliseconds(definition.timeLimit),
    notCallable: definition.stream ? streamProblem(definition) : undefined,
  };
}

function describeParameters(
  definition: FunctionDefinition,
  where: string,
  classes: ClassNames,
): readonly ParameterShape[] {
  try {
    return parametersFromJsonSchema(z.toJSONSchema(definition.params, zodSchemaOptions('input', classes)));
  } catch (cause) {
    if (cause instanceof UsageError) throw new UsageError(cause.code, `${where}: ${cause.message}`, { cause });
    throw cause;
  }
}
