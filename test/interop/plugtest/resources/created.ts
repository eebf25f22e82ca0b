/** What POST creates: the resources at the paths that Location-Path names. The oldest goes when there are too many. */
import { method } from '../../../../src/coap/codec/codes.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import { nothingHere, type Representation } from '../representation.ts';
import { StoredResource } from './stored.ts';

const mostCreated = 16;

export class CreatedResources implements Resource {
  readonly methods: readonly number[] = [method.GET, method.PUT, method.DELETE];
  readonly conditional = true;
  readonly multicast = false;
  readonly #created = new Map<string, StoredResource>();

  create(path: readonly string[], representation: Representation): void {
    const key = path.join('/');
    this.#created.delete(key);
    this.#created.set(key, new StoredResource(representation));
    for (const oldest of this.#created.keys()) {
      if (this.#created.size <= mostCreated) break;
      this.#created.delete(oldest);
    }
  }

  handle(visit: Visit): Answer {
    const key = visit.path.join('/');
    const resource = this.#created.get(key);
    if (resource === undefined) throw nothingHere();
    const answer = resource.handle(visit);
    if (!resource.exists) this.#created.delete(key);
    return answer;
  }
}
