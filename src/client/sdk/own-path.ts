/** Paths of what belongs to the caller: `/j/{id}` of a job, `/o/{id}` of an object, as an application has kept them. */
import { parseCoapUri } from '../../coap/codec/uri.ts';
import { UsageError } from '../../core/error.ts';

const words = { j: 'job', o: 'object' } as const;

/**
 * @param text a URI of that gateway, or its path
 * @throws UsageError 'bad-uri'
 */
export function idIn(text: string, origin: string, root: keyof typeof words): string {
  const [at] = /^[a-z]+:\/\/[^/?#]+(?=\/)/i.exec(text) ?? [];
  const path = at !== undefined && normalised(at) === normalised(origin) ? text.slice(at.length) : text;
  const [, id] = /^\/[jo]\/([\w-]{1,32})$/.exec(path) ?? [];
  if (id !== undefined && path[1] === root) return id;
  throw new UsageError(
    'bad-uri',
    `${text} is no ${words[root]} of ${origin}; give the URI that it had, or its path /${root}/ID.`,
  );
}

/** `coap://H` is `coap://h:5683` (RFC 7252 §6.1, RFC 3986 §6.2). @throws UsageError 'bad-uri' */
function normalised(origin: string): string {
  if (URL.canParse(origin) && /^https?:/i.test(origin)) return new URL(origin).origin;
  const { scheme, host, port } = parseCoapUri(origin);
  return `${scheme}://${host}:${port}`;
}
