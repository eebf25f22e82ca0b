/**
 * /j: the caller's jobs. /j/{id}: one of them, as long as what came of it is kept (docs/jobs.md).
 *
 *   GET             it has not ended: 5.03, Max-Age says when to come back; then the result, or the error
 *   GET, Observe 0  it has not ended: 2.05, an empty sequence (RFC 8742); then the sequence of the one result, or the error,
 *                   which ends the observation
 *   DELETE          it is gone: it does not run, or its function is told to stop, and no result is kept
 */
import { etagOf } from '../../cache/etag.ts';
import { contentFormat, isValueFormat } from '../../cbor/content-format.ts';
import { encodeCbor } from '../../cbor/encode.ts';
import { encodeRepresentation } from '../../cbor/representation.ts';
import { method, responseCode } from '../../coap/codec/codes.ts';
import { findOption, findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Observation } from '../../coap/observe/observation.ts';
import type { Request } from '../../coap/request.ts';
import { response, type Response } from '../../coap/response.ts';
import { emptyBytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import { seconds, type Instant } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Job } from '../../functions/job-store.ts';
import { asCallError } from '../faults.ts';
import { resultOf, type Jobs } from '../jobs.ts';
import { problemResponse } from '../problem-response.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { isCurrent } from './formats.ts';

export interface JobResourceOptions {
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly observe: (request: Request, onEnd: () => void, now: Instant) => Observation | undefined;
  /** There is output to be fetched. */
  readonly wake: () => void;
  readonly showInternals: boolean;
}

export class JobResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.DELETE];
  readonly conditional = false;
  readonly multicast = false;
  readonly #options: JobResourceOptions;

  constructor(options: JobResourceOptions) {
    this.#options = options;
  }

  async handle(visit: Visit): Promise<Answer> {
    const { request, path, query, caller } = visit;
    const { jobs, clock } = this.#options;
    const stray = query.find((item) => item !== '_why');
    if (stray !== undefined) throw new CallError('unknown-query', `\`${stray}\` means nothing here; there is _why.`);
    const [, id] = path;
    if (request.code === method.DELETE) {
      if (id === undefined) throw new CallError('method-not-allowed', 'Remove one job at a time: DELETE /j/{id}.');
      await jobs.remove(id, caller);
      return { response: response(responseCode.deleted) };
    }
    const accept = acceptOf(request);
    if (id === undefined) return { response: await this.#list(visit, accept) };
    const job = await jobs.find(id, caller);
    const isObserved =
      request.wording.observe === 0 && (accept ?? contentFormat.cborSequence) === contentFormat.cborSequence;
    const asSequence = isObserved || accept === contentFormat.cborSequence;
    if (job.outcome !== undefined)
      return { response: ended(request, job, asSequence ? contentFormat.cborSequence : accept) };
    const maxAge = jobs.comeBack(job);
    const observation = isObserved ? this.#observe(visit, job, clock.now()) : undefined;
    if (observation === undefined) throw pending(job, maxAge);
    const empty = { contentFormat: contentFormat.cborSequence, payload: emptyBytes };
    return { response: response(responseCode.content, { ...empty, maxAge, observation }) };
  }

  async #list({ request, caller }: Visit, accept: number | undefined): Promise<Response> {
    if (accept === contentFormat.cborSequence) throw notAcceptable(accept);
    const format = accept ?? contentFormat.cbor;
    const payload = encodeRepresentation(await this.#options.jobs.list(caller), format);
    return represented(request, format, payload);
  }

  #observe(visit: Visit, { order, state }: Job, now: Instant): Observation | undefined {
    const { jobs, observe } = this.#options;
    let stop = (): void => {};
    const observation = observe(visit.request, () => stop(), now);
    if (observation === undefined) return undefined;
    stop = jobs.watch(order.id, state, () => void this.#notify(visit, observation, order.id));
    return observation;
  }

  /** It has ended, or is gone. */
  async #notify({ request, caller }: Visit, observation: Observation, id: string): Promise<void> {
    const { jobs, clock, wake, showInternals } = this.#options;
    const state = await jobs
      .find(id, caller)
      .then((job) => ended(request, job, contentFormat.cborSequence))
      .catch((error: unknown) => problemResponse(asCallError(error), request.options, showInternals));
    observation.notify(state, true, clock.now());
    wake();
  }
}

/** The result of a job that has ended. @throws CallError why it has none */
function ended(request: Request, { outcome, order }: Job, accept: number | undefined): Response {
  if (outcome === undefined) throw new CallError('job-pending', `The job ${order.id} has not ended.`);
  if (accept === contentFormat.cborSequence) {
    const item = resultOf(outcome, order.format, contentFormat.cbor);
    // What is nothing by itself is null in a sequence, as it is in a list.
    const payload = item.length === 0 ? encodeCbor(null) : item;
    return response(responseCode.content, { contentFormat: accept, payload, maxAge: 0, kept: true });
  }
  const format = accept ?? order.format;
  const payload = resultOf(outcome, order.format, format);
  const isNothing = outcome.state === 'done' && outcome.cbor.length === 0;
  return represented(request, isNothing ? undefined : format, payload);
}

function represented(request: Request, format: number | undefined, payload: Uint8Array): Response {
  const etag = etagOf(format ?? contentFormat.cbor, payload);
  if (isCurrent(request, etag)) return response(responseCode.valid, { etag, maxAge: 0 });
  return response(responseCode.content, { etag, contentFormat: format, payload, maxAge: 0, kept: true });
}

const pending = ({ order, state }: Job, comeBack: number): CallError =>
  new CallError(
    'job-pending',
    `The job ${order.id} ${state === 'queued' ? 'waits for its turn' : 'runs'}; come back later.`,
    {
      retryAfter: seconds(comeBack),
    },
  );

/** @throws CallError `not-acceptable` */
function acceptOf({ options }: Request): number | undefined {
  if (findOption(options, optionNumber.accept) === undefined) return undefined;
  const accept = findUint(options, optionNumber.accept) ?? 0;
  if (accept !== contentFormat.cborSequence && !isValueFormat(accept)) throw notAcceptable(accept);
  return accept;
}

const notAcceptable = (format: number): CallError =>
  new CallError(
    'not-acceptable',
    `This cannot be given in Content-Format ${format}; accept 60, 50, 0 or 42, or leave Accept out.`,
  );
