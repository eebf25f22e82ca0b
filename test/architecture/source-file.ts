/** A source file as the architecture tests see it: its imports and exports, read by a real parser. */
import { parse } from '@babel/parser';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, posix } from 'node:path';

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** `import type`, `export type … from`, or nothing but `type` specifiers: gone at run time. */
  readonly typeOnly: boolean;
  /** `reexport` is `export … from`; `url` is `new URL('./x', import.meta.url)`. */
  readonly kind: 'import' | 'reexport' | 'dynamic' | 'url';
}

export interface Export {
  readonly line: number;
  readonly kind: 'named' | 'default' | 'star' | 'reexport';
}

export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Lines of top-level statements that are neither import nor export. */
  readonly statements: readonly number[];
}

const extensions = new Set(['.ts', '.js', '.mts', '.mjs', '.cts', '.cjs']);
const ignored = new Set(['node_modules', 'dist']);

/** Every source file below the folders, in alphabetical order. */
export function readSourceFiles(root: string, folders: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  const walk = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory() && !ignored.has(entry.name)) walk(path);
      else if (entry.isFile() && extensions.has(extname(entry.name))) {
        files.push(readSource(path, readFileSync(join(root, path), 'utf8')));
      }
    }
  };
  for (const folder of folders) walk(folder);
  return files;
}

/** The file that a relative specifier names, relative to the root. */
export const resolveImport = (file: SourceFile, specifier: string): string =>
  posix.join(posix.dirname(file.path), specifier);

export const isRelative = (specifier: string): boolean => /^\.{0,2}\//.test(specifier);

function readSource(path: string, text: string): SourceFile {
  const { program } = parse(text, { sourceType: 'module', sourceFilename: path, plugins: ['typescript'] });
  const imports: Import[] = [];
  const exports: Export[] = [];
  const statements: number[] = [];
  const imported = new Set(
    program.body.flatMap((statement) =>
      statement.type === 'ImportDeclaration' ? statement.specifiers.map(({ local }) => local.name) : [],
    ),
  );
  for (const statement of program.body) {
    const line = statement.loc?.start.line ?? 0;
    if (statement.type === 'ExportDefaultDeclaration' || statement.type === 'TSExportAssignment') {
      exports.push({ line, kind: 'default' });
    } else if (statement.type === 'ExportAllDeclaration') {
      exports.push({ line, kind: 'star' });
    } else if (statement.type === 'ExportNamedDeclaration') {
      // `import { x }` and then `export { x }` is `export { x } from` in two lines.
      const passedOn = statement.specifiers.some(
        (specifier) =>
          specifier.type === 'ExportSpecifier' &&
          specifier.local.type === 'Identifier' &&
          imported.has(specifier.local.name),
      );
      exports.push({ line, kind: statement.source || passedOn ? 'reexport' : 'named' });
      for (const { exported } of statement.specifiers) {
        if ((exported.type === 'Identifier' ? exported.name : exported.value) === 'default') {
          exports.push({ line, kind: 'default' });
        }
      }
    } else if (statement.type !== 'ImportDeclaration') statements.push(line);
  }
  visit(program, (node) => {
    const found = importOf(node);
    if (found !== undefined) imports.push(found);
  });
  return { path, text, imports, exports, statements };
}

/** The fields of Babel's nodes that are looked at here. */
interface Node {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } } | null;
  readonly [field: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

function visit(node: unknown, look: (node: Node) => void): void {
  if (Array.isArray(node)) {
    for (const item of node) visit(item, look);
  } else if (isNode(node)) {
    look(node);
    for (const [field, value] of Object.entries(node)) if (field !== 'loc') visit(value, look);
  }
}

const textOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'StringLiteral' && typeof node['value'] === 'string' ? node['value'] : undefined;

function importOf(node: Node): Import | undefined {
  const line = node.loc?.start.line ?? 0;
  const found = (source: unknown, kind: Import['kind'], typeOnly: boolean): Import | undefined => {
    const specifier = textOf(source);
    return specifier === undefined ? undefined : { line, specifier, kind, typeOnly };
  };
  switch (node.type) {
    case 'ImportDeclaration':
      return found(node['source'], 'import', isTypeOnly(node, 'importKind'));
    case 'ExportNamedDeclaration':
      return found(node['source'], 'reexport', isTypeOnly(node, 'exportKind'));
    case 'ExportAllDeclaration':
      return found(node['source'], 'reexport', node['exportKind'] === 'type');
    case 'ImportExpression':
      return found(node['source'], 'dynamic', false);
    case 'TSImportType':
      return found(node['source'] ?? node['argument'], 'dynamic', true);
    case 'CallExpression':
      return calleeName(node) === 'require' || calleeName(node) === 'import'
        ? found(first(node), 'dynamic', false)
        : undefined;
    case 'NewExpression':
      return calleeName(node) === 'URL' && usesImportMeta(node) ? found(first(node), 'url', false) : undefined;
    default:
      return undefined;
  }
}

function isTypeOnly(node: Node, kind: 'importKind' | 'exportKind'): boolean {
  if (node[kind] === 'type') return true;
  const specifiers = node['specifiers'];
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((specifier: unknown) => isNode(specifier) && specifier[kind] === 'type');
}

function calleeName(node: Node): unknown {
  const callee = node['callee'];
  if (!isNode(callee)) return undefined;
  return callee.type === 'Import' ? 'import' : callee['name'];
}

const first = (node: Node): unknown =>
  Array.isArray(node['arguments']) ? (node['arguments'] as unknown[])[0] : undefined;

function usesImportMeta(node: Node): boolean {
  let found = false;
  visit(node['arguments'], (inner) => {
    if (inner.type === 'MetaProperty') found = true;
  });
  return found;
}
