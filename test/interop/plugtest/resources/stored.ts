/** A representation that is read, replaced and deleted, conditionally too: /validate, /create1, /large-update. */
import { method, responseCode } from '../../../../src/coap/codec/codes.ts';
import { response } from '../../../../src/coap/response.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import {
  isPreconditionFailed,
  nothingHere,
  preconditionFailed,
  read,
  received,
  type Representation,
} from '../representation.ts';

export class StoredResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.PUT, method.DELETE];
  readonly conditional = true;
  readonly multicast = false;
  #current: Representation | undefined;

  /** Undefined: it does not exist before it is PUT. */
  constructor(initial: Representation | undefined) {
    this.#current = initial;
  }

  get exists(): boolean {
    return this.#current !== undefined;
  }

  handle({ request }: Visit): Answer {
    const current = this.#current;
    if (isPreconditionFailed(request, current)) return { response: preconditionFailed };
    switch (request.code) {
      case method.PUT:
        this.#current = received(request);
        return { response: response(current === undefined ? responseCode.created : responseCode.changed) };
      case method.DELETE:
        this.#current = undefined;
        return { response: response(responseCode.deleted) }; // RFC 7252 §5.8.4: also where there was nothing
      default:
        if (current === undefined) throw nothingHere();
        return { response: read(request, current) };
    }
  }
}
