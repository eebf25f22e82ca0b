/**
 * Lists the exports of a library's file as data, in the order in which they are exported, with
 * parameters, documentation and promises. A real parser reads the source; nothing is run.
 * Not here: what `fn({...}, implementation)` declares, which only running the library tells.
 */
import type { DeclaredExport, ExportKind } from './declared-export.ts';
import { readDoc, type Doc } from './jsdoc.ts';
import { readDocType } from './jsdoc-type.ts';
import { readParameters } from './parameters.ts';
import { docComment, parseSource, unwrap, type Expression, type FunctionNode, type Program, type Statement, type TypeNode } from './syntax.ts';
import { TypeReader, typeParameterNames } from './typescript-type.ts';
import type { ValueType } from '../description.ts';

/** What a name at the top of the file stands for. */
type Binding =
  | { readonly kind: 'function'; readonly node: FunctionNode; readonly contextual: TypeNode | undefined }
  | { readonly kind: 'class' }
  | { readonly kind: 'declared' }
  | { readonly kind: 'other'; readonly reason: string };

interface Named {
  readonly binding: Binding;
  readonly comment: string | undefined;
  readonly line: number;
}

interface Module {
  readonly file: string;
  readonly types: TypeReader;
  readonly constants: Map<string, Expression>;
  readonly names: Map<string, Named>;
  /** What the file calls `fn` of funcoap/library, and its namespace. */
  readonly fnNames: Set<string>;
  readonly namespaces: Set<string>;
}

/**
 * @param file its name as people know it, for errors; its ending tells TypeScript from JavaScript
 * @throws UsageError `library-syntax`, `library-tag`, `library-parameter`: one sentence with file and line
 */
export function readExports(source: string, file: string): DeclaredExport[] {
  const program = parseSource(source, file);
  const module = readModule(program, file);
  const found = new Map<string, Named>();
  let stars = 0;
  for (const statement of program.body) {
    for (const [name, named] of exportsOf(statement, module)) found.set(name, named);
    if (statement.type === 'ExportAllDeclaration') {
      found.set(`*${stars++ || ''}`, other(statement, `what ${statement.source.value} exports is not served; write functions of your own that call it`));
    }
  }
  // A default export is `default`, whatever it is called inside.
  return [...found].filter(([name]) => !name.startsWith('_')).map(([name, named]) => describe(name, named, module));
}

function readModule(program: Program, file: string): Module {
  const module: Module = {
    file,
    types: new TypeReader(program),
    constants: new Map(),
    names: new Map(),
    fnNames: new Set(['fn']),
    namespaces: new Set(),
  };
  for (const statement of program.body) readImports(statement, module);
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? undefined) : statement;
    if (declaration === undefined) continue;
    const comment = docComment(statement.leadingComments) ?? docComment(declaration.leadingComments);
    for (const [name, named] of declarationsOf(declaration, comment, module)) {
      // The doc of an overloaded function stands at its first signature.
      module.names.set(name, { ...named, comment: named.comment ?? module.names.get(name)?.comment });
    }
  }
  return module;
}

function readImports(statement: Statement, module: Module): void {
  if (statement.type !== 'ImportDeclaration') return;
  const source = statement.source.value;
  const ours = /(^|\/)funcoap(\/library)?$/.test(source);
  for (const specifier of statement.specifiers) {
    const local = specifier.local.name;
    if (ours && specifier.type === 'ImportNamespaceSpecifier') module.namespaces.add(local);
    const imported = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : undefined;
    if (ours && imported === 'fn') module.fnNames.add(local);
    const reason = `it comes from ${source}: re-exports are not served; write a function of your own that calls it`;
    module.names.set(local, { binding: { kind: 'other', reason }, comment: undefined, line: lineOf(specifier) });
  }
}

/** The names that a statement declares. */
function declarationsOf(statement: Statement, comment: string | undefined, module: Module): [string, Named][] {
  const line = lineOf(statement);
  switch (statement.type) {
    case 'FunctionDeclaration':
      if (statement.id == null) return [];
      return [[statement.id.name, { binding: { kind: 'function', node: statement, contextual: undefined }, comment, line }]];
    case 'TSDeclareFunction': {
      const reason = 'it is declared here and written nowhere; give it a body';
      return statement.id == null ? [] : [[statement.id.name, { binding: { kind: 'other', reason }, comment, line }]];
    }
    case 'ClassDeclaration':
      return statement.id == null ? [] : [[statement.id.name, { binding: { kind: 'class' }, comment, line }]];
    case 'VariableDeclaration':
      return statement.declarations.flatMap((declarator): [string, Named][] => {
        const at = lineOf(declarator);
        if (declarator.id.type !== 'Identifier') {
          const reason = 'it is taken out of another value; write it as a function';
          return patternNames(declarator.id).map((name) => [name, { binding: { kind: 'other', reason }, comment, line: at }]);
        }
        const value = declarator.init ?? undefined;
        if (value !== undefined && statement.kind === 'const') module.constants.set(declarator.id.name, value);
        const annotation = declarator.id.typeAnnotation;
        const contextual = annotation?.type === 'TSTypeAnnotation' ? annotation.typeAnnotation : undefined;
        return [[declarator.id.name, { binding: bindingOf(value, contextual, module), comment, line: at }]];
      });
    case 'TSEnumDeclaration':
      return [[statement.id.name, other(statement, 'it is an enum')]];
    default:
      return [];
  }
}

function bindingOf(value: Expression | undefined, contextual: TypeNode | undefined, module: Module): Binding {
  const node = value === undefined ? undefined : unwrap(value);
  switch (node?.type) {
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return { kind: 'function', node, contextual };
    case 'ClassExpression':
      return { kind: 'class' };
    case 'CallExpression':
      if (isFn(node.callee, module)) return { kind: 'declared' };
      return { kind: 'other', reason: 'it is the result of a call; write it as a function, or declare it with fn()' };
    default:
      return { kind: 'other', reason: 'it is a value, not a function' };
  }
}

function isFn(callee: Extract<Expression, { type: 'CallExpression' }>['callee'], module: Module): boolean {
  if (callee.type === 'Identifier') return module.fnNames.has(callee.name);
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier') return false;
  return module.namespaces.has(callee.object.name) && keyName(callee.property) === 'fn' && !callee.computed;
}

const keyName = (node: object): string | undefined =>
  'name' in node && typeof node.name === 'string' ? node.name : undefined;

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
    if (name === 'default') return [[name, other(specifier, 'a default export has no name to call it by; export it by name')]];
    return [[name, named]];
  });
}

function describe(name: string, named: Named, module: Module): DeclaredExport {
  const { binding, line } = named;
  const where = `${module.file}:${line}: ${name}`;
  const callable = binding.kind === 'function' || binding.kind === 'declared';
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
    return { ...base, kind: 'other', parameters: [], returns: undefined, notCallable: 'its name cannot stand in a path; export it under a plain name' };
  }
  if (binding.kind !== 'function') {
    return { ...base, parameters: [], returns: undefined, notCallable: reasonOf(binding) };
  }
  const { node } = binding;
  const hidden = typeParameterNames(node.typeParameters);
  const contextual = binding.contextual === undefined ? undefined : module.types.functionType(binding.contextual);
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
    returns: returnType(node, doc, hidden, module.types),
    notCallable: node.generator === true ? 'it is a generator; a function that returns a list can be called' : undefined,
  };
}

function kindOf(binding: Binding): ExportKind {
  if (binding.kind !== 'function') return binding.kind;
  const { node } = binding;
  if (node.generator === true) return node.async ? 'async generator' : 'generator';
  return node.async ? 'async function' : 'function';
}

function reasonOf(binding: Exclude<Binding, { kind: 'function' }>): string | undefined {
  switch (binding.kind) {
    case 'class':
      return 'it is a class; a function can be called';
    case 'declared':
      return undefined;
    case 'other':
      return binding.reason;
  }
}

function returnType(node: FunctionNode, doc: Doc, hidden: ReadonlySet<string>, types: TypeReader): ValueType | undefined {
  const annotation = node.returnType;
  if (annotation?.type === 'TSTypeAnnotation') {
    const { type, optional } = types.read(annotation.typeAnnotation, hidden);
    return optional ? undefined : type;
  }
  return doc.returns?.type === undefined ? undefined : readDocType(doc.returns.type, types);
}

const lineOf = (node: { readonly loc?: { readonly start: { readonly line: number } } | null }): number =>
  node.loc?.start.line ?? 1;

const nameOf = (node: { readonly type: string; readonly name?: string; readonly value?: string }): string =>
  node.name ?? node.value ?? '';

const other = (node: Parameters<typeof lineOf>[0], reason: string): Named => ({
  binding: { kind: 'other', reason },
  comment: undefined,
  line: lineOf(node),
});

const reExport = (node: Parameters<typeof lineOf>[0], source: string): Named =>
  other(node, `it comes from ${source}: re-exports are not served; write a function of your own that calls it`);

/** The names that a pattern binds. */
function patternNames(pattern: object): string[] {
  if (!('type' in pattern)) return [];
  if ('name' in pattern && typeof pattern.name === 'string') return [pattern.name];
  if ('properties' in pattern && Array.isArray(pattern.properties)) return pattern.properties.flatMap((p: object) => patternNames(p));
  if ('elements' in pattern && Array.isArray(pattern.elements)) {
    return pattern.elements.flatMap((e: object | null) => (e === null ? [] : patternNames(e)));
  }
  if ('argument' in pattern && typeof pattern.argument === 'object' && pattern.argument !== null) return patternNames(pattern.argument);
  if ('left' in pattern && typeof pattern.left === 'object' && pattern.left !== null) return patternNames(pattern.left);
  if ('value' in pattern && typeof pattern.value === 'object' && pattern.value !== null) return patternNames(pattern.value);
  return [];
}
