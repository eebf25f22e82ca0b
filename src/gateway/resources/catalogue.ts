/** /func, /func/{library} and its compact twin /f/{library id}: what there is to call, in CBOR, JSON or link format. */
import { method } from '../../coap/codec/codes.ts';
import { directoryValue, libraryValue } from '../../directory/describe.ts';
import { functionLinks, libraryLinks } from '../../directory/function-links.ts';
import type { Instant } from '../../core/duration.ts';
import type { LibraryDescription } from '../../functions/description.ts';
import { findLibrary, libraryNamedBy } from '../call-terms.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { describe } from './description.ts';

/** All libraries, also those that do not load. */
export interface LibraryCatalogue {
  /** Changes that must be waited for, so that an edit shows on the next request. */
  pendingAny(): Promise<void> | undefined;
  /** The same of one library, also of one that nobody has told of yet. */
  pending(library: string | number, now: Instant): Promise<void> | undefined;
  libraries(): readonly LibraryDescription[];
}

export class CatalogueResource implements Resource {
  readonly methods: readonly number[] = [method.GET];
  readonly conditional = false;
  readonly multicast = true;
  readonly #catalogue: LibraryCatalogue;

  constructor(catalogue: LibraryCatalogue) {
    this.#catalogue = catalogue;
  }

  handle(visit: Visit): Answer | Promise<Answer> {
    const named = libraryNamedBy(visit.path);
    const change = named === undefined ? this.#catalogue.pendingAny() : this.#catalogue.pending(named, visit.now);
    return change === undefined ? this.#list(visit, named) : change.then(() => this.#list(visit, named));
  }

  #list({ request, access }: Visit, named: string | number | undefined): Answer {
    const libraries = access.visible(this.#catalogue.libraries());
    if (named === undefined) {
      const described = { value: () => directoryValue(libraries), links: () => libraryLinks(libraries) };
      return { response: describe(request, described) };
    }
    const library = findLibrary(libraries, named);
    return { response: describe(request, { value: () => libraryValue(library), links: () => functionLinks(library) }) };
  }
}
