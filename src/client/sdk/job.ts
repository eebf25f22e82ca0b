/** Calls whose results are fetched later (docs/jobs.md). */
import { contentFormat } from '../../cbor/content-format.ts';
import { decodeCborSequence } from '../../cbor/decode.ts';
import { codeClass } from '../../coap/codec/codes.ts';
import { milliseconds } from '../../core/duration.ts';
import { isList, type Value } from '../../core/value.ts';
import { fieldOf, optionalTextOf, recordOf, textOf } from '../../directory/read-value.ts';
import { withOptions, type CallOptions } from './call-options.ts';
import { valueOf } from './answer-value.ts';
import type { Calls } from './calls.ts';
import type { DoorAnswer } from './door.ts';
import { RemoteError } from './errors.ts';
import { throughOutages } from './retries.ts';

const states = ['queued', 'running', 'done', 'failed'] as const;
export type JobState = (typeof states)[number];

/** A call that the gateway runs when there is room, and whose result it keeps for a time. */
export interface Job<Result = Value> {
  /** Where its result will be; `gw.$job(uri)` is this job again, also in another program of the same identity. */
  readonly uri: string;
  /** How far it has come. @throws RemoteError 4.04 where it is gone; RequestError */
  status(): Promise<JobState>;
  /**
   * Waits for the result, as long as that takes: also while the gateway is started again, which the job outlives. Where nobody
   * answers for as long as `timeout`, that is thrown; with `retries: 0` at once.
   * @throws RemoteError what the function failed with, or 4.04 where the job is gone; RequestError
   */
  result(options?: Partial<Pick<CallOptions, 'signal' | 'retries'>>): Promise<Result>;
  /** It does not begin, or its function is told to stop; one that has ended is removed. @throws RemoteError, RequestError */
  cancel(): Promise<void>;
}

export function jobOf(calls: Calls, id: string, options: CallOptions): Job {
  const path = ['j', id];
  const target = path.join('/');
  return {
    uri: `${calls.door.origin}/${target}`,
    status: async () => await stateOf(calls, id, options),
    result: async (given = {}) => resultIn(await ended(calls, path, withOptions(options, given)), target),
    cancel: async () => {
      await calls.ask({ method: 'DELETE', path, query: [], payload: undefined }, options);
    },
  };
}

async function stateOf(calls: Calls, id: string, options: CallOptions): Promise<JobState> {
  const question = { method: 'GET', query: [], payload: undefined } as const;
  const listed = valueOf(await calls.ask({ ...question, path: ['j'] }, options));
  for (const entry of isList(listed) ? listed : []) {
    const job = recordOf(entry, 'a job');
    const said = optionalTextOf(fieldOf(job, 'state'), 'the state of a job');
    const state = states.find((known) => known === said);
    if (textOf(fieldOf(job, 'id'), 'the id of a job') === id && state !== undefined) return state;
  }
  // It is gone, and the gateway says how.
  await calls.ask({ ...question, path: ['j', id] }, options);
  return 'done';
}

async function ended({ door, scheduler }: Calls, path: readonly string[], options: CallOptions): Promise<DoorAnswer> {
  const { retries, signal, timeout } = options;
  const request = {
    method: 'GET',
    path,
    query: ['_why'],
    payload: undefined,
    etag: undefined,
    timeout,
    signal,
  } as const;
  const longest = retries === 0 ? milliseconds(0) : timeout;
  return await throughOutages((heard) => door.ended(request, heard), {
    longest,
    scheduler,
    signal,
    origin: door.origin,
  });
}

/** Of one that was observed, a sequence of one item. */
function resultIn(answer: DoorAnswer, target: string): Value {
  const { code, contentFormat: format, payload } = answer;
  if (codeClass(code) !== 2) throw new RemoteError(target, answer);
  return format === contentFormat.cborSequence ? decodeCborSequence(payload)[0] : valueOf(answer);
}
