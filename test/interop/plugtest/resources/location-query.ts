/** /location-query: what POST creates is found under a query of the same path (CORE_19; RFC 7252 §5.10.7). */
import { method, responseCode } from '../../../../src/coap/codec/codes.ts';
import { response } from '../../../../src/coap/response.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import { nothingHere, read, received, type Representation } from '../representation.ts';

const locationQuery: readonly string[] = ['first=1', 'second=2'];

export class LocationQueryResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.POST];
  readonly conditional = false;
  readonly multicast = false;
  #posted: Representation | undefined;

  handle({ request, query }: Visit): Answer {
    if (request.code === method.POST) {
      this.#posted = received(request);
      return { response: response(responseCode.created, { locationQuery }) };
    }
    if (this.#posted === undefined || query.join('&') !== locationQuery.join('&')) throw nothingHere();
    return { response: read(request, this.#posted) };
  }
}
