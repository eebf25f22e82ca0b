/** What a server says over HTTP that may be no gateway, or be between: nothing of it is believed that does not fit. */
import { getEventListeners } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { DoorRequest } from '../../../src/client/sdk/door.ts';
import { HttpDoor } from '../../../src/client/sdk/http-door.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';

const request: DoorRequest = {
  method: 'GET',
  path: ['func'],
  query: [],
  payload: undefined,
  etag: undefined,
  timeout: seconds(20),
  signal: undefined,
};

/** A door to a server that answers so. */
async function doorTo(answer: RequestListener): Promise<HttpDoor> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const door = new HttpDoor({ origin, scheduler: systemScheduler, token: undefined, maxResponseBytes: 1000 });
  onTestFinished(async () => {
    await door.close();
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return door;
}

test('nobody is followed elsewhere, where the token would go too', async () => {
  const asked: (string | undefined)[] = [];
  const door = await doorTo(({ url }, response) => {
    asked.push(url);
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  await expect(door.ask(request)).rejects.toMatchObject({ code: 'request-reset' });
  expect(asked).toEqual(['/func']);
});

test('no more is read than may be', async () => {
  const door = await doorTo((_, response) => response.end('x'.repeat(1001)));
  await expect(door.ask(request)).rejects.toMatchObject({ code: 'request-too-large' });
});

test('who answers something else than events is no gateway', async () => {
  const door = await doorTo((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'));
  const watched = door.watch({ ...request, type: undefined })[Symbol.asyncIterator]();
  await expect(watched.next()).rejects.toMatchObject({ code: 'not-a-gateway' });
});

test.each([
  [200, 'GET', '2.05'],
  [200, 'POST', '2.04'],
  [202, 'GET', '5.03'],
  [202, 'POST', '2.01'],
  [300, 'GET', '4.00'],
  [304, 'GET', '2.03'],
  [404, 'GET', '4.04'],
  [429, 'GET', '4.29'],
  [511, 'GET', '5.11'],
] as const)('%i of a %s is %s', async (status, method, code) => {
  const door = await doorTo((_, response) => response.writeHead(status).end());
  expect(dotted((await door.ask({ ...request, method })).code)).toBe(code);
});

test.each<[string, string, unknown, number]>([
  ['"9f3a"', '7', Uint8Array.of(0x9f, 0x3a), 7000],
  ['"of another kind"', 'Sat, 31 Jan 2026 12:00:00 GMT', undefined, 0],
  [`"${'9f'.repeat(9)}"`, '-1', undefined, 0],
  ['W/"9f3a"', '', undefined, 0],
])('ETag %s, Retry-After %s', async (etag, comeBack, told, maxAge) => {
  const door = await doorTo((_, response) => response.writeHead(200, { etag, 'retry-after': comeBack }).end());
  expect(await door.ask(request)).toMatchObject({ etag: told, maxAge });
});

test('the signal is let go of', async () => {
  const { signal } = new AbortController();
  const door = await doorTo((_, response) => response.end());
  await door.ask({ ...request, signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
