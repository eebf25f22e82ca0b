/** What a request says, read from HTTP's words. */
import type { IncomingHttpHeaders } from 'node:http';
import { contentFormat } from '../cbor/content-format.ts';
import { emptyBytes } from '../core/bytes.ts';
import { CallError } from '../functions/call-error.ts';
import { shown } from '../functions/names.ts';
import type { DoorCall, FlowWish } from './gateway-face.ts';
import { acceptedFlows, acceptedFormats, formatOf } from './media-types.ts';

/** What is read of a request. */
interface Asking {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY', 'OPTIONS']);

export const isSafe = ({ method }: Pick<Asking, 'method'>): boolean => safeMethods.has(method);

/**
 * The call that a request makes. In form only: whether there is such a function, and whether its arguments fit, is for the gateway to say.
 * @throws CallError `bad-request`, `unsupported-format`
 */
export function callOf(
  request: Asking,
  path: readonly string[],
  correlationId: string,
  signal: () => AbortSignal,
): DoorCall {
  const body = bodyOf(request);
  const bodyFormat = body.length === 0 ? undefined : bodyFormatOf(request);
  return {
    path,
    query: queryItems(request.url),
    safe: isSafe(request),
    body,
    bodyFormat: bodyFormat ?? contentFormat.json,
    accept: acceptedFormats(request.headers.accept, bodyFormat),
    correlationId,
    flow: () => flowWish(request),
    signal,
  };
}

/** Where there are effects, a condition that nobody looks at is worse than none; over CoAP it is refused too. @throws CallError `bad-option` */
export function checkConditions({ method, headers }: Pick<Asking, 'method' | 'headers'>): void {
  if (isSafe({ method })) return;
  const named = conditions.find((name) => headers[name] !== undefined);
  if (named !== undefined)
    throw new CallError('bad-option', `${named} means nothing with ${method} here; leave it out.`);
}

/** RFC 9110 §13.1 */
const conditions = ['if-match', 'if-none-match', 'if-unmodified-since'] as const;

/** The result is to be fetched later (RFC 7240 §4.1). */
export const asksForJob = ({ url, headers: { prefer } }: Asking): boolean =>
  queryItems(url).includes('_job') ||
  (prefer !== undefined && /(?:^|[,;]\s*)respond-async\s*(?:[,;]|$)/i.test(String(prefer)));

export function flowWish({ headers }: Pick<Asking, 'headers'>): FlowWish {
  const forms = acceptedFlows(headers.accept);
  const { 'last-event-id': last } = headers;
  return {
    forms,
    follows: forms.length === 1 && forms[0] === 'events',
    after: typeof last === 'string' && /^\d{1,15}$/.test(last) ? Number(last) : undefined,
  };
}

function bodyOf({ method, headers, body }: Asking): Uint8Array {
  const isBodiless = method === 'GET' || method === 'HEAD';
  if (isBodiless && (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined)) {
    throw new CallError('bad-request', `A ${method} has no body here: give arguments in the query, or use POST.`);
  }
  return body instanceof Uint8Array ? new Uint8Array(body.buffer, body.byteOffset, body.length) : emptyBytes;
}

const bodyTypes = 'send application/json or application/cbor';

function bodyFormatOf({ headers }: Asking): number {
  const { 'content-type': type, 'content-encoding': coding = 'identity' } = headers;
  if (coding.trim().toLowerCase() !== 'identity') {
    throw new CallError(
      'unsupported-format',
      `Bodies are not taken compressed (${shown(coding)}); send them as they are.`,
    );
  }
  if (type === undefined) throw new CallError('unsupported-format', `The body has no Content-Type; ${bodyTypes}.`);
  const format = formatOf(type);
  if (format === undefined) {
    throw new CallError('unsupported-format', `A body of the type ${shown(type)} is not understood; ${bodyTypes}.`);
  }
  // A page of any site can have a browser send text without asking first, but not with a header of its own.
  if (format === contentFormat.text && headers.authorization === undefined) {
    throw new CallError('unsupported-format', `text/plain is taken with a bearer token only; ${bodyTypes}.`);
  }
  return format;
}

/** Segments, decoded; never a trailing empty one. Undefined where they are not percent-encoded UTF-8. */
export function pathOf(url: string): readonly string[] | undefined {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const start = path.startsWith('/') ? 1 : path.indexOf('/', path.indexOf('://') + 3) + 1;
  const segments = path.slice(start).split('/');
  if (segments.at(-1) === '') segments.pop();
  if (!path.includes('%')) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Items of the query in order, decoded. A plus sign is a space, as clients write it. @throws CallError `bad-request` */
export function queryItems(url: string): readonly string[] {
  const at = url.indexOf('?');
  if (at < 0) return [];
  return url
    .slice(at + 1)
    .split('&')
    .filter((item) => item !== '')
    .map((item) => (/[%+]/.test(item) ? decoded(item.replaceAll('+', ' ')) : item));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CallError('bad-request', `${shown(text)} is not percent-encoded UTF-8.`);
  }
}

const longestTarget = 200;

/** As logs name it: `oslist/list` for functions, the path for all else. */
export function targetOf(path: readonly string[] | undefined): string {
  if (path === undefined) return '?';
  // Who has the id of a job or an object may be able to use it: it is not for logs.
  if (path[0] === 'j') return 'j';
  if (path[0] === 'o') return path.length === 3 ? `o/*/${path[2]}`.slice(0, longestTarget) : 'o';
  const target = path.length === 3 && path[0] === 'func' ? path.slice(1).join('/') : path.join('/');
  return target === '' ? '/' : target.slice(0, longestTarget);
}

/** RFC 9112 §3.2.2: what an absolute target says counts, and not the Host beside it. */
export function hostOf({ url, headers }: Pick<Asking, 'url' | 'headers'>): string | undefined {
  if (url.startsWith('/') || !url.includes('://')) return headers.host;
  const start = url.indexOf('://') + 3;
  return /^[^/?#]*/.exec(url.slice(start))?.[0];
}

export const tooLong = (): CallError =>
  new CallError('too-large', 'The body is longer than this gateway takes (limits.requestBody); send less.');

/** Errors that fastify raises while it reads a request. Anything else stays what it is. */
export function readError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('statusCode' in error)) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return tooLong();
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new CallError('unsupported-format', `The Content-Type is none; ${bodyTypes}.`);
    case 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE':
      // RFC 10008 §2, also where there is no body.
      return new CallError('bad-request', `A QUERY always says its Content-Type; ${bodyTypes}, or use GET.`);
    default:
      return Number(error.statusCode) < 500 ? unreadable(error) : error;
  }
}

/** Such as of a client that has gone in the middle of it. */
export const unreadable = ({ message }: Error): CallError =>
  new CallError('bad-request', `The request cannot be read: ${message.replace(/\.$/, '')}.`);
