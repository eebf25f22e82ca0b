/**
 * What the names at the top of a library's file stand for: functions, classes, fn() declarations, anything else; and the way to the
 * other files of the library.
 */
import {
  docComment,
  parseSource,
  unwrap,
  type ClassNode,
  type Expression,
  type FunctionNode,
  type Program,
  type Statement,
  type TypeNode,
} from './syntax.ts';
import { TypeReader } from './typescript-type.ts';

/** What a name at the top of the file stands for. */
export type Binding =
  | { readonly kind: 'function'; readonly node: FunctionNode; readonly contextual: TypeNode | undefined }
  | { readonly kind: 'class'; readonly node: ClassNode }
  | { readonly kind: 'declared' }
  | { readonly kind: 'other'; readonly reason: string };

export interface Named {
  readonly binding: Binding;
  readonly comment: string | undefined;
  readonly line: number;
}

/** A file of the library, by what an import in another one says; undefined where it leads elsewhere. */
export type SourceReader = (
  source: string,
  importer: string,
) => { readonly file: string; readonly text: string } | undefined;

export interface Module {
  /** As people know it. */
  readonly file: string;
  readonly program: Program;
  readonly types: TypeReader;
  readonly constants: Map<string, Expression>;
  readonly names: Map<string, Named>;
  /** What its imports are called where they come from. */
  readonly imported: Map<string, { readonly source: string; readonly name: string }>;
  /** Another file of the library, as an import here says. @throws UsageError `library-syntax` */
  readonly open: (source: string) => Module | undefined;
  /** What the file calls `fn` of funcoap/library, and its namespace. */
  readonly fnNames: Set<string>;
  readonly namespaces: Set<string>;
}

const nothing: SourceReader = () => undefined;

/** @param files reads other files; without it there are none @throws UsageError `library-syntax` */
export function readModule(text: string, file: string, files: SourceReader = nothing): Module {
  const known = new Map<string, Module>();
  const open = (source: string, importer: string): Module | undefined => {
    const found = files(source, importer);
    return found && (known.get(found.file) ?? read(found.text, found.file, false));
  };
  const read = (text: string, file: string, isEntry: boolean): Module => {
    const module = moduleOf(parseSource(text, file), file, isEntry, (source) => open(source, file));
    known.set(file, module);
    return module;
  };
  return read(text, file, true);
}

/** @param isEntry what it exports is what the library exports */
function moduleOf(program: Program, file: string, isEntry: boolean, open: Module['open']): Module {
  const module: Module = {
    file,
    program,
    imported: new Map(),
    open,
    types: new TypeReader(program, isEntry),
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
    const name = specifier.type === 'ImportDefaultSpecifier' ? 'default' : imported;
    if (name !== undefined) module.imported.set(local, { source, name });
    const reason = `it comes from ${source}: re-exports are not served; write a function of your own that calls it`;
    module.names.set(local, { binding: { kind: 'other', reason }, comment: undefined, line: lineOf(specifier) });
  }
}

/** The names that a statement declares. */
export function declarationsOf(statement: Statement, comment: string | undefined, module: Module): [string, Named][] {
  const line = lineOf(statement);
  switch (statement.type) {
    case 'FunctionDeclaration':
      if (statement.id == null) return [];
      return [
        [statement.id.name, { binding: { kind: 'function', node: statement, contextual: undefined }, comment, line }],
      ];
    case 'TSDeclareFunction': {
      const reason = 'it is declared here and written nowhere; give it a body';
      return statement.id == null ? [] : [[statement.id.name, { binding: { kind: 'other', reason }, comment, line }]];
    }
    case 'ClassDeclaration':
      return statement.id == null
        ? []
        : [[statement.id.name, { binding: { kind: 'class', node: statement }, comment, line }]];
    case 'VariableDeclaration':
      return statement.declarations.flatMap((declarator): [string, Named][] => {
        const at = lineOf(declarator);
        if (declarator.id.type !== 'Identifier') {
          const reason = 'it is taken out of another value; write it as a function';
          return patternNames(declarator.id).map((name) => [
            name,
            { binding: { kind: 'other', reason }, comment, line: at },
          ]);
        }
        const value = declarator.init ?? undefined;
        if (value !== undefined && statement.kind === 'const') module.constants.set(declarator.id.name, value);
        const annotation = declarator.id.typeAnnotation;
        const contextual = annotation?.type === 'TSTypeAnnotation' ? annotation.typeAnnotation : undefined;
        const own = docComment(declarator.leadingComments) ?? comment;
        return [[declarator.id.name, { binding: bindingOf(value, contextual, module), comment: own, line: at }]];
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
      return { kind: 'class', node };
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

export const lineOf = (node: { readonly loc?: { readonly start: { readonly line: number } } | null }): number =>
  node.loc?.start.line ?? 1;

export const nameOf = (node: { readonly type: string; readonly name?: string; readonly value?: string }): string =>
  node.name ?? node.value ?? '';

export const other = (node: Parameters<typeof lineOf>[0], reason: string): Named => ({
  binding: { kind: 'other', reason },
  comment: undefined,
  line: lineOf(node),
});

export const reExport = (node: Parameters<typeof lineOf>[0], source: string): Named =>
  other(node, `it comes from ${source}: re-exports are not served; write a function of your own that calls it`);

/** The names that a pattern binds. */
function patternNames(pattern: object): string[] {
  if (!('type' in pattern)) return [];
  if ('name' in pattern && typeof pattern.name === 'string') return [pattern.name];
  if ('properties' in pattern && Array.isArray(pattern.properties))
    return pattern.properties.flatMap((p: object) => patternNames(p));
  if ('elements' in pattern && Array.isArray(pattern.elements)) {
    return pattern.elements.flatMap((e: object | null) => (e === null ? [] : patternNames(e)));
  }
  if ('argument' in pattern && typeof pattern.argument === 'object' && pattern.argument !== null)
    return patternNames(pattern.argument);
  if ('left' in pattern && typeof pattern.left === 'object' && pattern.left !== null) return patternNames(pattern.left);
  if ('value' in pattern && typeof pattern.value === 'object' && pattern.value !== null)
    return patternNames(pattern.value);
  return [];
}
