/** /b: several calls in one request (batch-body.ts), FETCH where all are safe, POST otherwise. */
import { etagOf } from '../../cache/etag.ts';
import { isSafeMethod, method, responseCode } from '../../coap/codec/codes.ts';
import { response } from '../../coap/response.ts';
import { CallError } from '../../functions/call-error.ts';
import { readBatch } from '../batch-body.ts';
import type { Batches } from '../batch.ts';
import { readWanted } from '../control-words.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { answerFormat, bodyFormatOf, isCurrent } from './formats.ts';

export class BatchResource implements Resource {
  readonly methods: readonly number[] = [method.POST, method.FETCH];
  readonly conditional = false;
  readonly multicast = false;
  readonly #batches: Batches;
  readonly #rateLimit: RateLimit;

  constructor(batches: Batches, rateLimit: RateLimit) {
    this.#batches = batches;
    this.#rateLimit = rateLimit;
  }

  async handle(visit: Visit): Promise<Answer> {
    const { request, caller, access, correlationId, now } = visit;
    if ((request.block2?.num ?? 0) > 0) {
      throw new CallError('incomplete', 'There is no stored answer to continue with this block; send the batch again.');
    }
    const wanted = readWanted(visit.query);
    const bodyFormat = bodyFormatOf(request);
    const format = answerFormat(request, bodyFormat);
    if (bodyFormat === undefined) throw new CallError('bad-request', 'A batch has a body: [[target, arguments], …].');
    const body = readBatch(request.payload, bodyFormat);
    const { endpoint } = request.peer;
    // Each call counts as a request does; the first one was counted when the batch came.
    for (let further = 1; further < body.calls.length; further++) {
      const retryAfter = this.#rateLimit.take(endpoint, now, access.rate);
      if (retryAfter !== undefined)
        throw new CallError('rate-exceeded', 'Too many calls from this peer; wait as Max-Age says.', { retryAfter });
    }
    const safe = isSafeMethod(request.code);
    const by = { caller, callerKey: endpoint.key, access, correlationId };
    const { bytes, maxAge, calls, queued, ran } = await this.#batches.run(body, by, { safe, wanted, format });
    const told = { calls, queued, ran };
    const content = { contentFormat: format, payload: bytes, kept: true };
    if (!safe) return { ...told, response: response(responseCode.changed, content) };
    const etag = etagOf(format, bytes);
    const validity = { etag, maxAge: maxAge / 1000 };
    if (isCurrent(request, etag)) return { ...told, response: response(responseCode.valid, validity) };
    return { ...told, response: response(responseCode.content, { ...content, ...validity }) };
  }
}
