/** /b: several calls in one request (batch-body.ts), FETCH where all are safe, POST otherwise. */
import { etagOf } from '../../cache/etag.ts';
import { isSafeMethod, method, responseCode } from '../../coap/codec/codes.ts';
import { response } from '../../coap/response.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Batches } from '../batch.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { answerFormat, bodyFormatOf, isCurrent } from './formats.ts';

export class BatchResource implements Resource {
  readonly methods: readonly number[] = [method.POST, method.FETCH];
  readonly conditional = false;
  readonly multicast = false;
  readonly #batches: Batches;

  constructor(batches: Batches) {
    this.#batches = batches;
  }

  async handle(visit: Visit): Promise<Answer> {
    const { request, caller, access, correlationId } = visit;
    if ((request.block2?.num ?? 0) > 0) {
      throw new CallError('incomplete', 'There is no stored answer to continue with this block; send the batch again.');
    }
    const bodyFormat = bodyFormatOf(request);
    const format = answerFormat(request, bodyFormat);
    const safe = isSafeMethod(request.code);
    const { bytes, maxAge, calls, queued, ran } = await this.#batches.run(
      { body: request.payload, bodyFormat: bodyFormat ?? format, query: visit.query, safe, format },
      { caller, endpoint: request.peer.endpoint, access, correlationId },
    );
    const told = { calls, queued, ran };
    const content = { contentFormat: format, payload: bytes, kept: true };
    if (!safe) return { ...told, response: response(responseCode.changed, content) };
    const etag = etagOf(format, bytes);
    const validity = { etag, maxAge: maxAge / 1000 };
    if (isCurrent(request, etag)) return { ...told, response: response(responseCode.valid, validity) };
    return { ...told, response: response(responseCode.content, { ...content, ...validity }) };
  }
}
