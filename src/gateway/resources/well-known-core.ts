/** /.well-known/core (RFC 6690 §4; RFC 7252 §7.2): links to what the gateway offers, filtered by the query. */
import { method } from '../../coap/codec/codes.ts';
import { coreLinks } from '../../directory/function-links.ts';
import type { Link } from '../../directory/link-format.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import type { LibraryCatalogue } from './catalogue.ts';
import { describe } from './description.ts';

export class WellKnownCoreResource implements Resource {
  readonly methods: readonly number[] = [method.GET];
  readonly conditional = false;
  readonly multicast = true;
  readonly #catalogue: LibraryCatalogue;
  readonly #entryPoints: readonly Link[];

  constructor(catalogue: LibraryCatalogue, entryPoints: readonly Link[]) {
    this.#catalogue = catalogue;
    this.#entryPoints = entryPoints;
  }

  handle(visit: Visit): Answer | Promise<Answer> {
    const change = this.#catalogue.pendingAny();
    return change === undefined ? this.#list(visit) : change.then(() => this.#list(visit));
  }

  #list({ request, query, access }: Visit): Answer {
    const entryPoints = this.#entryPoints.filter(({ target }) => access.mayReach(target.slice(1)));
    const links = coreLinks(entryPoints, access.visible(this.#catalogue.libraries()), query);
    // RFC 7252 §8.2.1: a multicast query that nothing matches is not answered.
    if (request.multicast && links.length === 0) {
      throw new CallError('no-such-resource', 'Nothing matches the query.');
    }
    return { response: describe(request, { links: () => links }) };
  }
}
