/** The client of one command: messages shown with -v, closed in the end whatever happens. */
import { openCoapClient, type CoapClient } from '../client/coap-client.ts';
import type { CoapResponse } from '../client/coap-request.ts';
import { contentFormat, isValueFormat } from '../cbor/content-format.ts';
import { decodeCborSequence } from '../cbor/decode.ts';
import type { OwnTag } from '../cbor/decode-tags.ts';
import { defaultDecodeLimits } from '../cbor/limits.ts';
import { asPath, asReference } from '../cbor/reference-tag.ts';
import { decodeRepresentation } from '../cbor/representation.ts';
import { renderBytes } from '../coap/codec/render.ts';
import { encodeUriSegment, parseCoapUri } from '../coap/codec/uri.ts';
import { findStrings, optionNumber } from '../coap/codec/options.ts';
import { PeerError, UsageError } from '../core/error.ts';
import { ObjectReference } from '../core/object-reference.ts';
import { textOf } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import type { Milliseconds } from '../core/duration.ts';
import type { ClientCredentials } from '../dtls/credentials.ts';
import { parseDuration } from '../config/units.ts';
import { onInterrupt } from './interrupt.ts';
import { credentialFlag, ownCredentials, type CredentialFlags } from './own-credentials.ts';
import { readSource } from './read-source.ts';
import type { Terminal } from './terminal.ts';

/** Options that every command with a URI has. */
export interface ConnectionOptions extends CredentialFlags {
  readonly verbose?: boolean;
  readonly timeout?: string;
  /** False: without Connection IDs (RFC 9146). */
  readonly cid?: boolean;
}

export interface Connection {
  readonly client: CoapClient;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly timeout: Milliseconds | undefined;
}

/** What a client of this command is opened with. */
export interface ClientSettings {
  readonly credentials: ClientCredentials | undefined;
  readonly connectionId: boolean;
  readonly onMessage: ((direction: 'in' | 'out', bytes: Uint8Array) => void) | undefined;
  readonly timeout: Milliseconds | undefined;
}

/** @throws UsageError `bad-flag`, `bad-uri` */
export async function clientSettings(
  terminal: Terminal,
  uri: string,
  options: ConnectionOptions,
): Promise<ClientSettings> {
  const { verbose = false, timeout, cid } = options;
  const span = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && (span === undefined || span === 0)) {
    throw new UsageError(
      'bad-flag',
      `--timeout is ${JSON.stringify(timeout)}, but must be a duration such as 5s, 500ms or 1m.`,
    );
  }
  const show = (direction: 'in' | 'out', bytes: Uint8Array): void => {
    const arrow = direction === 'out' ? '→' : '←';
    const count = bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`;
    terminal.err(
      `${terminal.errPaint('cyan', `${arrow} ${count}`)}\n${renderBytes(bytes)
        .map((text) => `  ${text}\n`)
        .join('')}`,
    );
  };
  return {
    credentials: await ownCredentials(options, parseCoapUri(uri).host, readSource(terminal)),
    connectionId: cid !== false,
    onMessage: verbose ? show : undefined,
    timeout: span,
  };
}

export async function withConnection<T>(
  terminal: Terminal,
  uri: string,
  options: ConnectionOptions,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { timeout, ...settings } = await clientSettings(terminal, uri, options);
  const interrupt = onInterrupt();
  const client = await openCoapClient(settings);
  try {
    return await use({ client, signal: interrupt.signal, timeout });
  } finally {
    interrupt.release();
    await client.close();
  }
}

/**
 * A URI may leave out what is always the same: `127.0.0.1/func/math/add`.
 * @throws UsageError 'bad-flag' where somebody who is to prove itself would speak in the clear
 */
export function completeUri(text: string, flags: CredentialFlags = {}): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const flag = credentialFlag(flags);
  if (scheme === undefined) return `${flag === undefined ? 'coap' : 'coaps'}://${text}`;
  if (scheme === 'coap' && flag !== undefined)
    throw new UsageError('bad-flag', `${flag} is for coaps://, and ${text} is not protected; use coaps://.`);
  return text;
}

/** The path of a URI as segments. */
export const segmentsOf = (uri: string): readonly string[] =>
  findStrings(parseCoapUri(uri).options, optionNumber.uriPath) ?? [];

/** The same URI with another path and query. */
export function withPath(uri: string, path: string): string {
  const origin = /^[^:]+:\/\/[^/?#]*/.exec(uri)?.[0] ?? uri;
  return `${origin}${path}`;
}

export const withQuery = (uri: string, query: string): string => `${uri}${uri.includes('?') ? '&' : '?'}${query}`;

/** Where what was made is: a job, an object. Undefined where nothing was. */
export function placeUri(uri: string, { options }: CoapResponse): string | undefined {
  const segments = findStrings(options, optionNumber.locationPath) ?? [];
  return segments.length === 0 ? undefined : withPath(uri, `/${segments.map(encodeUriSegment).join('/')}`);
}

/**
 * The value of an answer; text for formats that are text, bytes for those that nobody here understands.
 * @param uri of what was asked: objects of its gateway are shown as URIs
 */
export function valueOf({ contentFormat: format, payload }: CoapResponse, uri?: string): Value {
  if (payload.length === 0 && format === undefined) return undefined;
  if (format === contentFormat.cborSequence) return decodeCborSequence(payload);
  if (format !== undefined && isValueFormat(format)) {
    const shown = uri === undefined ? asPath : asUri(uri);
    return decodeRepresentation(payload, format, defaultDecodeLimits, shown);
  }
  // RFC 7252 §5.5.1: without a Content-Format the recipient has to guess.
  const isText = format === undefined || format === contentFormat.linkFormat;
  return (isText ? textOf(payload) : undefined) ?? payload;
}

const asUri = (uri: string): OwnTag => ({
  ...asReference,
  value: (content, at) => {
    const object = asReference.value(content, at);
    return object instanceof ObjectReference ? withPath(uri, object.path) : object;
  },
});

/** GET with CBOR as the answer. */
export async function getValue(connection: Connection, uri: string): Promise<CoapResponse> {
  const { client, signal, timeout } = connection;
  return await client.request({ uri, method: 'GET', accept: contentFormat.cbor, signal, timeout });
}

/** What should have been a value was not: the peer is no gateway. */
export const notAGateway = (uri: string): PeerError =>
  new PeerError('not-a-gateway', `${uri} did not answer as a funcoap gateway does; is the address right?`);
