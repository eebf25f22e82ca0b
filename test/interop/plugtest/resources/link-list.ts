/** Link lists (LINK rows; RFC 6690): /.well-known/core, filtered by the query, and /path, a list of its own. */
import { contentFormat } from '../../../../src/cbor/content-format.ts';
import { method } from '../../../../src/coap/codec/codes.ts';
import { utf8 } from '../../../../src/core/bytes.ts';
import { filterLinks, parseLinkFilters } from '../../../../src/directory/link-filter.ts';
import { encodeLinkFormat, type Link } from '../../../../src/directory/link-format.ts';
import { CallError } from '../../../../src/functions/call-error.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import { read } from '../representation.ts';

export class LinkListResource implements Resource {
  readonly methods: readonly number[] = [method.GET];
  readonly conditional = false;
  readonly multicast = true;
  readonly #links: readonly Link[];

  constructor(links: readonly Link[]) {
    this.#links = links;
  }

  handle({ request, query }: Visit): Answer {
    const links = filterLinks(this.#links, parseLinkFilters(query));
    // RFC 7252 §8.2.1: a multicast query that nothing matches is not answered.
    if (request.multicast && links.length === 0) throw new CallError('no-such-resource', 'Nothing matches the query.');
    return { response: read(request, { format: contentFormat.linkFormat, body: utf8(encodeLinkFormat(links)) }) };
  }
}

const link = (target: string, attributes: Readonly<Record<string, string | undefined>> = {}): Link => ({
  target,
  attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })),
});

export const pathLinks: readonly Link[] = [link('/path/sub1'), link('/path/sub2'), link('/path/sub3')];

export const coreLinks: readonly Link[] = [
  link('/test', { title: 'Every method' }),
  link('/seg1/seg2/seg3'),
  link('/query'),
  link('/separate', { title: 'Answers later' }),
  link('/location-query'),
  link('/multi-format', { ct: '0 41 50 60' }),
  link('/validate', { title: 'Validated by ETag, changed by If-Match' }),
  link('/create1', { title: 'Created by If-None-Match' }),
  link('/large', { sz: '1280' }),
  link('/large-update'),
  link('/large-create'),
  link('/large-post'),
  link('/obs', { obs: undefined }),
  link('/obs-non', { obs: undefined }),
  link('/obs-reset'),
  link('/link1', { rt: 'Type1 Type2', if: 'If1' }),
  link('/link2', { rt: 'Type2 Type3', if: 'If2' }),
  link('/link3', { rt: 'Type1 Type3', if: 'foo' }),
  link('/path', { ct: '40' }),
];
