/** What becomes of whatever is thrown while a request is answered, and who is told of it. */
import { channels } from '../core/channels.ts';
import { CallError, type ProblemName } from '../functions/call-error.ts';

/** Anything but a CallError is a fault of the gateway. */
export const asCallError = (thrown: unknown): CallError =>
  thrown instanceof CallError
    ? thrown
    : new CallError('internal-error', 'The gateway failed to answer; its log says why.', { cause: thrown });

/** Problems that somebody has to look into: a busy gateway or a library that is known not to load is told elsewhere. */
const faults: ReadonlySet<string> = new Set<ProblemName>([
  'function-failed',
  'time-limit',
  'memory-limit',
  'worker-lost',
  'unencodable-result',
  'internal-error',
]);

/** Tells the operator, where it is a fault. @param thrown what `error` was made of */
export function reportFault(
  error: CallError,
  thrown: unknown,
  { target, correlationId }: { readonly target: string; readonly correlationId: string },
): void {
  if (!faults.has(error.code) || !channels.functionFailed.hasSubscribers) return;
  channels.functionFailed.publish({
    target,
    problem: error.code,
    message: error.message,
    stack: error.details.remote?.stack ?? (error === thrown ? undefined : stackOf(thrown, error)),
    correlationId,
  });
}

const stackOf = (thrown: unknown, error: CallError): string | undefined =>
  thrown instanceof Error ? thrown.stack : error.stack;
