/**
 * /o/{id}: an object that the caller has made (docs/objects.md).
 *
 *   POST /func/{library}/{Class}      makes one: 2.01, Location-Path o/{id}
 *   GET /o/{id}                       what it offers        DELETE /o/{id}            lets go of it
 *   POST /o/{id}/{method}             calls a method; GET and FETCH do where it is safe
 *   GET /o/{id}/{attribute}           reads an attribute    PUT /o/{id}/{attribute}   sets it to the body
 */
import { etagOf } from '../../cache/etag.ts';
import type { ValueFormat } from '../../cbor/content-format.ts';
import { contentFormat } from '../../cbor/content-format.ts';
import { encodeRepresentation } from '../../cbor/representation.ts';
import { isSafeMethod, method, responseCode } from '../../coap/codec/codes.ts';
import type { Request } from '../../coap/request.ts';
import { response } from '../../coap/response.ts';
import { UsageError } from '../../core/error.ts';
import { bind, type ArgumentInput } from '../../functions/binding.ts';
import { CallError } from '../../functions/call-error.ts';
import type { CallResult } from '../../functions/call.ts';
import type { FunctionDescription, MemberDescription } from '../../functions/description.ts';
import { memberFunction, type ObjectOperation } from '../../functions/object-calls.ts';
import { readBody } from '../body.ts';
import { checkPlace, checkSafe } from '../call-terms.ts';
import { readControlWords } from '../control-words.ts';
import type { HeldObject, Objects } from '../objects.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { describeFunction } from './description.ts';
import { answerFormat, bodyFormatOf, isCurrent } from './formats.ts';

export class ObjectResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.FETCH, method.POST, method.PUT, method.DELETE];
  readonly conditional = false;
  readonly multicast = false;
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  async handle(visit: Visit): Promise<Answer> {
    const { path, caller, request } = visit;
    const [, id = '', name] = path;
    const object = this.#objects.find(id, caller);
    return name === undefined ? await this.#whole(visit, object) : await this.#member(visit, request, object, name);
  }

  /** The class itself was asked: POST makes an object of it. */
  async make(visit: Visit, of: FunctionDescription): Promise<Answer> {
    const { request, access } = visit;
    access.checkFunction(of, visit);
    const { describe: form, job, argumentItems } = readControlWords(visit.query);
    if (form !== undefined) return { response: describeFunction(request, of, form) };
    if (request.code !== method.POST || job)
      throw new CallError('method-not-allowed', `${of.library}/${of.method} is a class: POST makes an object of it.`);
    const args = bind(of, inputOf(request, argumentItems));
    const id = await this.#objects.make(of, args, visit);
    return { response: response(responseCode.created, { locationPath: ['o', id], maxAge: 0 }) };
  }

  async #whole(visit: Visit, object: HeldObject): Promise<Answer> {
    const { request } = visit;
    if (request.code === method.GET) return { response: describeFunction(request, object.of, 'description') };
    if (request.code !== method.DELETE)
      throw new CallError('method-not-allowed', 'An object has GET and DELETE; call its methods below it.');
    await this.#objects.release(object, visit);
    return { response: response(responseCode.deleted) };
  }

  async #member(visit: Visit, request: Request, object: HeldObject, name: string): Promise<Answer> {
    const { of } = object;
    const member = of.members?.find((candidate) => candidate.name === name);
    if (member === undefined) {
      throw new CallError('no-such-method', `${of.library}/${of.method} has no ${name.slice(0, 64)}; GET the object.`);
    }
    const operation = operationOf(request.code, member);
    const fn = memberFunction(of, member, operation);
    visit.access.checkFunction(fn, visit);
    if (isSafeMethod(request.code)) checkSafe(fn);
    const { argumentItems } = readControlWords(visit.query);
    const format = answerFormat(request, bodyFormatOf(request));
    const args = bind(fn, operation === 'set' ? valueOf(request) : inputOf(request, argumentItems));
    const result = await this.#objects.use(object, fn, args, visit);
    return answerOf(request, result, format);
  }
}

/** @throws CallError `method-not-allowed` */
function operationOf(code: number, { kind, name, readable, writable }: MemberDescription): ObjectOperation {
  const isSafe = isSafeMethod(code);
  if (kind === 'method' && (isSafe || code === method.POST)) return 'call';
  if (kind === 'attribute' && isSafe && readable) return 'read';
  if (kind === 'attribute' && code === method.PUT && writable) return 'set';
  const offered = kind === 'method' ? 'POST, and GET where it is safe' : writable ? 'GET and PUT' : 'GET';
  throw new CallError('method-not-allowed', `${name} has ${offered}.`);
}

function inputOf(request: Request, items: readonly string[]): ArgumentInput {
  if (request.payload.length === 0) return items.length === 0 ? { kind: 'none' } : { kind: 'query', items };
  checkPlace(request.code === method.GET, items);
  return readBody(request.payload, bodyFormatOf(request) ?? contentFormat.cbor);
}

/** The body is the value, and not a list of arguments. */
function valueOf(request: Request): ArgumentInput {
  if (request.payload.length === 0) return { kind: 'none' };
  const read = readBody(request.payload, bodyFormatOf(request) ?? contentFormat.cbor);
  return read.kind === 'body' ? { kind: 'body', value: [read.value] } : read;
}

function answerOf(request: Request, { value, queued, ran }: CallResult, format: ValueFormat): Answer {
  const payload = encoded(value, format);
  const content = { contentFormat: value === undefined ? undefined : format, payload, kept: true };
  if (!isSafeMethod(request.code)) return { response: response(responseCode.changed, content), queued, ran };
  const etag = etagOf(content.contentFormat ?? format, payload);
  if (isCurrent(request, etag)) return { response: response(responseCode.valid, { etag, maxAge: 0 }), queued, ran };
  return { response: response(responseCode.content, { ...content, etag, maxAge: 0 }), queued, ran };
}

function encoded(value: CallResult['value'], format: ValueFormat): Uint8Array {
  try {
    return encodeRepresentation(value, format);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new CallError('unencodable-result', `The result cannot be sent: ${error.message}`, { cause: error });
  }
}
