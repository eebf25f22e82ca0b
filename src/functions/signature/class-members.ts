/**
 * What the objects of a class offer: public methods, fields and accessors, as they are written in the class. Nothing is run.
 *
 * Left out: static members, what is private (`#x`, `private`, `protected`, a name that begins with `_`), generators, computed
 * names, and what a superclass has.
 */
import { readDoc, type Doc } from './jsdoc.ts';
import { readDocType } from './jsdoc-type.ts';
import type { DeclaredParameter } from './declared-export.ts';
import { nameOf, type Module } from './module-names.ts';
import { readParameters } from './parameters.ts';
import { docComment, type ClassMember, type ClassNode } from './syntax.ts';
import type { MemberDescription, ParameterDescription, ValueType } from '../description.ts';

export interface ClassShape {
  /** Of the constructor. */
  readonly parameters: readonly DeclaredParameter[];
  readonly members: readonly MemberDescription[];
}

type Method = Extract<ClassMember, { type: 'ClassMethod' }>;
type Property = Extract<ClassMember, { type: 'ClassProperty' }>;

/** @param where file, line and name, for errors @throws UsageError `library-tag`, `library-parameter` */
export function readClass(node: ClassNode, classDoc: Doc, module: Module, where: string): ClassShape {
  const members = new Map<string, MemberDescription>();
  let parameters: readonly DeclaredParameter[] = [];
  for (const member of node.body.body) {
    if (member.type === 'ClassMethod' && member.kind === 'constructor') {
      const comment = docComment(member.leadingComments);
      const doc = comment === undefined ? classDoc : readDoc(comment, where);
      parameters = parametersOf(member, doc, module, where);
      continue;
    }
    if (member.type !== 'ClassMethod' && member.type !== 'ClassProperty') continue;
    const name = publicName(member);
    if (name === undefined) continue;
    const at = `${where}.${name}`;
    const doc = readDoc(docComment(member.leadingComments), at);
    const known = members.get(name);
    if (member.type === 'ClassProperty')
      members.set(name, attribute(name, doc, typeOf(member, module), member.readonly !== true));
    else if (member.kind === 'get') {
      const type = returned(member, doc, module);
      members.set(name, { ...attribute(name, doc, type, false), writable: known?.writable === true });
    } else if (member.kind === 'set') {
      const [parameter] = parametersOf(member, doc, module, at);
      const isReadable = known?.readable === true;
      members.set(name, {
        ...(known ?? attribute(name, doc, undefined, true)),
        parameters: parameter === undefined ? [] : [valueParameter(parameter.type)],
        readable: isReadable,
        writable: true,
      });
    } else if (!member.generator) {
      members.set(name, {
        name,
        kind: 'method',
        // The lock file gives ids to parameters of functions and constructors.
        parameters: parametersOf(member, doc, module, at).map((parameter) => ({ ...parameter, id: undefined })),
        returns: returned(member, doc, module),
        title: doc.title,
        doc: doc.text,
        safe: doc.safe,
        readable: false,
        writable: false,
        timeLimit: doc.timeLimit,
      });
    }
  }
  return { parameters, members: [...members.values()] };
}

function publicName(member: Method | Property): string | undefined {
  if (member.static || member.computed || member.key.type !== 'Identifier') return undefined;
  if (member.accessibility === 'private' || member.accessibility === 'protected') return undefined;
  const name = nameOf(member.key);
  return name.startsWith('_') || name === 'constructor' ? undefined : name;
}

const anything: ValueType = { kind: 'any' };

const valueParameter = (type: ValueType): ParameterDescription => ({
  name: 'value',
  id: undefined,
  type,
  required: true,
  rest: false,
  doc: undefined,
});

const attribute = (name: string, doc: Doc, type: ValueType | undefined, writable: boolean): MemberDescription => ({
  name,
  kind: 'attribute',
  parameters: [valueParameter(type ?? anything)],
  returns: type,
  title: doc.title,
  doc: doc.text,
  safe: true,
  readable: true,
  writable,
  timeLimit: doc.timeLimit,
});

function parametersOf(method: Method, doc: Doc, module: Module, where: string): readonly DeclaredParameter[] {
  const nodes = method.params.filter((param) => param.type !== 'TSParameterProperty');
  return readParameters(nodes, [], { types: module.types, constants: module.constants, doc, hidden: none, where });
}

const none: ReadonlySet<string> = new Set();

function returned({ returnType }: Method, doc: Doc, module: Module): ValueType | undefined {
  if (returnType?.type === 'TSTypeAnnotation') {
    const { type, optional } = module.types.read(returnType.typeAnnotation, none);
    return optional ? undefined : type;
  }
  return doc.returns?.type === undefined ? undefined : readDocType(doc.returns.type, module.types);
}

function typeOf({ typeAnnotation }: Property, module: Module): ValueType | undefined {
  if (typeAnnotation?.type !== 'TSTypeAnnotation') return undefined;
  const { type, optional } = module.types.read(typeAnnotation.typeAnnotation, none);
  return optional ? undefined : type;
}
