/**
 * What the gateway and a Python process say to each other (host/funcoap_host/serve.py): frames of a 32-bit length, most
 * significant byte first, and CBOR.
 *
 *   to Python     the first    a map: library, entry, dataFolder, describe, memory (bytes), gateway (its process id)
 *                 run          [1, id, method, remaining ms, limit ms, identity, groups, peer, correlation id, arguments,
 *                              whether they are plain (in-order.ts)]
 *                 abort        [2, id]
 *   from Python   loaded       [1, descriptions]
 *                 load failed  [2, sentence]
 *                 done         [3, id, looked at the caller, tags, result or null, objects in it: [[id, class, how often given], …]]
 *                 failed       [4, id, problem, sentence, parameter, class, text, traceback, attributes]
 *                 yielded      [5, id]
 *                 heard        [6, id]
 *                 invalidate   [7, 'method' or 'tag', name]
 *
 * Arguments, results, descriptions and attributes are byte strings that hold CBOR: one that cannot be understood fails its own
 * call, while a frame that cannot be is the end of the process.
 */
import { concatBytes } from '../../../core/bytes.ts';
import { FuncoapError, InternalError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import { decodeCbor } from '../../../cbor/decode.ts';
import { asReference } from '../../../cbor/reference-tag.ts';
import type { DecodeLimits } from '../../../cbor/limits.ts';
import type { GivenObject } from '../../call.ts';
import { PackedArguments } from '../../packed-arguments.ts';
import { Returned } from '../../returned.ts';
import { withoutFolders } from '../../without-folders.ts';
import { encodeInOrder } from './in-order.ts';
import type { CallFailure, FromWorker, RunMessage } from '../node/messages.ts';

const toPython = { run: 1, abort: 2 } as const;
const fromPython = { loaded: 1, loadFailed: 2, done: 3, failed: 4, yielded: 5, heard: 6, invalidate: 7 } as const;

const lengthBytes = 4;
/** More than a result of the largest size (cbor.py), its last item and what stands around it. */
const maxFrameBytes = 67_108_864;
/** The other side bounds depth and size; what it makes otherwise is refused, whatever it is. */
const limits: DecodeLimits = { maxDepth: 256, maxItems: 1_000_001, maxBignumBytes: 65_536, maxKeyBytes: 1_048_576 };

/** What no Python process of ours says. */
export class BrokenPythonFrame extends InternalError {
  constructor(why: string) {
    super('broken-python-frame', `A Python process and the gateway do not understand each other: ${why}.`);
  }
}

/** What the first frame tells. */
export interface PythonStart {
  readonly library: string;
  readonly entry: string;
  readonly dataFolder: string;
  readonly describe: boolean;
  /** In bytes: what calls may take besides what the loaded module takes. */
  readonly memory: number;
  readonly gateway: number;
}

export const startFrame = (start: PythonStart): Uint8Array => framed({ ...start });

export function runFrame(run: RunMessage): Uint8Array {
  const { id, method, remaining, timeLimit, caller, correlationId } = run;
  const { bytes, isPlain } = encodeInOrder(run.args instanceof PackedArguments ? run.args.values : run.args);
  const { identity, groups = [], peer } = caller;
  return framed([
    toPython.run,
    id,
    method,
    remaining,
    timeLimit,
    identity,
    groups,
    peer,
    correlationId,
    bytes,
    isPlain,
  ]);
}

export const abortFrame = (id: number): Uint8Array => framed([toPython.abort, id]);

function framed(message: Value): Uint8Array {
  const payload = encodeInOrder(message).bytes;
  const frame = new Uint8Array(lengthBytes + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, lengthBytes);
  return frame;
}

/** Puts the chunks of a stream together to frames. */
export class FrameAssembler {
  #chunks: Uint8Array[] = [];
  #held = 0;
  #wanted = lengthBytes;

  /** The frames that are complete now, without their lengths. @throws BrokenPythonFrame */
  add(chunk: Uint8Array): readonly Uint8Array[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return [];
    const [only] = this.#chunks;
    const bytes = only !== undefined && this.#chunks.length === 1 ? only : concatBytes(this.#chunks);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const frames: Uint8Array[] = [];
    let at = 0;
    this.#wanted = lengthBytes;
    while (bytes.length - at >= lengthBytes) {
      const length = view.getUint32(at);
      if (length > maxFrameBytes) throw new BrokenPythonFrame(`a frame of ${length} bytes is announced`);
      if (bytes.length - at < lengthBytes + length) {
        this.#wanted = lengthBytes + length;
        break;
      }
      frames.push(bytes.subarray(at + lengthBytes, at + lengthBytes + length));
      at += lengthBytes + length;
    }
    const rest = bytes.subarray(at);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    return frames;
  }
}

/** What is said of the module's functions: read by describe-module.ts. */
export type FromPython =
  | Exclude<FromWorker, { kind: 'loaded' }>
  | { readonly kind: 'loaded'; readonly described: Value };

/** @throws BrokenPythonFrame */
export function readFrame(frame: Uint8Array): FromPython {
  const message = decoded(frame);
  if (!isList(message)) throw new BrokenPythonFrame('a message is no list');
  const [what, first, second] = message;
  switch (what) {
    case fromPython.loaded:
      return { kind: 'loaded', described: decoded(bytesIn(first)) };
    case fromPython.loadFailed:
      return { kind: 'load-failed', failure: { message: withoutFolders(textIn(first)) } };
    case fromPython.done:
      return readDone(message);
    case fromPython.failed:
      return { kind: 'failed', id: numberIn(first), failure: readFailure(message) };
    case fromPython.yielded:
      return { kind: 'yielded', id: numberIn(first) };
    case fromPython.heard:
      return { kind: 'heard', id: numberIn(first) };
    case fromPython.invalidate:
      return {
        kind: 'invalidate',
        what: first === 'method' ? { method: textIn(second) } : { tag: textIn(second) },
      };
    default:
      throw new BrokenPythonFrame('a message is of no kind that there is');
  }
}

function decoded(bytes: Uint8Array): Value {
  try {
    return decodeCbor(bytes, limits);
  } catch (error) {
    if (error instanceof FuncoapError) throw new BrokenPythonFrame(error.message);
    throw error;
  }
}

function readDone(message: readonly Value[]): FromPython {
  const [, number, readCaller, tags, result, given] = message;
  const id = numberIn(number);
  const objects = isList(given) ? given.map(readObject) : undefined;
  try {
    const ownTag = objects === undefined ? undefined : asReference;
    const value = result === null ? undefined : decodeCbor(bytesIn(result), limits, ownTag);
    return {
      kind: 'done',
      id,
      returned: Returned.of(value, objects !== undefined),
      objects,
      readCaller: readCaller === 'peer' || readCaller === 'identity' ? readCaller : false,
      tags: isList(tags) ? tags.map(textIn) : [],
    };
  } catch (error) {
    if (!(error instanceof FuncoapError) || error instanceof BrokenPythonFrame) throw error;
    // Keys that Python tells apart and CBOR does not, such as an Enum and its value.
    const failure = failureOf('unencodable-result', `The result cannot be carried: ${error.message}`);
    return { kind: 'failed', id, failure };
  }
}

function readObject(value: Value): GivenObject {
  if (!isList(value)) throw new BrokenPythonFrame('an object has no id');
  const [id, name, times] = value;
  return { id: textIn(id), class: textIn(name), times: numberIn(times) };
}

const failureOf = (problem: CallFailure['problem'], message: string): CallFailure => ({
  problem,
  message,
  parameter: undefined,
  thrown: undefined,
});

const failures: readonly unknown[] = [
  'function-failed',
  'invalid-argument',
  'no-such-object',
  'unencodable-result',
  'memory-limit',
] satisfies CallFailure['problem'][];
const isFailure = (problem: Value): problem is CallFailure['problem'] => failures.includes(problem);

function readFailure(message: readonly Value[]): CallFailure {
  const [, , problem, sentence, parameter, name, text, stack, attributes] = message;
  if (!isFailure(problem)) throw new BrokenPythonFrame('a call failed for no reason that there is');
  return {
    problem,
    message: textIn(sentence),
    parameter: optionalText(parameter),
    thrown:
      typeof name === 'string'
        ? { name, message: textIn(text), stack: optionalText(stack), attributes: attributesIn(attributes) }
        : undefined,
  };
}

function attributesIn(value: Value): Readonly<Record<string, Value>> | undefined {
  if (value === null) return undefined;
  const attributes = decoded(bytesIn(value));
  if (typeof attributes !== 'object' || attributes === null || isList(attributes) || attributes instanceof Map)
    throw new BrokenPythonFrame('the attributes of an exception have no names');
  return attributes as Readonly<Record<string, Value>>;
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

function bytesIn(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new BrokenPythonFrame('bytes are missing');
}

function textIn(value: Value): string {
  if (typeof value === 'string') return value;
  throw new BrokenPythonFrame('a text is missing');
}

const optionalText = (value: Value): string | undefined => (typeof value === 'string' ? value : undefined);

function numberIn(value: Value): number {
  if (typeof value === 'number') return value;
  throw new BrokenPythonFrame('a number is missing');
}
