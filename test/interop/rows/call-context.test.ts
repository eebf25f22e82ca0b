/** What a function in Python knows of its call, and what tells it that nobody waits. Needs python3. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { decodeCborSequence } from '../../../src/cbor/decode.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import { ask, post, startGateway, type TestGateway } from '../../http/gateway.ts';
import { missingPython } from '../python/python-folder.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });
const patient = { timeout: 20_000, interval: 10 };
const missing = missingPython();

const source = `import asyncio
import time
from funcoap import context, safe, time_limit

def facts():
    call = context()
    return {'identity': call.identity, 'peer': call.peer, 'correlation_id': call.correlation_id,
            'left': call.deadline - time.time(), 'data_folder': call.data_folder}

def note(text):
    with open(context().data_folder + '/notes', 'a') as notes:
        notes.write(text + '\\n')

@safe
def who(): return facts()

@safe
async def later():
    await asyncio.sleep(0)
    return facts()

@safe
def whose():
    yield facts()

@safe
async def waits(mark: str):
    note(mark + ' began')
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note(mark + ' cancelled ' + context().correlation_id)
        raise

@safe
@time_limit(0.3)
async def limited(mark: str): await waits(mark)

@safe
async def streams(mark: str):
    try:
        item = 0
        while True:
            yield item
            item += 1
            await asyncio.sleep(0.01)
    finally:
        note(mark + ' closed ' + context().correlation_id)

@safe
def counts(mark: str):
    try:
        for item in range(1_000_000):
            yield item
    finally:
        note(mark + ' closed ' + context().correlation_id)

@safe
async def stuck(mark: str):
    yield 1
    await waits(mark)
`;

let gateway: TestGateway;
let client: CoapClient;
let data: string;
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});
beforeAll(async () => {
  if (missing !== undefined) return;
  gateway = await startGateway({
    libraries: { 'ctx/ctx.py': source },
    more: {
      streams: { lifetime: '200ms' },
      workers: { timeLimit: '5m' },
      access: [{ identity: 'local', functions: ['*'] }],
    },
  });
  data = join(gateway.folder, 'libraries/ctx/data');
  mkdirSync(data);
  client = await openCoapClient({});
});
afterAll(async () => {
  if (missing !== undefined) return;
  await client.close();
  await gateway.close();
});

const noted = (line: string): Promise<void> =>
  vi.waitFor(() => {
    const notes = existsSync(join(data, 'notes')) ? readFileSync(join(data, 'notes'), 'utf8').trim().split('\n') : [];
    expect(notes).toContainEqual(expect.stringMatching(new RegExp(`^${line}$`)));
  }, patient);

const named = (mark: string): { readonly 'x-request-id': string } => ({ 'x-request-id': mark });

test.each(['who', 'later', 'whose'])(
  'P12-13: %s knows who calls it, under which correlation id and until when',
  async (name) => {
    const { text } = await ask(`${gateway.url}/func/ctx/${name}`, { headers: named('order-1') });
    expect(JSON.parse(text)).toEqual({
      identity: 'local',
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      correlation_id: 'order-1',
      left: name === 'whose' ? null : (expect.any(Number) as number),
      data_folder: data,
    });
  },
);

test('P12-13: a coroutine whose caller has left is cancelled, and may tidy up in its call', async () => {
  const made = request(`${gateway.url}/func/ctx/waits?mark=left`, { headers: named('left') });
  made.on('error', () => undefined).end();
  await noted('left began');
  made.destroy();
  await noted('left cancelled left');
});

test('P12-13: a coroutine whose time is over is cancelled', async () => {
  expect((await ask(`${gateway.url}/func/ctx/limited?mark=time`, { headers: named('time') })).status).toBe(504);
  await noted('time cancelled time');
});

test('P12-13: a coroutine whose job was cancelled is', async () => {
  const taken = await post(`${gateway.url}/func/ctx/waits?_job`, ['job'], named('job'));
  await noted('job began');
  await ask(gateway.url + String(taken.headers.location), { method: 'DELETE' });
  await noted('job cancelled job');
});

test.each([
  ['streams', 'closed'],
  ['counts', 'closed'],
  ['stuck', 'cancelled'],
])('P12-13: %s, a stream that nobody reads any more, is %s', async (name, how) => {
  const made = request(`${gateway.url}/func/ctx/${name}?mark=${name}`, { headers: named(name) }).end();
  const [answer] = (await once(made, 'response')) as [IncomingMessage];
  await once(answer, 'data');
  answer.on('error', () => undefined).destroy();
  await noted(`${name} ${how} ${name}`);
});

test('P12-13: a stream that nobody observes any more is closed', async () => {
  const uri = `${gateway.coap}/func/ctx/streams?mark=observer`;
  for await (const { payload } of client.observe({ uri, method: 'FETCH' }))
    if (decodeCborSequence(payload).length > 0) break;
  await noted('observer closed .+');
});
