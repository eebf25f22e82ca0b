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
  const isNew = faults.has(error.code) && error.details.isReported !== true;
  if (!isNew || !channels.functionFailed.hasSubscribers) return;
  channels.functionFailed.publish({
    target,
    problem: error.code,
    message: sentenceOf(error),
    stack: error.details.remote?.stack ?? (error === thrown ? undefined : stackOf(thrown, error)),
    correlationId,
  });
}

/** With what was thrown and where, which is the operator's to read and no caller's. */
function sentenceOf({ message, details: { remote } }: CallError): string {
  if (remote === undefined || message.includes(remote.message)) return message;
  const place = placeOf(remote.stack ?? '');
  return `${message.replace(/\.$/, '')}: ${remote.message.slice(0, maxShown)}${place === undefined ? '' : ` (${place})`}.`;
}

/** The library throws what it likes. */
const maxShown = 500;

/** The line that threw: of JavaScript the first frame in a file, of Python the last. */
function placeOf(stack: string): string | undefined {
  const script = /file:\/\/[^\s)]*?([^/\s)]+\.m?[jt]s:\d+)/.exec(stack)?.[1];
  if (script !== undefined) return script;
  const frame = [...stack.matchAll(/^ +File "(?:[^"]*[/\\])?([^"/\\]+)", line (\d+)/gm)].at(-1);
  return frame === undefined ? undefined : `${frame[1]}:${frame[2]}`;
}

const stackOf = (thrown: unknown, error: CallError): string | undefined =>
  thrown instanceof Error ? thrown.stack : error.stack;
