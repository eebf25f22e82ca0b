/**
 * /test: every method of RFC 7252 on one resource (CORE_01 to 08, 10, 12, 15, 18).
 * POST creates /location1/location2/location3. DELETE takes what was PUT away; /test itself stays.
 */
import { method, responseCode } from '../../../../src/coap/codec/codes.ts';
import { response } from '../../../../src/coap/response.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import {
  isPreconditionFailed,
  preconditionFailed,
  read,
  received,
  text,
  type Representation,
} from '../representation.ts';
import type { CreatedResources } from './created.ts';

const untouched = text('This is /test, and nothing was PUT here yet.');
export const testLocation: readonly string[] = ['location1', 'location2', 'location3'];

export class TestResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.POST, method.PUT, method.DELETE];
  readonly conditional = true;
  readonly multicast = false;
  readonly #created: CreatedResources;
  #put: Representation | undefined;

  constructor(created: CreatedResources) {
    this.#created = created;
  }

  handle({ request }: Visit): Answer {
    const current = this.#put ?? untouched;
    if (isPreconditionFailed(request, current)) return { response: preconditionFailed };
    switch (request.code) {
      case method.POST:
        this.#created.create(testLocation, received(request));
        return { response: response(responseCode.created, { locationPath: testLocation }) };
      case method.PUT:
        this.#put = received(request);
        return { response: response(responseCode.changed) };
      case method.DELETE:
        this.#put = undefined;
        return { response: response(responseCode.deleted) };
      default:
        return { response: read(request, current) };
    }
  }
}
