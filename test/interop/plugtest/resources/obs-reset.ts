/** /obs-reset: the word "sesame" makes the server forget who observes /obs (OBS_04). */
import { method, responseCode } from '../../../../src/coap/codec/codes.ts';
import { response } from '../../../../src/coap/response.ts';
import { textOf } from '../../../../src/core/bytes.ts';
import type { Instant } from '../../../../src/core/duration.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';

export class ObsResetResource implements Resource {
  readonly methods: readonly number[] = [method.POST];
  readonly conditional = false;
  readonly multicast = false;
  readonly #forget: (now: Instant) => void;

  constructor(forget: (now: Instant) => void) {
    this.#forget = forget;
  }

  handle({ request, now }: Visit): Answer {
    if (textOf(request.payload) !== 'sesame') return { response: response(responseCode.forbidden, { maxAge: 0 }) };
    this.#forget(now);
    return { response: response(responseCode.changed) };
  }
}
