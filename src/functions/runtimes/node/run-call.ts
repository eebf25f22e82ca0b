/** Runs one call of one function on the thread it is on, and says how it ended. Never throws. */
import type { ReadCaller } from '../../../core/principal.ts';
import { runningCall, type RunningCall } from '../../call-context.ts';
import { InvalidArgument, isLibraryFunction } from '../../library.ts';
import { toPortable, UnportableResult } from './portable.ts';
import type { Value } from '../../../core/value.ts';
import type { CallFailure } from './messages.ts';

/** An export of a library that may be called. */
export type Callable = (...args: readonly unknown[]) => unknown;

export type Outcome =
  | { readonly kind: 'done'; readonly value: Value; readonly readCaller: ReadCaller; readonly tags: readonly string[] }
  | { readonly kind: 'failed'; readonly failure: CallFailure };

/** Returns a promise exactly where the function did: the caller's thread is free then. */
export function runCall(callable: Callable, args: readonly Value[], call: RunningCall): Outcome | Promise<Outcome> {
  try {
    const returned = runningCall.run(call, invokeCallable, callable, args);
    if (!isThenable(returned)) return done(returned, call);
    return Promise.resolve(returned).then(
      (value) => {
        try {
          return done(value, call);
        } catch (thrown) {
          return failed(thrown);
        }
      },
      (thrown: unknown) => failed(thrown),
    );
  } catch (thrown) {
    return failed(thrown);
  }
}

/** Calls an export with arguments by position. */
export function invokeCallable(callable: Callable, args: readonly Value[]): unknown {
  if (!isLibraryFunction(callable)) return callable(...args);
  const names = Object.keys(callable.definition.params.shape);
  const byName: [string, Value][] = [];
  names.forEach((name, index) => {
    if (args[index] !== undefined) byName.push([name, args[index]]);
  });
  return callable(Object.fromEntries(byName));
}

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

const done = (value: unknown, call: RunningCall): Outcome => ({
  kind: 'done',
  // A lazy result still runs code of the library while it is drained: that code has its context too.
  value: typeof value === 'object' ? runningCall.run(call, toPortable, value, 0, call.references) : toPortable(value),
  readCaller: call.readCaller,
  tags: call.tags,
});

function failed(thrown: unknown): Outcome {
  return { kind: 'failed', failure: describeFailure(thrown) };
}

function describeFailure(thrown: unknown): CallFailure {
  if (thrown instanceof InvalidArgument) {
    return { problem: 'invalid-argument', message: thrown.message, parameter: thrown.parameter, thrown: undefined };
  }
  const problem = thrown instanceof UnportableResult ? 'unencodable-result' : 'function-failed';
  try {
    const error =
      thrown instanceof Error
        ? {
            name: textOf(thrown.name),
            message: textOf(thrown.message),
            stack: thrown.stack === undefined ? undefined : ownFrames(textOf(thrown.stack)),
          }
        : { name: 'Thrown', message: String(thrown), stack: undefined };
    return {
      problem,
      message:
        problem === 'unencodable-result'
          ? error.message
          : `The function threw ${thrown instanceof Error ? (/^[\w$]{1,64}$/.test(error.name) ? error.name : 'an error') : 'a value that is no Error'}.`,
      parameter: undefined,
      thrown: error,
    };
  } catch {
    // An error whose own members throw.
    return {
      problem,
      message: 'The function threw something that cannot be shown.',
      parameter: undefined,
      thrown: undefined,
    };
  }
}

/** All of the gateway's own files. */
const ours: string = new URL('../../../', import.meta.url).href;

/** The stack down to the function that was called: what called it is the gateway and Node, and helps nobody. */
function ownFrames(stack: string): string {
  const lines = stack.split('\n');
  const isForeign = (line: string): boolean => /^ +at /.test(line) && (line.includes('node:') || line.includes(ours));
  const last = lines.findLastIndex((line) => /^ +at /.test(line) && !isForeign(line));
  return last < 0 ? stack : lines.slice(0, last + 1).join('\n');
}

/** An error of a library may have anything as its message; only text crosses to the gateway. */
const textOf = (value: unknown): string => String(value);
