/**
 * What the objects of a class offer: public methods, fields and accessors, as they are written in the class and in the classes of the
 * library that it extends (lineage.ts). Nothing is run.
 *
 * Left out: static members, what is private (`#x`, `private`, `protected`, a name that begins with `_`), streams that are not safe,
 * and computed names.
 */
import { UsageError } from '../../core/error.ts';
import { instanceModeOf } from './instance-mode.ts';
import { readDoc, type Doc } from './jsdoc.ts';
import { readDocType } from './jsdoc-type.ts';
import type { DeclaredParameter } from './declared-export.ts';
import { lineageOf, type WrittenClass } from './lineage.ts';
import { lineOf, nameOf, type Module } from './module-names.ts';
import { readParameters } from './parameters.ts';
import { isStreamType, itemType, streamProblem } from './streams.ts';
import { docComment, unwrap, type ClassMember, type FunctionNode } from './syntax.ts';
import { typeParameterNames } from './typescript-type.ts';
import type { InstanceMode, MemberDescription, ParameterDescription, ValueType } from '../description.ts';

export interface ClassShape {
  /** Of the constructor, where callers may make objects. */
  readonly parameters: readonly DeclaredParameter[];
  readonly members: readonly MemberDescription[];
  readonly instance: InstanceMode | undefined;
  readonly notMade: string | undefined;
}

type Method = Extract<ClassMember, { type: 'ClassMethod' }>;
type BodilessMethod = Extract<ClassMember, { type: 'TSDeclareMethod' }>;
type Property = Extract<ClassMember, { type: 'ClassProperty' }>;
/** What is called, however it is written. */
type Called = Pick<Method | BodilessMethod | FunctionNode, 'returnType'> & {
  readonly params: Method['params'] | FunctionNode['params'];
};

/** Where a member stands. */
interface Place {
  readonly module: Module;
  /** Type parameters of the class. */
  readonly hidden: ReadonlySet<string>;
  /** What the class is called. */
  readonly name: string;
  /** File, line and name, for errors. */
  readonly where: string;
}

/** What stands in the class, on a line of its own. */
const placeIn = (place: Place, node: ClassMember, member = ''): Place => ({
  ...place,
  where: `${place.module.file}:${lineOf(node)}: ${place.name}${member}`,
});

/** Making an object is no promise's; what its methods promise, they say themselves. */
function checkPromises({ safe, inline }: Doc, where: string): void {
  if (safe)
    throw new UsageError(
      'library-tag',
      `${where} is a class, and making an object of it is not safe; promise @safe of its methods.`,
    );
  if (inline)
    throw new UsageError('library-tag', `${where} cannot be inline: objects live on a thread; remove @inline.`);
}

/** Why nobody makes objects of a class. @param constructor its own, or the nearest that it inherits */
function notMadeOf({ node }: WrittenClass, constructor: Method | undefined): string | undefined {
  if (node.type === 'ClassDeclaration' && node.abstract === true)
    return 'it is abstract; make an object of a class that extends it';
  if (constructor === undefined || !isHidden(constructor)) return undefined;
  return `its constructor is ${constructor.accessibility}; export a function that returns an object of it, and call that`;
}

/** @param name what it is exported as @param where file, line and name, for errors @throws UsageError `library-syntax`, `library-tag`, `library-parameter` */
export function readClass(written: WrittenClass, classDoc: Doc, name: string, where: string): ClassShape {
  checkPromises(classDoc, where);
  const members = new Map<string, MemberDescription>();
  const lineage = lineageOf(written);
  const constructors = lineage.map(({ node }) => node.body.body.find(isConstructor));
  const notMade = notMadeOf(
    written,
    constructors.findLast((constructor) => constructor !== undefined),
  );
  let parameters: readonly DeclaredParameter[] = [];
  for (const [index, each] of lineage.entries()) {
    const { node, module } = each;
    const own = each === written;
    const place: Place = {
      module,
      hidden: typeParameterNames(node.typeParameters),
      name: own ? name : (node.id?.name ?? 'class'),
      where,
    };
    const constructor = constructors[index];
    if (constructor !== undefined && notMade === undefined) {
      const at = placeIn(place, constructor);
      const comment = docComment(constructor.leadingComments);
      // What a class says of parameters, it says of its constructor's.
      const doc = comment === undefined && own ? classDoc : readDoc(comment, at.where);
      parameters = parametersOf(constructor, doc, at);
    }
    for (const [name, member] of membersOf(node.body.body, place)) {
      // What a class hides or writes anew is not its superclass's any more.
      members.delete(name);
      if (member !== undefined) members.set(name, member);
    }
  }
  const instance = instanceModeOf(classDoc, parameters, notMade, where);
  return { parameters, members: [...members.values()], instance, notMade };
}

/** By name, in the order in which they are written; undefined: there is one, and not for callers. */
function membersOf(nodes: readonly ClassMember[], place: Place): Map<string, MemberDescription | undefined> {
  const members = new Map<string, MemberDescription | undefined>();
  for (const node of nodes) {
    // A method without a body is abstract, or an overload of the one below that has one.
    if (node.type !== 'ClassMethod' && node.type !== 'ClassProperty' && node.type !== 'TSDeclareMethod') continue;
    const name = memberName(node);
    if (name === undefined) continue;
    members.set(name, isHidden(node) ? undefined : readMember(name, node, members.get(name), place));
  }
  return members;
}

function memberName(node: Method | BodilessMethod | Property): string | undefined {
  if (node.static || node.computed || node.key.type !== 'Identifier') return undefined;
  const name = nameOf(node.key);
  return name.startsWith('_') || name === 'constructor' ? undefined : name;
}

const isHidden = ({ accessibility }: Method | BodilessMethod | Property): boolean =>
  accessibility === 'private' || accessibility === 'protected';

const isConstructor = (node: ClassMember): node is Method => node.type === 'ClassMethod' && node.kind === 'constructor';

/** @param known the other half of an accessor */
function readMember(
  name: string,
  node: Method | BodilessMethod | Property,
  known: MemberDescription | undefined,
  place: Place,
): MemberDescription | undefined {
  const at = placeIn(place, node, `.${name}`);
  const doc = readDoc(docComment(node.leadingComments), at.where);
  if (doc.inline)
    throw new UsageError(
      'library-tag',
      `${at.where} cannot be inline: it runs on the thread of its object; remove @inline.`,
    );
  if (node.type === 'ClassProperty') {
    const value = node.value == null ? undefined : unwrap(node.value);
    if (value?.type === 'ArrowFunctionExpression' || value?.type === 'FunctionExpression')
      return method(name, value, value.generator === true, doc, at);
    const type = typeAt(node.typeAnnotation, at);
    return attribute(name, doc, type, node.readonly !== true);
  }
  switch (node.kind) {
    case 'get':
      return { ...attribute(name, doc, returned(node, doc, at), false), writable: known?.writable === true };
    case 'set': {
      const [parameter] = parametersOf(node, doc, at);
      return {
        ...(known ?? attribute(name, doc, undefined, true)),
        parameters: parameter === undefined ? [] : [valueParameter(parameter.type)],
        readable: known?.readable === true,
        writable: true,
      };
    }
    default:
      return method(name, node, node.generator, doc, at);
  }
}

/** Undefined where it is a stream that is not for callers, as a function would not be. */
function method(name: string, node: Called, generator: boolean, doc: Doc, place: Place): MemberDescription | undefined {
  const annotation = node.returnType?.type === 'TSTypeAnnotation' ? node.returnType.typeAnnotation : undefined;
  const stream = generator || isStreamType(annotation);
  if (stream && streamProblem(doc) !== undefined) return undefined;
  return {
    name,
    kind: 'method',
    // The lock file gives ids to parameters of functions and constructors.
    parameters: parametersOf(node, doc, place).map((parameter) => ({ ...parameter, id: undefined })),
    returns: stream ? itemType(annotation, doc, place.hidden, place.module.types) : returned(node, doc, place),
    title: doc.title,
    doc: doc.text,
    safe: doc.safe,
    ...(stream && { stream }),
    readable: false,
    writable: false,
    timeLimit: doc.timeLimit,
  };
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

function parametersOf({ params }: Called, doc: Doc, { module, hidden, where }: Place): readonly DeclaredParameter[] {
  const nodes = [...params].filter((param) => param.type !== 'TSParameterProperty');
  return readParameters(nodes, [], { types: module.types, constants: module.constants, doc, hidden, where });
}

function returned({ returnType }: Called, doc: Doc, place: Place): ValueType | undefined {
  if (returnType?.type === 'TSTypeAnnotation') return typeAt(returnType, place);
  return doc.returns?.type === undefined ? undefined : readDocType(doc.returns.type, place.module.types);
}

function typeAt(annotation: Called['returnType'], { module, hidden }: Place): ValueType | undefined {
  if (annotation?.type !== 'TSTypeAnnotation') return undefined;
  const { type, optional } = module.types.read(annotation.typeAnnotation, hidden);
  return optional ? undefined : type;
}
