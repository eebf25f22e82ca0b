/** The thread that decodes and binds large bodies: the gateway's own code, no library's. Started by body-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { argumentsKey } from '../cache/arguments-key.ts';
import { InternalError } from '../core/error.ts';
import { bind, takesObjects } from '../functions/binding.ts';
import { CallError, isProblemName } from '../functions/call-error.ts';
import { PackedArguments } from '../functions/packed-arguments.ts';
import { lowerPriority } from '../functions/runtimes/node/thread-priority.ts';
import { readBody } from './body.ts';
import type { BodyRead, BodyThreadStart, BodyToRead } from './body-messages.ts';

if (parentPort === null) throw new InternalError('not-a-worker', 'body-worker.ts runs in a worker thread only.');
const port = parentPort;
lowerPriority((workerData as BodyThreadStart).priorityAddon);

function read({ id, fn, format, body }: BodyToRead): BodyRead {
  try {
    const args = bind(fn, readBody(fn, body, format));
    const part = fn.pure ? argumentsKey(args) : undefined;
    return { id, part, args: PackedArguments.of(args, takesObjects(fn)).bytes };
  } catch (error) {
    if (!(error instanceof CallError) || !isProblemName(error.code)) throw error;
    const { parameter, expected } = error.details;
    const details = {
      ...(parameter === undefined ? {} : { parameter }),
      ...(expected === undefined ? {} : { expected }),
    };
    return { id, problem: error.code, message: error.message, details };
  }
}

port.on('message', (message: BodyToRead) => {
  const answer = read(message);
  port.postMessage(answer, 'args' in answer ? [answer.args.buffer as ArrayBuffer] : []);
});
