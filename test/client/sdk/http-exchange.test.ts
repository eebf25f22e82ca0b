/** One request over HTTP: its time, and the silence in which it ends. */
import { expect, test } from 'vitest';
import { HttpExchanges } from '../../../src/client/sdk/http-exchange.ts';
import { seconds } from '../../../src/core/duration.ts';
import { ManualScheduler } from '../../../src/transport/manual-scheduler.ts';

test('so much silence while something is wanted is the end of it; what is busy hears nothing, and may', async () => {
  const clock = new ManualScheduler();
  const exchange = new HttpExchanges(clock).begin('http://192.0.2.1/x', seconds(10), undefined);
  exchange.answered();
  const arrivals = [1, 2, 3].map(() => Promise.withResolvers<Uint8Array>());
  const body = async function* (): AsyncGenerator<Uint8Array, void> {
    for (const { promise } of arrivals) yield await promise;
  };
  const parts = exchange.whileAlive(body(), seconds(45), clock);
  for (const arrival of arrivals.slice(0, 2)) {
    const next = parts.next();
    clock.advance(seconds(44));
    arrival.resolve(new Uint8Array(1));
    await next;
    clock.advance(seconds(3600));
  }
  void parts.next();
  clock.advance(seconds(44));
  expect(exchange.signal.aborted).toBe(false);
  clock.advance(seconds(1));
  expect(exchange.signal.aborted).toBe(true);
  expect(exchange.failure(new TypeError('terminated'))).toMatchObject({ code: 'request-timeout' });
});

test('a connection that ends before the answer is told as one, and not as a message that CoAP rejected', () => {
  const exchange = new HttpExchanges(new ManualScheduler()).begin('http://192.0.2.1/x?_why', seconds(10), undefined);
  const thrown = new TypeError('fetch failed', { cause: new Error('other side closed') });
  expect(exchange.failure(thrown)).toMatchObject({
    code: 'request-reset',
    message:
      'http://192.0.2.1/x was not answered, because the connection failed; if the gateway was stopped meanwhile, the call may have run: other side closed.',
  });
  exchange.end();
});

test('also before anything has come', () => {
  const clock = new ManualScheduler();
  const exchange = new HttpExchanges(clock).begin('http://192.0.2.1/x', seconds(10), undefined);
  exchange.answered();
  const body = async function* (): AsyncGenerator<Uint8Array, void> {
    yield await Promise.withResolvers<Uint8Array>().promise;
  };
  void exchange.whileAlive(body(), seconds(45), clock).next();
  clock.advance(seconds(45));
  expect(exchange.signal.aborted).toBe(true);
});
