/**
 * From a TypeScript type to the types that are checked before a call. Aliases and interfaces of the
 * same file are followed, and its exported classes are known by the names they are exported under; whatever else a declaration says (generics, imports, mapped and recursive
 * types) is `any`. Nothing here rejects a value that TypeScript would accept in a literal.
 */
import type { ValueType } from '../description.ts';
import { isServedName } from '../names.ts';
import { readLiteral, keyName } from './literal.ts';
import { anyType, intersectionOf, unionOf, type Members } from './value-types.ts';
import type { Interface, Program, Statement, TypeAlias, TypeMember, TypeNode } from './syntax.ts';

/** A type as it stands where a value may be left out. */
export interface MaybeType {
  readonly type: ValueType;
  /** `undefined` or `void` is among the options. */
  readonly optional: boolean;
}

type TypeDeclaration = TypeAlias | Interface;
type NamedExport = Extract<Statement, { type: 'ExportNamedDeclaration' }>;
type TypeReference = Extract<TypeNode, { type: 'TSTypeReference' }>;

export class TypeReader {
  readonly #declared = new Map<string, TypeDeclaration[]>();
  /** Enums and imports: known to be something else than the built-in of that name. */
  readonly #opaque = new Set<string>();
  readonly #isEntry: boolean;
  readonly #classes = new Set<string>();
  /** What names are called outside, by what they are called here. */
  readonly #exported = new Map<string, string>();
  readonly #known = new Map<string, MaybeType>();
  readonly #open = new Set<string>();
  /** How often a recursive type was cut off: what was read meanwhile depends on where reading began. */
  #cuts = 0;

  /** @param isEntry the file whose exports are the library's */
  constructor(program: Program | undefined, isEntry: boolean = true) {
    this.#isEntry = isEntry;
    for (const statement of program?.body ?? []) this.#collect(statement);
  }

  /** `hidden` are the type parameters in scope. */
  read(node: TypeNode, hidden: ReadonlySet<string> = new Set()): MaybeType {
    switch (node.type) {
      case 'TSNumberKeyword':
        return given({ kind: 'number' });
      case 'TSStringKeyword':
      case 'TSTemplateLiteralType':
        return given({ kind: 'string' });
      case 'TSBooleanKeyword':
        return given({ kind: 'boolean' });
      case 'TSBigIntKeyword':
        return given({ kind: 'bigint' });
      case 'TSNullKeyword':
        return given({ kind: 'null' });
      case 'TSUndefinedKeyword':
      case 'TSVoidKeyword':
        return { type: unionOf([]), optional: true };
      case 'TSObjectKeyword':
        return given({ kind: 'object', properties: {}, additional: anyType });
      case 'TSAnyKeyword':
      case 'TSUnknownKeyword':
        return given(anyType);
      case 'TSLiteralType':
        return given(literalType(node));
      case 'TSParenthesizedType':
        return this.read(node.typeAnnotation, hidden);
      case 'TSTypeOperator':
        return node.operator === 'readonly' ? this.read(node.typeAnnotation, hidden) : given(anyType);
      case 'TSArrayType':
        return given({ kind: 'array', items: this.#item(node.elementType, hidden) });
      case 'TSTupleType':
        return given(this.#tuple(node.elementTypes, hidden));
      case 'TSUnionType':
        return this.#union(node.types, hidden);
      case 'TSIntersectionType':
        return given(intersectionOf(node.types.map((part) => this.read(part, hidden).type)));
      case 'TSTypeLiteral':
        return given(this.#members(node.members, hidden));
      case 'TSTypeReference':
        return this.#reference(node, hidden);
      default:
        return given(anyType);
    }
  }

  /** The function type that a name or a literal stands for, so that its parameters give types. */
  functionType(node: TypeNode): Extract<TypeNode, { type: 'TSFunctionType' }> | undefined {
    if (node.type === 'TSFunctionType') return node;
    if (node.type === 'TSParenthesizedType') return this.functionType(node.typeAnnotation);
    if (node.type !== 'TSTypeReference' || node.typeName.type !== 'Identifier') return undefined;
    const [alias] = this.#declared.get(node.typeName.name) ?? [];
    const target = alias?.type === 'TSTypeAliasDeclaration' ? alias.typeAnnotation : undefined;
    return target?.type === 'TSFunctionType' && alias?.typeParameters == null ? target : undefined;
  }

  #collect(statement: Statement): void {
    switch (statement.type) {
      case 'ExportNamedDeclaration':
        if (statement.declaration != null) this.#collect(statement.declaration);
        this.#export(statement);
        return;
      case 'TSTypeAliasDeclaration':
      case 'TSInterfaceDeclaration': {
        const name = statement.id.name;
        this.#declared.set(name, [...(this.#declared.get(name) ?? []), statement]);
        return;
      }
      case 'ClassDeclaration':
        if (statement.id != null) this.#classes.add(statement.id.name);
        break;
      case 'TSEnumDeclaration':
        if (statement.id?.type === 'Identifier') this.#opaque.add(statement.id.name);
        break;
      case 'ImportDeclaration':
        for (const specifier of statement.specifiers) this.#opaque.add(specifier.local.name);
        break;
      default:
    }
  }

  #export({ declaration, specifiers, source, exportKind }: NamedExport): void {
    if (!this.#isEntry) return;
    if (declaration?.type === 'ClassDeclaration' && declaration.id != null)
      this.#callOutside(declaration.id.name, declaration.id.name);
    for (const specifier of source == null && exportKind !== 'type' ? specifiers : []) {
      if (specifier.type !== 'ExportSpecifier' || specifier.exportKind === 'type') continue;
      const { local, exported } = specifier;
      if (local.type === 'Identifier')
        this.#callOutside(local.name, exported.type === 'Identifier' ? exported.name : exported.value);
    }
  }

  /** Of several names the first in the order of a module's own list is its name (runtimes/node/class-names.ts). */
  #callOutside(name: string, outside: string): void {
    const known = this.#exported.get(name);
    if (isServedName(outside) && (known === undefined || outside < known)) this.#exported.set(name, outside);
  }

  /** An object of a class that is exported, so that peers can have one. */
  #instance(name: string): ValueType {
    const exported = this.#exported.get(name);
    return exported === undefined ? anyType : { kind: 'instance', class: exported };
  }

  /** An item of an array or a member: `undefined` among its options leaves the rest unchecked for arrays. */
  #item(node: TypeNode, hidden: ReadonlySet<string>): ValueType {
    const { type, optional } = this.read(node, hidden);
    return optional ? anyType : type;
  }

  #union(nodes: readonly TypeNode[], hidden: ReadonlySet<string>): MaybeType {
    const present: ValueType[] = [];
    let optional = false;
    for (const node of nodes) {
      const part = this.read(node, hidden);
      optional ||= part.optional;
      if (node.type !== 'TSUndefinedKeyword' && node.type !== 'TSVoidKeyword') present.push(part.type);
    }
    return { type: unionOf(present), optional };
  }

  #tuple(elements: Extract<TypeNode, { type: 'TSTupleType' }>['elementTypes'], hidden: ReadonlySet<string>): ValueType {
    const items: ValueType[] = [];
    for (const element of elements) {
      const optional = element.type === 'TSNamedTupleMember' && element.optional;
      const node = element.type === 'TSNamedTupleMember' ? element.elementType : element;
      // Tuples of open length: an array, its items left to the function.
      if (optional || node.type === 'TSOptionalType' || node.type === 'TSRestType') {
        return { kind: 'array', items: anyType };
      }
      items.push(this.#item(node, hidden));
    }
    return { kind: 'tuple', items };
  }

  #members(members: readonly TypeMember[], hidden: ReadonlySet<string>): ValueType {
    const properties = new Map<string, Members[string]>();
    let additional: ValueType | undefined;
    for (const member of members) {
      switch (member.type) {
        case 'TSPropertySignature': {
          const name = keyName(member.key, member.computed);
          if (name === undefined) return anyType;
          const annotation = member.typeAnnotation?.typeAnnotation;
          const read = annotation == null ? given(anyType) : this.read(annotation, hidden);
          properties.set(name, { type: read.type, required: member.optional !== true && !read.optional });
          break;
        }
        case 'TSIndexSignature': {
          const annotation = member.typeAnnotation?.typeAnnotation;
          additional = annotation == null ? anyType : this.#item(annotation, hidden);
          break;
        }
        default:
          // Methods and call signatures: no value that crosses the wire has them.
          return anyType;
      }
    }
    // `{}` is what everything is assignable to.
    if (properties.size === 0 && additional === undefined) return anyType;
    return { kind: 'object', properties: Object.fromEntries(properties), additional };
  }

  #reference(node: TypeReference, hidden: ReadonlySet<string>): MaybeType {
    if (node.typeName.type !== 'Identifier') return given(anyType);
    const name = node.typeName.name;
    if (hidden.has(name)) return given(anyType);
    if (this.#classes.has(name)) return given(this.#instance(name));
    if (this.#opaque.has(name)) return given(anyType);
    if (this.#declared.has(name)) return this.#named(name);
    return this.#builtIn(name, node.typeArguments?.params ?? [], hidden);
  }

  #named(name: string): MaybeType {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#open.has(name)) {
      this.#cuts++;
      return given(anyType);
    }
    this.#open.add(name);
    const cutsBefore = this.#cuts;
    const parts = (this.#declared.get(name) ?? []).map((declaration) => this.#declaration(declaration));
    this.#open.delete(name);
    const [only] = parts;
    const type =
      only !== undefined && parts.length === 1 ? only : given(intersectionOf(parts.map((part) => part.type)));
    if (this.#cuts === cutsBefore || this.#open.size === 0) this.#known.set(name, type);
    return type;
  }

  #declaration(declaration: TypeDeclaration): MaybeType {
    const hidden = typeParameterNames(declaration.typeParameters);
    if (declaration.type === 'TSTypeAliasDeclaration') return this.read(declaration.typeAnnotation, hidden);
    const own = this.#members(declaration.body.body, hidden);
    const parents = (declaration.extends ?? []).map((parent) =>
      parent.expression.type === 'Identifier' && this.#declared.has(parent.expression.name)
        ? this.#named(parent.expression.name).type
        : anyType,
    );
    if (parents.length === 0) return given(own);
    if (declaration.body.body.length === 0) return given(intersectionOf(parents));
    return given(overridden(intersectionOf(parents), own));
  }

  #builtIn(name: string, parameters: readonly TypeNode[], hidden: ReadonlySet<string>): MaybeType {
    const [first, second] = parameters;
    switch (name) {
      case 'Uint8Array':
        return given({ kind: 'bytes' });
      case 'Date':
        return given({ kind: 'date' });
      case 'Array':
      case 'ReadonlyArray':
        return given({ kind: 'array', items: first === undefined ? anyType : this.#item(first, hidden) });
      case 'Promise':
      case 'PromiseLike':
      case 'Awaited':
      case 'Readonly':
        return first === undefined ? given(anyType) : this.read(first, hidden);
      case 'NonNullable': {
        const inner = first === undefined ? anyType : this.read(first, hidden).type;
        return given(inner.kind === 'union' ? unionOf(inner.options.filter((o) => o.kind !== 'null')) : inner);
      }
      case 'Partial':
      case 'Required': {
        const inner = first === undefined ? anyType : this.read(first, hidden).type;
        return given(withRequired(inner, name === 'Required'));
      }
      case 'Record':
        return given(this.#record(first, second, hidden));
      default:
        return given(anyType);
    }
  }

  #record(key: TypeNode | undefined, value: TypeNode | undefined, hidden: ReadonlySet<string>): ValueType {
    const keys = key === undefined ? anyType : this.read(key, hidden).type;
    const read: MaybeType = value === undefined ? given(anyType) : this.read(value, hidden);
    const names = (keys.kind === 'union' ? keys.options : [keys]).map((option) =>
      option.kind === 'literal' ? String(option.value) : undefined,
    );
    if (!names.every((name) => name !== undefined)) {
      return { kind: 'object', properties: {}, additional: read.optional ? anyType : read.type };
    }
    const member = { type: read.type, required: !read.optional };
    return {
      kind: 'object',
      properties: Object.fromEntries(names.map((name) => [name, member])),
      additional: undefined,
    };
  }
}

const given = (type: ValueType): MaybeType => ({ type, optional: false });

export function typeParameterNames(node: object | null | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  if (node == null || !('params' in node) || !Array.isArray(node.params)) return names;
  for (const parameter of node.params as readonly { readonly name: string | { readonly name: string } }[]) {
    names.add(typeof parameter.name === 'string' ? parameter.name : parameter.name.name);
  }
  return names;
}

function literalType(node: Extract<TypeNode, { type: 'TSLiteralType' }>): ValueType {
  if (node.literal.type === 'TemplateLiteral') return { kind: 'string' };
  const value = readLiteral(node.literal, new Map())?.value;
  if (typeof value === 'bigint') return { kind: 'bigint' };
  const simple = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return simple ? { kind: 'literal', value } : anyType;
}

/** An interface's own members stand in place of inherited ones. */
function overridden(inherited: ValueType, own: ValueType): ValueType {
  if (inherited.kind !== 'object' || own.kind !== 'object') return anyType;
  return {
    kind: 'object',
    properties: { ...inherited.properties, ...own.properties },
    additional: own.additional ?? inherited.additional,
  };
}

function withRequired(type: ValueType, required: boolean): ValueType {
  if (type.kind !== 'object') return anyType;
  const members = Object.entries(type.properties).map(([name, member]) => [name, { type: member.type, required }]);
  return { ...type, properties: Object.fromEntries(members) as Members };
}
