/** What a gateway tells one after the other: items of a stream, or what a result becomes (docs/streams.md). */
import type { CoapClient } from '../client/coap-client.ts';
import type { CoapRequest } from '../client/coap-request.ts';
import { defaultCallOptions } from '../client/sdk/call-options.ts';
import { placeWords, type DoorAnswer } from '../client/sdk/door.ts';
import { RemoteError } from '../client/sdk/errors.ts';
import { streamItems, watchedResults, type FollowOptions } from '../client/sdk/followed.ts';
import { observedResult, observedStream } from '../client/sdk/observed.ts';
import type { Value } from '../core/value.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { systemScheduler } from '../transport/scheduler.ts';
import { valueOf, withQuery, type Connection } from './connection.ts';
import { accepted } from './failure.ts';

const followOptions = ({ signal }: Connection, { uri }: CoapRequest, fn: DescribedFunction): FollowOptions => ({
  retries: defaultCallOptions.retries,
  signal,
  scheduler: systemScheduler,
  origin: uri,
  refused: (answer: DoorAnswer) => new RemoteError(`${fn.library}/${fn.method}`, answer, fn.parameters),
});

/** Items of a stream. @param from the index of the first that is wanted */
export const streamValues = (
  connection: Connection,
  request: CoapRequest,
  fn: DescribedFunction,
  from = 0,
): AsyncIterable<Value> =>
  streamItems({ ...followOptions(connection, request, fn), replay: false }, from, (place) =>
    observedStream(connection.client, place, (at) => ({
      ...request,
      uri: placeWords(at).reduce((uri, word) => withQuery(uri, word), request.uri),
    })),
  );

/** What a pure function gives, now and whenever it is another. */
export const resultValues = (
  connection: Connection,
  request: CoapRequest,
  fn: DescribedFunction,
): AsyncIterable<Value> =>
  watchedResults(followOptions(connection, request, fn), request.uri.includes('c.pmax='), () =>
    observedResult(connection.client, request, systemScheduler),
  );

/** Of a resource that is no function. */
export async function* states(client: CoapClient, request: CoapRequest): AsyncGenerator<Value, void> {
  for await (const answer of client.observe(request)) yield valueOf(accepted(answer));
}
