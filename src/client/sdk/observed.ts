/** Functions and jobs that are observed over CoAP (RFC 7641), as docs/streams.md and docs/jobs.md say: what each notification means. */
import { contentFormat, isValueFormat } from '../../cbor/content-format.ts';
import { decodeCborSequence } from '../../cbor/decode.ts';
import { decodeRepresentation } from '../../cbor/representation.ts';
import { codeClass, responseCode } from '../../coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../coap/codec/options.ts';
import { parseCoapUri } from '../../coap/codec/uri.ts';
import { equalBytes, hex } from '../../core/bytes.ts';
import type { Scheduler } from '../../core/clock.ts';
import { after, milliseconds, seconds, type Milliseconds } from '../../core/duration.ts';
import { PeerError } from '../../core/error.ts';
import { isList, type Value } from '../../core/value.ts';
import type { CoapClient } from '../coap-client.ts';
import type { CoapRequest, CoapResponse } from '../coap-request.ts';
import type { DoorAnswer, StreamEvent, StreamPlace, WatchEvent } from './door.ts';
import { passed } from './retries.ts';

/**
 * After so much silence the gateway is asked for a sign of life: by a ping where it owes an answer, since to ask again would be to
 * call again, and by registering again where something is observed, since one that was started again answers pings and has forgotten
 * it (RFC 7641 §3.3.1). No RFC's number.
 */
export const longestSilence: Milliseconds = seconds(15);

export const doorAnswerOf = ({ code, contentFormat, payload, etag, maxAge, options }: CoapResponse): DoorAnswer => ({
  code,
  contentFormat,
  payload,
  etag,
  maxAge: seconds(maxAge),
  location: findStrings(options, optionNumber.locationPath),
});

/**
 * Each item is acknowledged when the loop wants it.
 * @param requestAt asks for what comes from there on
 * @throws RequestError; PeerError 'not-a-stream'
 */
export async function* observedStream(
  client: CoapClient,
  begin: StreamPlace,
  requestAt: (place: StreamPlace) => CoapRequest,
): AsyncGenerator<StreamEvent, void> {
  let place = begin;
  const asked = (): CoapRequest => ({ ...requestAt(place), accept: contentFormat.cborSequence });
  for await (const answer of client.observe(asked(), { paced: true, renewAfter: longestSilence, renewed: asked })) {
    if (codeClass(answer.code) !== 2) {
      yield { type: 'failed', answer: doorAnswerOf(answer) };
      return;
    }
    if (answer.etag !== undefined) {
      place = { ...place, run: hex(answer.etag) };
      yield { type: 'begun', run: hex(answer.etag) };
    }
    for (const told of decodeCborSequence(answer.payload)) {
      const event = eventOf(told);
      if (event.type === 'item') place = { ...place, from: event.index + 1 };
      yield event;
    }
  }
}

/** `[index, item]`, or `[count]` at the end. */
function eventOf(told: Value): StreamEvent {
  const [index, value] = isList(told) ? told : [];
  if (typeof index !== 'number' || !isList(told))
    throw new PeerError('not-a-stream', 'The peer told something else than items of a stream.');
  return told.length === 1 ? { type: 'end' } : { type: 'item', index, value };
}

/** Only the newest states wait for a loop that is busy. @throws RequestError */
export async function* observedResult(
  client: CoapClient,
  request: CoapRequest,
  scheduler: Scheduler,
): AsyncGenerator<WatchEvent, void> {
  const asked = { ...request, accept: contentFormat.cbor };
  let last: StateEvent | undefined;
  let toldAt = scheduler.now();
  // RFC 7641 §3.3.2: of which state there is no need to tell more than that it is this one again.
  let named: StateEvent | undefined;
  const renewed = (): CoapRequest => {
    named = last;
    return { ...asked, etag: named?.etag };
  };
  for await (const answer of client.observe(asked, { renewAfter: expectedWithin(request.uri), renewed })) {
    const { code, contentFormat: format, payload, etag, maxAge } = answer;
    if (codeClass(code) !== 2) {
      yield { type: 'failed', answer: doorAnswerOf(answer) };
      return;
    }
    const isValue = format !== undefined && isValueFormat(format);
    const value =
      code === responseCode.valid ? named?.value : isValue ? decodeRepresentation(payload, format) : undefined;
    const now = scheduler.now();
    // What registering again brings is told as often as the gateway would: Max-Age is c.pmax, which each registration begins anew.
    const isDue = now >= after(toldAt, seconds(maxAge / 2));
    if (last?.etag !== undefined && etag !== undefined && equalBytes(last.etag, etag) && !isDue) continue;
    toldAt = now;
    last = { type: 'state', value, etag };
    yield last;
  }
}

/** For c.pmin nothing is to be told, as registering again would. */
function expectedWithin(uri: string): Milliseconds {
  const words = findStrings(parseCoapUri(uri).options, optionNumber.uriQuery) ?? [];
  const pmin = words.find((word) => word.startsWith('c.pmin='))?.slice('c.pmin='.length);
  return milliseconds(longestSilence + seconds(Number(pmin ?? 0) || 0));
}

type StateEvent = Extract<WatchEvent, { readonly type: 'state' }>;

/**
 * The first answer that is not that the job goes on (docs/jobs.md).
 * @param pending told when it is
 * @throws RequestError
 */
export async function endedJob(
  client: CoapClient,
  request: CoapRequest,
  scheduler: Scheduler,
  pending: () => void,
): Promise<CoapResponse> {
  for (;;) {
    let comeBack = shortestPause;
    for await (const answer of client.observe(request, { renewAfter: longestSilence })) {
      // 5.03: there is no room for one more who observes, or the gateway is being stopped.
      if (answer.code === responseCode.serviceUnavailable) comeBack = seconds(Math.max(1, answer.maxAge));
      else if (!isPending(answer)) return answer;
      pending();
    }
    await passed(comeBack, scheduler, request.signal, request.uri);
  }
}

const shortestPause = milliseconds(200);

const isPending = ({ code, contentFormat: format, payload }: CoapResponse): boolean =>
  code === responseCode.content && format === contentFormat.cborSequence && payload.length === 0;
