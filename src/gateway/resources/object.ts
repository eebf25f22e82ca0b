/**
 * /o/{id}: an object that the caller has made (docs/objects.md).
 *
 *   POST /func/{library}/{Class}      makes one: 2.01, Location-Path o/{id}
 *   GET /o/{id}                       what it offers        DELETE /o/{id}            lets go of it
 *   POST /o/{id}/{method}             calls a method; GET and FETCH do where it is safe, and observe a stream
 *   GET /o/{id}/{attribute}           reads an attribute    PUT /o/{id}/{attribute}   sets it to the body
 */
import { contentFormat, type ValueFormat } from '../../cbor/content-format.ts';
import { isSafeMethod, method, responseCode } from '../../coap/codec/codes.ts';
import type { Request } from '../../coap/request.ts';
import { response } from '../../coap/response.ts';
import type { Offer } from '../../functions/call-error.ts';
import type { CallResult } from '../../functions/call.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import type { GivenArguments } from '../bound-call.ts';
import { checkPlace } from '../call-terms.ts';
import { checkStreamWords } from '../control-words.ts';
import {
  boundArguments,
  checkMaking,
  describedClass,
  describedMember,
  memberCall,
  notOfWhole,
  objectRepresentation,
  readObjectWords,
  streamArguments,
} from '../object-requests.ts';
import type { HeldObject } from '../object-leases.ts';
import type { Objects } from '../objects.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { describe } from './description.ts';
import { checkStreamFormat, type CoapStreams } from '../streams/coap-streams.ts';
import { answerFormat, bodyFormatOf, checkFirstBlock, isCurrent } from './formats.ts';

export class ObjectResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.FETCH, method.POST, method.PUT, method.DELETE];
  readonly conditional = false;
  readonly multicast = false;
  readonly #objects: Objects;
  readonly #stream: CoapStreams['answer'];

  constructor(objects: Objects, stream: CoapStreams['answer']) {
    this.#objects = objects;
    this.#stream = stream;
  }

  async handle(visit: Visit): Promise<Answer> {
    const { path, caller } = visit;
    const [, id = '', name] = path;
    const object = this.#objects.find(id, caller);
    return name === undefined ? await this.#whole(visit, object) : await this.#member(visit, object, name);
  }

  /** The class itself was asked: POST makes an object of it. */
  async make(visit: Visit, of: FunctionDescription): Promise<Answer> {
    const { request } = visit;
    const { describe: form, argumentItems } = readObjectWords(visit.query);
    if (form !== undefined) {
      visit.access.checkKnown(of, visit);
      return { response: describe(request, describedClass(of, form, visit)) };
    }
    checkMaking(of, verbOf(request.code), visit);
    const id = await this.#objects.make(of, boundArguments(of, given(request, argumentItems)), visit);
    return { response: response(responseCode.created, { locationPath: ['o', id], maxAge: 0 }) };
  }

  async #whole(visit: Visit, object: HeldObject): Promise<Answer> {
    const { request } = visit;
    const { describe: form = 'description' } = readObjectWords(visit.query);
    if (request.code === method.GET) return { response: describe(request, describedClass(object.of, form, visit)) };
    if (request.code !== method.DELETE) throw notOfWhole();
    await this.#objects.release(object, visit);
    return { response: response(responseCode.deleted) };
  }

  async #member(visit: Visit, object: HeldObject, name: string): Promise<Answer> {
    const { request } = visit;
    const words = readObjectWords(visit.query);
    if (words.describe !== undefined)
      return { response: describe(request, describedMember(object, name, words.describe, visit)) };
    const { fn, operation } = memberCall(object, name, verbOf(request.code), visit);
    checkStreamWords(words.stream, fn);
    checkFirstBlock(request);
    if (fn.stream === true) {
      checkStreamFormat(request);
      const args = boundArguments(fn, given(request, words.argumentItems));
      return await this.#stream(visit, { fn, ...streamArguments(object, args), words: words.stream }, visit.now);
    }
    const format = answerFormat(request, bodyFormatOf(request));
    const args = boundArguments(fn, given(request, words.argumentItems), operation);
    return answerOf(request, await this.#objects.use(object, fn, args, visit), format);
  }
}

function verbOf(code: number): Offer {
  if (isSafeMethod(code)) return 'ask';
  return code === method.POST ? 'call' : code === method.PUT ? 'set' : 'release';
}

/** @throws CallError `bad-request` for a GET with a body */
function given(request: Request, items: readonly string[]): GivenArguments {
  const { payload } = request;
  if (payload.length > 0) checkPlace(request.code === method.GET, items);
  return { body: payload, bodyFormat: bodyFormatOf(request) ?? contentFormat.cbor, items };
}

function answerOf(request: Request, used: CallResult, format: ValueFormat): Answer {
  const { queued, ran } = used;
  const { bytes, format: stated, etag } = objectRepresentation(used, format);
  const content = { contentFormat: stated, payload: bytes, kept: true };
  if (!isSafeMethod(request.code)) return { response: response(responseCode.changed, content), queued, ran };
  if (isCurrent(request, etag)) return { response: response(responseCode.valid, { etag, maxAge: 0 }), queued, ran };
  return { response: response(responseCode.content, { ...content, etag, maxAge: 0 }), queued, ran };
}
