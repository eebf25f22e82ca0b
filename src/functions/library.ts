/**
 * `funcoap/library`: what authors of libraries import.
 *
 * A library is a folder with an `index.ts` whose exported functions are callable. A plain
 * `export function` needs nothing from here; `fn()` declares parameters with Zod, which are then
 * checked on every call and described to clients.
 */
import { z } from 'zod';
import { runningCall, threadHost, type RunningCall } from './call-context.ts';
import { define, type FunctionDefinition, type FunctionOptions, type ParameterShape } from './function-definition.ts';
import { isAsyncIterable, isIterable } from './iteration.ts';
import { UsageError } from '../core/error.ts';
import type { Invalidation } from './invalidation.ts';

export { z };
export type { FunctionDefinition, FunctionOptions, Invalidation, ParameterShape };

type Input<Shape extends ParameterShape> = z.input<z.ZodObject<Shape>>;
type Output<Shape extends ParameterShape> = z.output<z.ZodObject<Shape>>;

/** A function declared with `fn()`. Called directly, it checks and runs as it does for a client. */
export interface LibraryFunction<Shape extends ParameterShape = ParameterShape, Returned = unknown> {
  (args: Input<Shape>): Returned;
  /** What was declared. */
  readonly definition: FunctionDefinition;
}

const declared = Symbol.for('funcoap.fn');

/** What an implementation may return: the result, a promise of it, or a stream's items. */
type GivenBy<Result> = Result | Promise<Result> | Items<Result> | Promise<Items<Result>>;
type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/**
 * Declares a callable function.
 *
 * @param options What it takes, gives and promises.
 * @param impl Receives the checked arguments as one object, with defaults applied. May be async.
 * @throws UsageError 'bad-declaration' when the options contradict each other.
 * @example
 * export const add = fn({ params: { a: z.number(), b: z.number() }, pure: true, maxAge: 240 },
 *   ({ a, b }) => a + b);
 */
export function fn<
  const Shape extends ParameterShape = Readonly<Record<string, never>>,
  Result extends z.ZodType = z.ZodType,
  Returned extends GivenBy<z.input<Result>> = GivenBy<z.input<Result>>,
>(options: FunctionOptions<Shape, Result>, impl: (args: Output<Shape>) => Returned): LibraryFunction<Shape, Returned> {
  const definition = define(options, impl);
  const check = definition.stream ? checkItems : checkResult;
  const run = (args: unknown): Returned =>
    check(definition, impl(checkArguments(definition, args) as Output<Shape>)) as Returned;
  return Object.assign(run, { definition, [declared]: true as const });
}

/** Whether an export was made by `fn()` (also by another copy of this module). */
export function isLibraryFunction(value: unknown): value is LibraryFunction {
  return typeof value === 'function' && declared in value && 'definition' in value;
}

function checkArguments(definition: FunctionDefinition, args: unknown): unknown {
  const parsed = definition.params.safeParse(args ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const parameter = issue?.path[0];
  throw new InvalidArgument(
    issue === undefined ? 'The arguments are refused.' : describeIssue(issue.path, issue.message),
    typeof parameter === 'string' ? parameter : undefined,
  );
}

function describeIssue(path: readonly PropertyKey[], message: string): string {
  return path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`;
}

function checkResult(definition: FunctionDefinition, value: unknown): unknown {
  const { returns } = definition;
  if (returns === undefined) return value;
  const check = (result: unknown): unknown => {
    const parsed = returns.safeParse(result);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new UsageError(
      'bad-result',
      `The result is not what the function declares: ${issue === undefined ? 'refused' : describeIssue(issue.path, issue.message)}.`,
    );
  };
  return value instanceof Promise ? value.then(check) : check(value);
}

/** Items are checked as they come. */
function checkItems(definition: FunctionDefinition, items: unknown): unknown {
  if (definition.returns === undefined) return items;
  if (items instanceof Promise) return items.then((later) => checkItems(definition, later));
  if (isAsyncIterable(items)) return checkedLater(definition, items);
  return isIterable(items) ? checkedOf(definition, items) : items;
}

function* checkedOf(definition: FunctionDefinition, items: Iterable<unknown>): Generator {
  for (const item of items) yield checkResult(definition, item);
}

async function* checkedLater(definition: FunctionDefinition, items: AsyncIterable<unknown>): AsyncGenerator {
  for await (const item of items) yield checkResult(definition, item);
}

/** A byte string, as a Zod type. Travels as a CBOR byte string; in JSON as base64url. */
export function bytes(): z.ZodType<Uint8Array, Uint8Array> {
  return z
    .custom<Uint8Array>((value) => value instanceof Uint8Array, 'Expected bytes')
    .meta({ type: 'string', format: 'bytes' });
}

/** The argument is refused by the function's own rules: the caller gets 4.22 with this message. */
export class InvalidArgument extends UsageError {
  readonly parameter: string | undefined;

  constructor(message: string, parameter?: string) {
    super('invalid-argument', message);
    this.parameter = parameter;
  }
}

/**
 * An error to throw when an argument has the right type but cannot be used: the caller gets
 * 4.22 'invalid-argument'. Anything else that is thrown is 5.00, and its message stays inside.
 *
 * @param message One sentence that says what is wrong and what would be right; it reaches the caller.
 * @param parameter The parameter's name.
 */
export function invalidArgument(message: string, parameter?: string): InvalidArgument {
  return new InvalidArgument(message, parameter);
}

/** What a function may know of the call it serves. */
export interface CallContext {
  /**
   * Who calls; `local` for the anonymous caller on a loopback listener.
   * Reading it makes a cached result private to this identity (unless declared `shared`).
   */
  readonly identity: string;
  /**
   * The groups that the identity was enrolled in (`funcoap enroll --group`), as access rules see them; none for `local`.
   * Reading them makes a cached result private to the identity too.
   */
  readonly groups: readonly string[];
  /** The caller's address and port, such as `127.0.0.1:49152`. Reading it makes the result private to this peer. */
  readonly peer: string;
  /** Ties log lines of one call together. */
  readonly correlationId: string;
  /** When the result is of no use any more: milliseconds since the epoch, to compare with Date.now(). */
  readonly deadline: number;
  /** Aborted when nobody waits for the result any more, or when the time limit has passed. */
  readonly signal: AbortSignal;
  /** The absolute path of the library's data folder: the only files it should touch. It may not exist yet. */
  readonly dataFolder: string;
}

class Context implements CallContext {
  readonly #call: RunningCall;

  constructor(call: RunningCall) {
    this.#call = call;
  }

  get identity(): string {
    // Once it has looked at the address, its result is for that alone.
    this.#call.readCaller ||= 'identity';
    return this.#call.facts.caller.identity;
  }

  get groups(): readonly string[] {
    this.#call.readCaller ||= 'identity';
    // The function's own: what it does to the list is seen by no other call.
    return [...(this.#call.facts.caller.groups ?? [])];
  }

  get peer(): string {
    this.#call.readCaller = 'peer';
    return this.#call.facts.caller.peer;
  }

  get correlationId(): string {
    return this.#call.facts.caller.correlationId;
  }

  get deadline(): number {
    return this.#call.facts.deadline;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get dataFolder(): string {
    return this.#call.facts.dataFolder;
  }
}

function current(asker: string): RunningCall {
  const call = runningCall.getStore();
  if (call === undefined) {
    throw new UsageError('no-call', `${asker} works inside a call only, not while the library loads or from a timer.`);
  }
  return call;
}

/**
 * The call that is being served. Works also after an `await`.
 * @throws UsageError 'no-call' outside of a call.
 */
export function context(): CallContext {
  return new Context(current('context()'));
}

const maxTags = 64;
const maxTagLength = 256;

/**
 * Gives the result of this call a name under which it can be invalidated later.
 * @throws UsageError 'no-call' outside of a call; 'too-many-tags' at more than 64, or a name over 256 characters.
 */
export function tag(name: string): void {
  const call = current('tag()');
  if (name.length > maxTagLength || !call.tag(name, maxTags)) {
    throw new UsageError(
      'too-many-tags',
      `A result can carry ${maxTags} tags of at most ${maxTagLength} characters each.`,
    );
  }
}

/**
 * Says that cached results of this library are out of date: those of one function, or those with a tag.
 * Works inside a call and, except for inline libraries, also from timers and watchers.
 * It takes effect before the answer of the call that says so.
 * @throws UsageError 'no-call' where it cannot know which library speaks; 'bad-invalidation' for anything but one function or one tag.
 */
export function invalidate(what: Invalidation): void {
  const told = runningCall.getStore()?.facts ?? threadHost();
  if (told === undefined) {
    throw new UsageError('no-call', 'invalidate() works inside a call or in a worker of the gateway only.');
  }
  told.invalidate(checkedInvalidation(what));
}

/** Plain JavaScript can pass anything; what names nothing would be forgotten without a word. */
function checkedInvalidation(what: unknown): Invalidation {
  const members = typeof what === 'object' && what !== null ? Object.entries(what) : [];
  const [name, value] = members[0] ?? [];
  if (members.length === 1 && typeof value === 'string') {
    if (name === 'method') return { method: value };
    if (name === 'tag') return { tag: value };
  }
  const given = members.length === 0 ? String(what) : `{ ${members.map(([member]) => member).join(', ')} }`;
  throw new UsageError(
    'bad-invalidation',
    `invalidate() takes { method: 'NAME' } or { tag: 'NAME' }, not ${given}; call it once for each.`,
  );
}
