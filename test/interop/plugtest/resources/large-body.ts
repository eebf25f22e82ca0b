/** Bodies that come block by block (RFC 7959 §2.3): /large-create stores them, /large-post answers with as much. */
import { method, responseCode } from '../../../../src/coap/codec/codes.ts';
import { response } from '../../../../src/coap/response.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import { textOf } from '../../../../src/core/bytes.ts';
import { CallError } from '../../../../src/functions/call-error.ts';
import { received, text } from '../representation.ts';
import type { CreatedResources } from './created.ts';

/** BLOCK_04: each POST creates another resource below /created. */
export class LargeCreateResource implements Resource {
  readonly methods: readonly number[] = [method.POST];
  readonly conditional = false;
  readonly multicast = false;
  readonly #created: CreatedResources;
  #count = 0;

  constructor(created: CreatedResources) {
    this.#created = created;
  }

  handle({ request }: Visit): Answer {
    const locationPath = ['created', String(++this.#count)];
    this.#created.create(locationPath, received(request));
    return { response: response(responseCode.created, { locationPath }) };
  }
}

/** BLOCK_05: the answer is the text that was sent, in capitals. */
export class LargePostResource implements Resource {
  readonly methods: readonly number[] = [method.POST];
  readonly conditional = false;
  readonly multicast = false;

  handle({ request }: Visit): Answer {
    const sent = textOf(request.payload);
    if (sent === undefined) throw new CallError('malformed-body', 'The body is not UTF-8; send text.');
    const { format, body } = text(sent.toUpperCase());
    // RFC 7959 §2.7: what the POST made is read on without doing it again.
    return { response: response(responseCode.changed, { contentFormat: format, payload: body, kept: true }) };
  }
}
