/** Functions and jobs that are observed over CoAP (RFC 7641), as docs/streams.md and docs/jobs.md say: what each notification means. */
import { contentFormat, isValueFormat } from '../../cbor/content-format.ts';
import { decodeCborSequence } from '../../cbor/decode.ts';
import { decodeRepresentation } from '../../cbor/representation.ts';
import { codeClass, responseCode } from '../../coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../coap/codec/options.ts';
import type { Scheduler } from '../../core/clock.ts';
import { milliseconds, seconds } from '../../core/duration.ts';
import { PeerError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { CoapClient } from '../coap-client.ts';
import type { CoapRequest, CoapResponse } from '../coap-request.ts';
import type { DoorAnswer, StreamEvent, WatchEvent } from './door.ts';
import { passed } from './retries.ts';

/**
 * After so much silence a stream is asked for again under its token: a gateway that was started again has forgotten it, and one
 * that waits for an acknowledgement, because whoever reads is busy, gives up after a minute and a half (RFC 7252 §4.8.2).
 */
const renewAfter = seconds(60);

export const doorAnswerOf = ({ code, contentFormat, payload, etag, maxAge, options }: CoapResponse): DoorAnswer => ({
  code,
  contentFormat,
  payload,
  etag,
  maxAge: seconds(maxAge),
  location: findStrings(options, optionNumber.locationPath),
});

/** Each item is acknowledged when the loop wants it. @throws RequestError; PeerError 'not-a-stream' */
export async function* observedStream(client: CoapClient, request: CoapRequest): AsyncGenerator<StreamEvent, void> {
  const asked = { ...request, accept: contentFormat.cborSequence };
  for await (const answer of client.observe(asked, { paced: true, renewAfter })) {
    if (codeClass(answer.code) !== 2) {
      yield { type: 'failed', answer: doorAnswerOf(answer) };
      return;
    }
    for (const told of decodeCborSequence(answer.payload)) yield eventOf(told);
  }
}

/** `[index, item]`, or `[count]` at the end. */
function eventOf(told: Value): StreamEvent {
  const [index, value] = Array.isArray(told) ? (told as readonly Value[]) : [];
  if (typeof index !== 'number' || !Array.isArray(told))
    throw new PeerError('not-a-stream', 'The peer told something else than items of a stream.');
  return told.length === 1 ? { type: 'end' } : { type: 'item', index, value };
}

/** Only the newest state waits for a loop that is busy. @throws RequestError */
export async function* observedResult(client: CoapClient, request: CoapRequest): AsyncGenerator<WatchEvent, void> {
  for await (const answer of client.observe({ ...request, accept: contentFormat.cbor })) {
    const { contentFormat: format, payload, etag } = answer;
    if (codeClass(answer.code) !== 2) {
      yield { type: 'failed', answer: doorAnswerOf(answer) };
      return;
    }
    const value = format !== undefined && isValueFormat(format) ? decodeRepresentation(payload, format) : undefined;
    yield { type: 'state', value, etag };
  }
}

/** The first answer that is not that the job goes on (docs/jobs.md). @throws RequestError */
export async function endedJob(client: CoapClient, request: CoapRequest, scheduler: Scheduler): Promise<CoapResponse> {
  for (;;) {
    let comeBack = shortestPause;
    for await (const answer of client.observe(request, { renewAfter })) {
      // 5.03: there is no room for one more who observes.
      if (answer.code === responseCode.serviceUnavailable) comeBack = seconds(Math.max(1, answer.maxAge));
      else if (!isPending(answer)) return answer;
    }
    await passed(comeBack, scheduler, request.signal, request.uri);
  }
}

const shortestPause = milliseconds(200);

const isPending = ({ code, contentFormat: format, payload }: CoapResponse): boolean =>
  code === responseCode.content && format === contentFormat.cborSequence && payload.length === 0;
