/**
 * Parses a library's source with @babel/parser and names the nodes that the readers look at.
 * The node types are derived from what `parse` returns.
 */
import { parse } from '@babel/parser';
import { UsageError } from '../../core/error.ts';
import { withRemedy } from '../load-remedies.ts';
import { beginsWithPromise } from './jsdoc.ts';

export type Program = ReturnType<typeof parse>['program'];
export type Statement = Program['body'][number];
export type FunctionDeclaration = Extract<Statement, { type: 'FunctionDeclaration' }>;
export type VariableDeclaration = Extract<Statement, { type: 'VariableDeclaration' }>;
export type VariableDeclarator = VariableDeclaration['declarations'][number];
export type Expression = NonNullable<VariableDeclarator['init']>;
export type TypeAlias = Extract<Statement, { type: 'TSTypeAliasDeclaration' }>;
export type Interface = Extract<Statement, { type: 'TSInterfaceDeclaration' }>;
export type TypeNode = TypeAlias['typeAnnotation'];
export type TypeMember = Interface['body']['body'][number];
export type FunctionExpression = Extract<Expression, { type: 'FunctionExpression' | 'ArrowFunctionExpression' }>;
export type FunctionNode = FunctionDeclaration | FunctionExpression;
export type ClassNode =
  | Extract<Statement, { type: 'ClassDeclaration' }>
  | Extract<Expression, { type: 'ClassExpression' }>;
export type ClassMember = ClassNode['body']['body'][number];
export type ParameterNode = FunctionNode['params'][number];
export type ObjectPattern = Extract<ParameterNode, { type: 'ObjectPattern' }>;
type Comments = Statement['leadingComments'];

/** @throws UsageError `library-syntax` with file, line and column. */
export function parseSource(source: string, file: string): Program {
  try {
    return parse(source, {
      sourceType: 'module',
      sourceFilename: file,
      plugins: /\.[cm]?ts$/.test(file) ? ['typescript'] : [],
    }).program;
  } catch (cause) {
    throw new UsageError('library-syntax', `${file}:${place(cause)}`, { cause });
  }
}

/** The type that a piece of TypeScript writes, or undefined where it writes none. */
export function parseType(text: string): TypeNode | undefined {
  try {
    const [statement] = parse(`type T = ${text};`, { sourceType: 'module', plugins: ['typescript'] }).program.body;
    return statement?.type === 'TSTypeAliasDeclaration' ? statement.typeAnnotation : undefined;
  } catch {
    return undefined;
  }
}

/** `3:14: Unexpected token; mend it and save the file.`, counted from 1 as editors do. */
function place(cause: unknown): string {
  if (!(cause instanceof SyntaxError)) return `1:1: ${withRemedy('the file cannot be parsed')}`;
  const message = cause.message
    .replace(/\s*\(\d+:\d+\)\.?$/, '')
    .replace(/\.$/, '')
    .replace(/\s*\n\s*/g, ' ');
  const at: unknown = 'loc' in cause ? cause.loc : undefined;
  const known = typeof at === 'object' && at !== null && 'line' in at && 'column' in at;
  const line = known && typeof at.line === 'number' ? at.line : 1;
  const column = known && typeof at.column === 'number' ? at.column + 1 : 1;
  return `${line}:${column}: ${withRemedy(message)}`;
}

/** The text of the last doc comment before a node, with its second star; else of a comment that looks like one. */
export function docComment(comments: Comments): string | undefined {
  const all = comments ?? [];
  const doc = all.findLast((comment) => comment.type === 'CommentBlock' && comment.value.startsWith('*'));
  return (doc ?? all.find((comment) => beginsWithPromise.test(comment.value)))?.value;
}

/** `f` of `(f as T)`, `f satisfies T`, `f!`. */
export function unwrap(node: Expression): Expression {
  switch (node.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'ParenthesizedExpression':
      return unwrap(node.expression);
    default:
      return node;
  }
}
