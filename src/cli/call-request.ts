/** The request that a call of the command line is: its arguments typed by the signature, or a body as it is. */
import { contentFormat } from '../cbor/content-format.ts';
import { encodeCbor } from '../cbor/encode.ts';
import type { CoapRequest } from '../client/coap-request.ts';
import { notCallable } from '../client/sdk/errors.ts';
import { encodeUriSegment } from '../coap/codec/uri.ts';
import { UsageError } from '../core/error.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { readArguments, type ReadSource } from './call-arguments.ts';
import { namedWords } from './call-line.ts';
import { withQuery, type Connection } from './connection.ts';
import { fetchDescription, isCallable } from './describe.ts';
import { readSource } from './read-source.ts';
import type { Terminal } from './terminal.ts';

export interface RequestOptions {
  readonly method?: CoapRequest['method'];
  /** Of a body that is given as it is. */
  readonly contentFormat?: number;
}

/** What is sent besides the options of the command line. */
type Asked = Pick<CoapRequest, 'uri' | 'method' | 'payload' | 'contentFormat'>;

/** `-` or `@file` alone is the body as it is. */
const bodyName = (texts: readonly string[]): string | undefined => {
  const [only = '', ...more] = texts;
  if (more.length > 0) return undefined;
  return only === '-' ? only : only.startsWith('@') ? only.slice(1) : undefined;
};

function asQuery(uri: string, values: Readonly<Record<string, unknown>>, texts: readonly string[]): string {
  const items = texts.map((text) => {
    const name = /^[^=:]+/.exec(text)?.[0] ?? text;
    if (text === name) return encodeUriSegment(name);
    const plainText = /^[^=:]+=(?!@|-$)([^]*)$/.exec(text)?.[1];
    const value = values[name];
    const shown = plainText ?? (typeof value === 'string' ? value : JSON.stringify(value));
    return `${encodeUriSegment(name)}=${encodeUriSegment(shown)}`;
  });
  return items.reduce((whole, item) => withQuery(whole, item), uri);
}

async function askFunction(
  uri: string,
  texts: readonly string[],
  fn: DescribedFunction,
  options: RequestOptions,
  read: ReadSource,
): Promise<Asked> {
  if (fn.notCallable !== undefined) throw notCallable(fn);
  const method = options.method ?? (fn.safe ? 'FETCH' : 'POST');
  const hasQuery = uri.includes('?');
  if (hasQuery && texts.length > 0) {
    throw new UsageError(
      'bad-argument',
      'Arguments are in both the URI and on the command line; put them in one place.',
    );
  }
  if (hasQuery) return { uri, method };
  const named = namedWords(fn, texts);
  const values = await readArguments(fn, named, read);
  if (method === 'GET') return { uri: asQuery(uri, values, named), method };
  if (texts.length === 0) return { uri, method };
  return { uri, method, payload: encodeCbor(values), contentFormat: contentFormat.cbor };
}

/** With what is known of the function that is called. */
export async function ask(
  connection: Connection,
  uri: string,
  texts: readonly string[],
  options: RequestOptions,
  terminal: Terminal,
): Promise<{ readonly asked: Asked; readonly fn: DescribedFunction | undefined }> {
  const read = readSource(terminal);
  const name = bodyName(texts);
  const fn = isCallable(uri) ? await fetchDescription(connection, uri) : undefined;
  if (name !== undefined) {
    const method = options.method ?? (fn === undefined || !fn.safe ? 'POST' : 'FETCH');
    const payload = await read(name);
    return { fn, asked: { uri, method, payload, contentFormat: options.contentFormat ?? contentFormat.json } };
  }
  if (fn !== undefined) return { fn, asked: await askFunction(uri, texts, fn, options, read) };
  if (texts.length > 0) {
    throw new UsageError(
      'bad-argument',
      `${uri} is not a function, which is coap://HOST/func/LIBRARY/METHOD, and takes no arguments; give a body with @file or -, or a query in the URI.`,
    );
  }
  return { fn, asked: { uri, method: options.method ?? 'GET' } };
}
