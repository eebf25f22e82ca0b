/**
 * The body of a batch: calls that run one after the other, of which a later one may use what an earlier one gave.
 *
 *     batch     = [1*16 call]
 *     call      = [target, ? arguments]           none where they are left out
 *     target    = [library id, method id] / "library/method" / "o/id/member"        a class is a method that makes an object
 *     reference = #6.39([index of an earlier call, * step])     tag 39: draft-bormann-cbor-lang "identifier", as an entire argument
 *     step      = text / uint                     a member by its name or key, an item by its number
 *
 * Left out: references in JSON, which has no tags.
 */
import { contentFormat } from '../cbor/content-format.ts';
import { decodeCbor } from '../cbor/decode.ts';
import { defaultDecodeLimits } from '../cbor/limits.ts';
import { referenceTag } from '../cbor/reference-tag.ts';
import { decodeRepresentation } from '../cbor/representation.ts';
import { PeerError } from '../core/error.ts';
import { isList, type Value } from '../core/value.ts';
import { CallError } from '../functions/call-error.ts';
import { badReference, readReference, type Reference, type ReferredResults } from './batch-references.ts';
import { namedBy, type Named } from './call-terms.ts';

/** The most calls in one batch. No RFC's number. */
const maxCalls = 16;

/** A body is decoded at one go, in about 5 ms, in which nobody else is answered: one of a MiB took ten times as long. No RFC's number. */
const maxBytes: number = 64 * 1024;

export interface MemberTarget {
  /** Its id. */
  readonly object: string;
  readonly member: string;
}

export interface BatchedCall {
  /** A function or a class, or a member of an object. */
  readonly target: Named | MemberTarget;
  /** Undefined: none. What stands for a result is a key of `references`. */
  readonly args: Value;
  /** Some argument is a reference. */
  readonly refers: boolean;
}

export interface BatchBody {
  readonly calls: readonly BatchedCall[];
  /** The arguments of a call with what their references stand for. @throws CallError `bad-reference`, `too-large` */
  readonly resolved: (index: number, results: ReferredResults) => Value;
}

/** @throws CallError `too-large`, `malformed-body`, `unsupported-format`, `bad-request`, `bad-reference`, `no-such-method` */
export function readBatch(bytes: Uint8Array, format: number): BatchBody {
  if (bytes.length > maxBytes) {
    const message = `A batch is ${maxBytes >> 10} KiB at most; call what needs more by itself.`;
    throw new CallError('too-large', message, { size1: maxBytes });
  }
  // What stands for a result is told apart by being this very object: nothing that a peer can write is it.
  const references = new Map<Value, Value>();
  const ownTag = {
    tag: referenceTag,
    value: (content: Value): Value => {
      const mark = {};
      references.set(mark, content);
      return mark;
    },
  };
  const body = decode(() =>
    format === contentFormat.cbor
      ? decodeCbor(bytes, defaultDecodeLimits, ownTag)
      : decodeRepresentation(bytes, format),
  );
  if (!isList(body) || body.length === 0 || body.length > maxCalls)
    throw bad(`A batch is a list of 1 to ${maxCalls} calls, each [target, arguments].`);
  const read = new Map<Value, Reference>();
  const calls = body.map((item, index) => {
    if (!isList(item) || item.length === 0 || item.length > 2)
      throw bad(`Call ${index} of the batch must be [target, arguments].`);
    const [target, args] = item;
    const own = argumentsIn(args).filter((argument) => references.has(argument));
    for (const mark of own) read.set(mark, readReference(references.get(mark), index));
    return { target: targetOf(target, index), args, refers: own.length > 0 };
  });
  if (read.size !== references.size) throw badReference('A reference (tag 39) must be an entire argument.');
  return {
    calls,
    resolved: (index, results) => {
      const valueOf = results.ofCall();
      return mapArguments(calls[index]?.args, (argument) => {
        const reference = read.get(argument);
        return reference === undefined ? argument : valueOf(reference);
      });
    },
  };
}

type Members = Readonly<Record<string, Value>>;

function decode(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    throw new CallError(error.code === 'unsupported-format' ? 'unsupported-format' : 'malformed-body', error.message);
  }
}

function targetOf(target: Value | undefined, index: number): Named | MemberTarget {
  if (typeof target === 'string') {
    const [first = '', second = '', third, ...rest] = target.replace(/^\/(?=o\/)/, '').split('/');
    if (first === 'o' && third !== undefined && rest.length === 0) return { object: second, member: third };
    if (first !== '' && second !== '' && third === undefined) return { library: first, method: second };
  }
  if (target !== undefined && isList(target) && target.length === 2) {
    return namedBy(['f', ...target.map((id) => (typeof id === 'number' ? String(id) : ''))]);
  }
  throw bad(`The target of call ${index} must be "library/method", [library id, method id] or "o/{id}/{method}".`);
}

/** The arguments of a call, whichever way they are given; what is in them is not theirs. */
function argumentsIn(args: Value | undefined): readonly Value[] {
  if (typeof args !== 'object' || args === null || args instanceof Uint8Array || args instanceof Date) return [args];
  if (isList(args)) return args;
  if (args instanceof Map) return [...(args as ReadonlyMap<Value, Value>).values()];
  // A reference alone is an object without members: the only argument.
  const members = Object.values(args as Members);
  return members.length === 0 ? [args] : members;
}

function mapArguments(args: Value, change: (argument: Value) => Value): Value {
  const whole = change(args);
  // One that stands for all arguments is the only argument, and what it stands for is not looked into.
  if (whole !== args) return [whole];
  if (typeof args !== 'object' || args === null || args instanceof Uint8Array || args instanceof Date) return args;
  if (isList(args)) return args.map(change);
  if (args instanceof Map)
    return new Map([...(args as ReadonlyMap<Value, Value>)].map(([key, argument]) => [key, change(argument)]));
  return Object.fromEntries(Object.entries(args as Members).map(([name, argument]) => [name, change(argument)]));
}

const bad = (message: string): CallError => new CallError('bad-request', message);
