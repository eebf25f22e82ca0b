/**
 * A call error on the wire: Concise Problem Details (RFC 9290, Content-Format 257), and the same as JSON with the member names of
 * RFC 9457 for peers that accept JSON. docs/errors.md lists what can be in it.
 *
 *   { -1: title, -2: detail,               only where words are wanted (`_why`)
 *     "funcoap:e": { 0: number of the problem,
 *                    1: id of the parameter, or its name where it has none,
 *                    2: expected kind (see `expectedKinds`),
 *                    3: [name, message, stack, ? attributes] of what the function threw, only with the debug setting,
 *                    4: [index of the call in a batch, [results of those before it]] } }
 *
 * The key: RFC 9290 §3.2 wants an absolute URI of whoever defines the entry. A scheme of our own, named after the project, is one
 * (RFC 3986 §4.3: scheme ":" hier-part) in 9 bytes; a tag: URI takes 18 at the least, since RFC 4151 wants four
 * digits of the year, and urn: needs a registered namespace.
 *
 * Left out: language-tagged text (tag 38); standard entries other than title and detail are ignored (RFC 9290 §3).
 */
import { decodeCbor } from '../cbor/decode.ts';
import { encodeCbor } from '../cbor/encode.ts';
import { decodeJson } from '../cbor/json-decode.ts';
import { encodeJson } from '../cbor/json-encode.ts';
import { utf8 } from '../core/bytes.ts';
import { isList, type Value } from '../core/value.ts';
import { problems, type CallError, type CallErrorDetails, type ProblemName } from './call-error.ts';
import type { ValueType } from './description.ts';

/** The one key of ours in problem details. */
export const problemKey = 'funcoap:e';

/** What key 2 says: the kind alone. Ranges, members and options are in the description of the function. Never renumbered. */
export const expectedKinds: Readonly<Record<ValueType['kind'], number>> = {
  any: 0,
  null: 1,
  boolean: 2,
  number: 3,
  integer: 4,
  bigint: 5,
  string: 6,
  bytes: 7,
  date: 8,
  literal: 9,
  union: 10,
  array: 11,
  tuple: 12,
  object: 13,
  instance: 14,
};

export interface ProblemOptions {
  /** Title and detail, for people. */
  readonly words: boolean;
  /** What the function threw, for who debugs it. */
  readonly internals: boolean;
}

/** Problem details as a client reads them. All is optional: another server's may have nothing of ours. */
export interface ProblemDetails {
  readonly number: number | undefined;
  /** Undefined also where the number is newer than this table. */
  readonly name: ProblemName | undefined;
  readonly title: string | undefined;
  readonly detail: string | undefined;
  readonly parameter: number | string | undefined;
  readonly expected: ValueType['kind'] | undefined;
  readonly remote: RemoteError | undefined;
  readonly batch: CallErrorDetails['batch'];
}

export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Its own members that are data. */
  readonly attributes: Readonly<Record<string, Value>> | undefined;
}

/** Content-Format 257. */
export function encodeProblem(error: CallError, options: ProblemOptions): Uint8Array {
  const { parameter, expected, remote, batch } = error.details;
  const ours = new Map<Value, Value>([[0, error.problem.number]]);
  if (parameter !== undefined) ours.set(1, parameter.id ?? parameter.name);
  if (expected !== undefined) ours.set(2, expectedKinds[expected.kind]);
  if (options.internals && remote !== undefined) {
    const { name, message, stack, attributes } = remote;
    ours.set(3, [name, message, stack ?? null, ...(attributes === undefined ? [] : [attributes])]);
  }
  if (batch !== undefined) ours.set(4, [batch.index, batch.results.map(carried)]);
  const details = new Map<Value, Value>([[problemKey, ours]]);
  if (options.words) details.set(-1, error.problem.title).set(-2, error.message);
  return encodeCbor(details);
}

/** Content-Format 50. `type` is the key with the name of the problem, and says which it is without any words. */
export function encodeProblemJson(error: CallError, options: ProblemOptions): Uint8Array {
  const { parameter, expected, remote, batch } = error.details;
  return utf8(
    encodeJson({
      type: `${problemKey}/${error.code}`,
      title: options.words ? error.problem.title : undefined,
      status: httpStatus(error.problem.status),
      detail: options.words ? error.message : undefined,
      code: error.problem.number,
      parameter: parameter?.name,
      expected: expected?.kind,
      remote: options.internals && remote !== undefined ? { ...remote } : undefined,
      batch: batch && { index: batch.index, results: batch.results.map(carried) },
    }),
  );
}

/** Throws a `PeerError` (`malformed-body`) where it is not CBOR; what is not understood in it is ignored (RFC 9290 §3). */
export function decodeProblem(bytes: Uint8Array): ProblemDetails {
  const details = decodeCbor(bytes);
  const ours = member(details, problemKey);
  const number = member(ours, 0);
  const remote = member(ours, 3);
  const batch = member(ours, 4);
  const [name, message, stack, attributes] = isList(remote) ? remote : [];
  const [index, results] = isList(batch) ? batch : [];
  return {
    ...problemNumbered(typeof number === 'number' ? number : undefined),
    title: text(member(details, -1)),
    detail: text(member(details, -2)),
    parameter: textOrNumber(member(ours, 1)),
    expected: kindNumbered(member(ours, 2)),
    remote: remoteError(name, message, stack, attributes),
    batch: batchOf(index, results),
  };
}

/** Throws a `PeerError` (`malformed-body`) where it is not JSON. */
export function decodeProblemJson(bytes: Uint8Array): ProblemDetails {
  const details = decodeJson(bytes);
  const number = member(details, 'code');
  const remote = member(details, 'remote');
  const batch = member(details, 'batch');
  const expected = member(details, 'expected');
  return {
    ...problemNumbered(typeof number === 'number' ? number : undefined),
    title: text(member(details, 'title')),
    detail: text(member(details, 'detail')),
    parameter: textOrNumber(member(details, 'parameter')),
    expected: kindOf((_number, kind) => kind === expected),
    remote: remoteError(
      member(remote, 'name'),
      member(remote, 'message'),
      member(remote, 'stack'),
      member(remote, 'attributes'),
    ),
    batch: batchOf(member(batch, 'index'), member(batch, 'results')),
  };
}

/** The HTTP status of a CoAP response code (RFC 8075 §7): the same digits, but where HTTP means something else by them. */
export function httpStatus(code: number): number {
  // RFC 8075 Table 2 makes 4.02 a 400 and has nothing for 4.08: HTTP's 402 wants payment, its 408 is a timeout.
  return code === 0x82 || code === 0x88 ? 400 : (code >> 5) * 100 + (code & 0x1f);
}

/** For who is not told when to come back. No RFC's number. */
const usualWait = 5;

/** In how many seconds to come back; 0 where it is no use. */
export function comeBackSeconds({ details: { retryAfter }, problem: { status } }: CallError): number {
  if (retryAfter !== undefined) return Math.max(1, Math.ceil(retryAfter / 1000));
  return status === 0x9d || status === 0xa3 ? usualWait : 0;
}

/** A member of a map, whichever way maps with its keys are decoded. */
function member(map: Value, key: string | number): Value {
  if (map instanceof Map) return map.get(key) as Value;
  if (typeof map !== 'object' || map === null || typeof key === 'number' || !Object.hasOwn(map, key)) return undefined;
  return (map as Readonly<Record<string, Value>>)[key];
}

function problemNumbered(number: number | undefined): Pick<ProblemDetails, 'number' | 'name'> {
  const names = Object.keys(problems) as ProblemName[];
  return { number, name: names.find((name) => problems[name].number === number) };
}

function kindNumbered(expected: Value): ValueType['kind'] | undefined {
  return kindOf((number) => number === expected);
}

function kindOf(matches: (number: number, kind: string) => boolean): ValueType['kind'] | undefined {
  const kinds = Object.keys(expectedKinds) as ValueType['kind'][];
  return kinds.find((kind) => matches(expectedKinds[kind], kind));
}

/** In a list there is no nothing. */
const carried = (value: Value): Value => value ?? null;

const batchOf = (index: Value, results: Value): CallErrorDetails['batch'] =>
  typeof index === 'number' && isList(results) ? { index, results } : undefined;

function text(value: Value): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textOrNumber(value: Value): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function remoteError(name: Value, message: Value, stack: Value, attributes: Value): RemoteError | undefined {
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  return { name, message, stack: text(stack), attributes: isPlain(attributes) ? attributes : undefined };
}

const isPlain = (value: Value): value is Readonly<Record<string, Value>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
