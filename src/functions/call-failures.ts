/** The sentences of calls that the pool could not carry out. */
import { CallError } from './call-error.ts';
import type { Call } from './call.ts';
import type { Milliseconds } from '../core/duration.ts';
import type { CallFailure } from './runtimes/node/messages.ts';
import { withoutFolders } from './without-folders.ts';
import type { WorkerLoss } from './worker-port.ts';

const nameOf = (call: Call): string => `${call.function.library}/${call.function.method}`;

export const timeLimitError = (call: Call, limit: Milliseconds): CallError =>
  new CallError('time-limit', `${nameOf(call)} did not finish within ${Math.round(limit)} ms and was stopped.`);

export const overloadedError = (call: Call, retryAfter: Milliseconds): CallError =>
  new CallError('overloaded', `Too many calls of ${call.function.library} are waiting; come back later.`, {
    retryAfter,
  });

/** It waited, and its time was over before a thread took it. */
export const waitedError = (call: Call, retryAfter: Milliseconds): CallError =>
  new CallError('overloaded', `${call.function.library} was too busy to begin this call in time; come back later.`, {
    retryAfter,
  });

export const cancelledError = (call: Call): CallError =>
  new CallError('cancelled', `The call of ${nameOf(call)} was given up before it had a result.`);

export const closedError = (call: Call, retryAfter: Milliseconds): CallError =>
  new CallError('not-ready', `${call.function.library} is being replaced or stopped; come back later.`, { retryAfter });

export const loadError = (library: string, message: string): CallError =>
  new CallError('library-failed', `${library} does not load: ${message}`);

/** A call that is answered once was made of it. */
export const streamError = ({ library, method }: Call['function']): CallError =>
  new CallError(
    'bad-request',
    `${library}/${method} is a stream: observe it, or read it by a call of its own; it cannot be part of another.`,
  );

/** The function itself said that it failed. */
export function functionError(call: Call, failure: CallFailure): CallError {
  const parameter = call.function.parameters.find((p) => p.name === failure.parameter);
  return new CallError(failure.problem, failure.message, {
    ...(parameter === undefined ? {} : { parameter: { name: parameter.name, id: parameter.id } }),
    ...(failure.thrown === undefined ? {} : { remote: failure.thrown }),
  });
}

/** The thread on which the object of a call lived is gone, and the object with it. */
export const objectLostError = (call: Call): CallError =>
  new CallError(
    'object-lost',
    `The thread that kept this object of ${call.function.library} ended, and the object with it; make another one.`,
  );

/** The thread ended under the call; `culprit` where it is known that this call ended it. */
export function lostError(call: Call, loss: WorkerLoss | undefined, culprit: boolean): CallError {
  switch (loss?.kind) {
    case 'memory':
      return new CallError('memory-limit', `${nameOf(call)} ran in a thread that ran out of memory.`);
    case 'crashed':
      return new CallError(
        culprit ? 'function-failed' : 'worker-lost',
        `${nameOf(call)} ran in a thread that stopped at an error that nobody caught.`,
        { remote: { name: loss.name, message: loss.message, stack: loss.stack } },
      );
    case 'exited':
      return new CallError(
        'worker-lost',
        `${nameOf(call)} ran in a thread that the library ended with process.exit().`,
      );
    case 'process':
      return new CallError('worker-lost', `${nameOf(call)} ran in a Python process that ended ${loss.how}.`);
    case undefined:
      return new CallError(
        'worker-lost',
        `${nameOf(call)} ran in a thread that had to be stopped because of another call; it may have had effects.`,
      );
  }
}

/** Why a thread ended before its library had loaded, for LibraryDescription.error. */
export function describeLoadLoss(loss: WorkerLoss | undefined): string {
  switch (loss?.kind) {
    case 'memory':
      return 'it ran out of memory while loading; let it read less at its top level, or raise workers.memory.';
    case 'crashed':
      return `${loss.place === undefined ? '' : `${loss.place}: `}nobody caught ${loss.name}: ${withoutFolders(loss.message).replace(/\.$/, '')}, while it was loaded; mend it and save the file.`;
    case 'exited':
      // Node's own code for a module that waits when nothing is left to happen.
      if (loss.exitCode === 13)
        return 'it waits for something that never comes: a top-level await does not end; mend it and save the file.';
      return `it called process.exit(${loss.exitCode}) while loading; remove that: a library is loaded to the end of its file.`;
    case 'process':
      return `its Python process ended ${loss.how} while loading; a module is loaded to its end, without os._exit() and without a crash.`;
    case undefined:
      return 'it had to be stopped while loading.';
  }
}
