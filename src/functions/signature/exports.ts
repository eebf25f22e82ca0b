/**
 * Lists the exports of a library's file as data, in the order in which they are exported, with
 * parameters, documentation and promises. A real parser reads the source; nothing is run.
 * Not here: what `fn({...}, implementation)` declares, which only running the library tells.
 */
import { UsageError } from '../../core/error.ts';
import type { DeclaredExport, ExportKind } from './declared-export.ts';
import { readClass } from './class-members.ts';
import { readDoc, type Doc } from './jsdoc.ts';
import { readDocType } from './jsdoc-type.ts';
import { readParameters } from './parameters.ts';
import {
  declarationsOf,
  lineOf,
  nameOf,
  other,
  readModule,
  reExport,
  type Binding,
  type Module,
  type Named,
  type SourceReader,
} from './module-names.ts';
import { isStreamType, itemType, streamProblem } from './streams.ts';
import type { Statement, TypeNode } from './syntax.ts';
import { typeParameterNames, type TypeReader } from './typescript-type.ts';
import type { ValueType } from '../description.ts';

/**
 * @param file its name as people know it, for errors; its ending tells TypeScript from JavaScript
 * @param files reads the other files of the library, where classes may have superclasses
 * @throws UsageError `library-syntax`, `library-tag`, `library-parameter`: one sentence with file and line
 */
export function readExports(source: string, file: string, files?: SourceReader): DeclaredExport[] {
  const module = readModule(source, file, files);
  const { program } = module;
  const found = new Map<string, Named>();
  for (const statement of program.body) {
    const isList = statement.type === 'ExportNamedDeclaration' && statement.declaration == null;
    for (const [name, named] of exportsOf(statement, module)) {
      // Of declarations the parser finds that out, which knows overloads.
      if (isList && found.has(name))
        throw new UsageError('library-syntax', `${file}:${lineOf(statement)}: ${name} is exported twice; remove one.`);
      found.set(name, named);
    }
  }
  // What packages export is not listed: there may be hundreds.
  const [first, ...more] = program.body.filter(isStarOfLibrary);
  if (first !== undefined) {
    const files = [first, ...more].map(({ source: { value } }) => value);
    found.set(everythingElse, reExport(first, files.join(' or ')));
  }
  // A default export is `default`, whatever it is called inside.
  return [...found].filter(([name]) => !name.startsWith('_')).map(([name, named]) => describe(name, named, module));
}

/** The name of what `export *` brings, whose names stand in other files. */
export const everythingElse = '*';

const isStarOfLibrary = (statement: Statement): statement is Extract<Statement, { type: 'ExportAllDeclaration' }> =>
  statement.type === 'ExportAllDeclaration' &&
  statement.exportKind !== 'type' &&
  /^\.\.?\//.test(statement.source.value);

/** The names that a statement exports. */
function exportsOf(statement: Statement, module: Module): [string, Named][] {
  switch (statement.type) {
    case 'ExportDefaultDeclaration':
      return [['default', other(statement, 'a default export has no name to call it by; export it by name')]];
    case 'TSExportAssignment':
      return [['default', other(statement, '`export =` has no name to call it by; export functions by name')]];
    case 'ExportNamedDeclaration':
      break;
    default:
      return [];
  }
  if (statement.exportKind === 'type') return [];
  if (statement.declaration != null) {
    const own = declarationsOf(statement.declaration, undefined, module);
    return own.flatMap(([name]): [string, Named][] => {
      const named = module.names.get(name);
      return named === undefined ? [] : [[name, named]];
    });
  }
  return statement.specifiers.flatMap((specifier): [string, Named][] => {
    const name = nameOf(specifier.exported);
    if (specifier.type !== 'ExportSpecifier') return [[name, reExport(specifier, statement.source?.value ?? '')]];
    if (specifier.exportKind === 'type') return [];
    if (statement.source != null) return [[name, reExport(specifier, statement.source.value)]];
    const named = module.names.get(nameOf(specifier.local));
    // What is not a value of this file is a type: nothing to call, nothing to list.
    if (named === undefined) return [];
    if (name === 'default')
      return [[name, other(specifier, 'a default export has no name to call it by; export it by name')]];
    return [[name, named]];
  });
}

function describe(name: string, named: Named, module: Module): DeclaredExport {
  const { binding, line } = named;
  const where = `${module.file}:${line}: ${name}`;
  const callable = binding.kind === 'function' || binding.kind === 'declared' || binding.kind === 'class';
  // A tag of a constant promises nothing, so it is not judged.
  const doc = readDoc(callable ? named.comment : undefined, where);
  const base = {
    name,
    kind: kindOf(binding),
    title: doc.title,
    doc: doc.text,
    safe: doc.safe,
    pure: doc.pure,
    shared: doc.shared,
    inline: doc.inline,
    maxAge: doc.maxAge,
    staleWhileRevalidate: doc.staleWhileRevalidate,
    timeLimit: doc.timeLimit,
    line,
  };
  if (callable && !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) {
    return {
      ...base,
      kind: 'other',
      parameters: [],
      returns: undefined,
      notCallable: 'its name cannot stand in a path; export it under a plain name',
    };
  }
  if (binding.kind === 'class') {
    const shape = readClass({ node: binding.node, module }, doc, name, where);
    return { ...base, ...shape, safe: false, pure: false, inline: false, returns: undefined, notCallable: classReason };
  }
  if (binding.kind !== 'function') {
    return { ...base, parameters: [], returns: undefined, notCallable: reasonOf(binding) };
  }
  const { node } = binding;
  const hidden = typeParameterNames(node.typeParameters);
  const contextual = binding.contextual === undefined ? undefined : module.types.functionType(binding.contextual);
  const annotation = node.returnType?.type === 'TSTypeAnnotation' ? node.returnType.typeAnnotation : undefined;
  const stream = node.generator === true || isStreamType(annotation);
  const parameters = readParameters(node.params, contextual?.params ?? [], {
    types: module.types,
    constants: module.constants,
    doc,
    hidden,
    where,
  });
  return {
    ...base,
    parameters,
    returns: stream
      ? itemType(annotation, doc, hidden, module.types)
      : returnType(annotation, doc, hidden, module.types),
    ...(stream && { stream }),
    notCallable: stream ? streamProblem(doc) : undefined,
  };
}

function kindOf(binding: Binding): ExportKind {
  if (binding.kind !== 'function') return binding.kind;
  const { node } = binding;
  if (node.generator === true) return node.async ? 'async generator' : 'generator';
  return node.async ? 'async function' : 'function';
}

/** What a class is answered that is called as if it were a function. */
export const classReason = 'it is a class; POST makes an object of it';

function reasonOf(binding: Exclude<Binding, { kind: 'function' | 'class' }>): string | undefined {
  switch (binding.kind) {
    case 'declared':
      return undefined;
    case 'other':
      return binding.reason;
  }
}

function returnType(
  annotation: TypeNode | undefined,
  doc: Doc,
  hidden: ReadonlySet<string>,
  types: TypeReader,
): ValueType | undefined {
  if (annotation !== undefined) {
    const { type, optional } = types.read(annotation, hidden);
    return optional ? undefined : type;
  }
  return doc.returns?.type === undefined ? undefined : readDocType(doc.returns.type, types);
}
