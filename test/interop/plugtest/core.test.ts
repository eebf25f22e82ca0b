/** TD_COAP_CORE against the plugtest server, by libcoap's coap-client and bare datagrams. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { coapClient, missingCoapClient, optionOf, type CoapClientRun } from './libcoap.ts';
import { openPlugtestServer, type PlugtestServer } from './server.ts';
import { Wire } from './wire.ts';

const missing = missingCoapClient();

const textPlain = ['-t', '0'];

describe('TD_COAP_CORE', () => {
  beforeEach(({ skip }) => skip(missing !== undefined, missing));

  let server: PlugtestServer;
  let port: number;

  const run = (path: string, ...args: readonly string[]): Promise<CoapClientRun> =>
    coapClient(`coap://127.0.0.1:${port}${path}`, ...args);

  beforeAll(async () => {
    server = await openPlugtestServer({ port: 0 });
    port = server.addresses[0]?.port ?? 0;
  });
  afterAll(() => server.close());

  /** Runs it as CON and as NON and checks what every response to it owes (RFC 7252 §5.3). */
  const both = async (path: string, ...args: readonly string[]): Promise<readonly CoapClientRun[]> => {
    const confirmable = await run(path, ...args);
    const [request] = confirmable.messages;
    expect(confirmable.messages).toHaveLength(2);
    expect(confirmable.last).toMatchObject({ type: 'ACK', messageId: request?.messageId, token: request?.token });
    const nonConfirmable = await run(path, '-N', ...args);
    expect(nonConfirmable.messages).toHaveLength(2);
    expect(nonConfirmable.last).toMatchObject({ type: 'NON', token: nonConfirmable.messages[0]?.token });
    return [confirmable, nonConfirmable];
  };

  test('01, 05, 10, 12, 15: GET /test is 2.05 in kind, under the same Message ID and token', async () => {
    for (const { last } of await both('/test')) {
      expect(last.code).toBe('2.05');
      expect(optionOf(last, 'Content-Format')).toBe('text/plain');
      expect(last.payload).not.toBe('');
    }
    const [request, answer] = (await run('/test', '-T', 'beefcafe')).messages;
    expect(request?.token).toHaveLength(16);
    expect(answer).toMatchObject({ type: 'ACK', code: '2.05', messageId: request?.messageId, token: request?.token });
  });

  test('12: a request with an empty token is answered with an empty token', async () => {
    const wire = await Wire.open(port);
    wire.request({ type: 'CON', code: '0.01', messageId: 0x1212, token: '', options: [[11, 'test']] });
    expect(await wire.receive()).toMatchObject({ type: 'ACK', code: '2.05', messageId: 0x1212, token: '' });
    wire.close();
  });

  test('02, 06: DELETE /test is 2.02', async () => {
    for (const { last } of await both('/test', '-m', 'delete')) expect(last.code).toBe('2.02');
  });

  test('03, 07: PUT /test is 2.04, and GET reads what was put', async () => {
    for (const { last } of await both('/test', '-m', 'put', ...textPlain, '-e', 'put')) expect(last.code).toBe('2.04');
    expect((await run('/test')).last.payload).toBe('put');
    await run('/test', '-m', 'delete');
    expect((await run('/test')).last.payload).not.toBe('put');
  });

  test('04, 08, 18: POST /test is 2.01, and what was posted is where Location-Path says', async () => {
    for (const { last } of await both('/test', '-m', 'post', ...textPlain, '-e', 'posted')) {
      expect(last.code).toBe('2.01');
      expect(last.options).toEqual(['Location-Path:location1', 'Location-Path:location2', 'Location-Path:location3']);
    }
    const { last } = await run('/location1/location2/location3');
    expect(last).toMatchObject({ code: '2.05', payload: 'posted' });
    expect((await run('/location1/location2/location3', '-m', 'delete')).last.code).toBe('2.02');
    expect((await run('/location1/location2/location3')).last.code).toBe('4.04');
  });

  test('09, 11: GET /separate is an empty ACK, then a CON 2.05 with the token, which is acknowledged', async () => {
    const { messages } = await run('/separate');
    const [request, , answer] = messages;
    expect(messages).toMatchObject([
      { direction: 'sent', type: 'CON', code: 'GET' },
      { direction: 'received', type: 'ACK', code: '0.00', messageId: request?.messageId, token: '' },
      { direction: 'received', type: 'CON', code: '2.05', token: request?.token },
      { direction: 'sent', type: 'ACK', code: '0.00', messageId: answer?.messageId },
    ]);
    expect(answer?.payload).not.toBe('');
  });

  test('16, 17: GET /separate as NON is answered once, as NON', async () => {
    const { messages } = await run('/separate', '-N');
    expect(messages).toMatchObject([
      { type: 'NON', code: 'GET' },
      { type: 'NON', code: '2.05', token: messages[0]?.token },
    ]);
  });

  test('13, 14: several Uri-Path and Uri-Query options are told apart', async () => {
    expect((await run('/seg1/seg2/seg3')).last.code).toBe('2.05');
    expect((await run('/seg1/seg2')).last.code).toBe('4.04');
    const { last, body } = await run('/query?first=1&second=2&third=3');
    expect(last.code).toBe('2.05');
    expect(body).toBe('Query:\nfirst=1\nsecond=2\nthird=3');
  });

  test('19: POST /location-query is 2.01, and what was posted is where Location-Query says', async () => {
    const { last } = await run('/location-query', '-m', 'post', ...textPlain, '-e', 'posted');
    expect(last).toMatchObject({
      type: 'ACK',
      code: '2.01',
      options: ['Location-Query:first=1', 'Location-Query:second=2'],
    });
    expect((await run('/location-query?first=1&second=2')).last).toMatchObject({ code: '2.05', payload: 'posted' });
    expect((await run('/location-query')).last.code).toBe('4.04');
  });

  test.each([
    ['0', 'text/plain'],
    ['41', 'application/xml'],
    ['50', 'application/json'],
    ['60', 'application/cbor'],
  ])('20: GET /multi-format with Accept %s is %s', async (accept, name) => {
    const { last } = await run('/multi-format', '-A', accept);
    expect(last.code).toBe('2.05');
    expect(optionOf(last, 'Content-Format')).toBe(name);
  });

  test('20: GET /multi-format with another Accept is 4.06, without Accept it is text', async () => {
    expect((await run('/multi-format', '-A', '40')).last.code).toBe('4.06');
    expect(optionOf((await run('/multi-format')).last, 'Content-Format')).toBe('text/plain');
  });

  test('21: GET /validate with the current ETag is 2.03 without payload, and 2.05 after a change', async () => {
    const etag = optionOf((await run('/validate')).last, 'ETag') ?? '';
    expect(etag).toMatch(/^0x[0-9a-f]{8}$/);
    const { last } = await run('/validate', '-O', `4,${etag}`);
    expect(last).toMatchObject({ code: '2.03', payload: '' });
    expect(optionOf(last, 'ETag')).toBe(etag);
    await run('/validate', '-m', 'put', ...textPlain, '-e', 'changed by 21');
    const changed = await run('/validate', '-O', `4,${etag}`);
    expect(changed.last).toMatchObject({ code: '2.05', payload: 'changed by 21' });
    expect(optionOf(changed.last, 'ETag')).not.toBe(etag);
  });

  test('22: PUT /validate with If-Match is 2.04 for the current ETag and 4.12 for an old one', async () => {
    const etag = optionOf((await run('/validate')).last, 'ETag') ?? '';
    const put = (body: string): Promise<CoapClientRun> =>
      run('/validate', '-m', 'put', '-O', `1,${etag}`, ...textPlain, '-e', body);
    expect((await put('changed by 22')).last.code).toBe('2.04');
    expect((await put('too late')).last.code).toBe('4.12');
    expect((await run('/validate')).last.payload).toBe('changed by 22');
  });

  test('23: PUT /create1 with If-None-Match is 2.01, and 4.12 once it exists', async () => {
    const put = (body: string): Promise<CoapClientRun> =>
      run('/create1', '-m', 'put', '-O', '5,', ...textPlain, '-e', body);
    expect((await run('/create1')).last.code).toBe('4.04');
    expect((await put('first')).last.code).toBe('2.01');
    expect((await put('second')).last.code).toBe('4.12');
    expect((await run('/create1')).last.payload).toBe('first');
    await run('/create1', '-m', 'delete');
    expect((await put('third')).last.code).toBe('2.01');
  });

  test.each(['get', 'post'])('a %s with If-Match fails with 4.02 where it means nothing', async (method) => {
    expect((await run('/location-query', '-m', method, '-O', '1,0x01')).last.code).toBe('4.02');
  });
});

test('TD_COAP_CORE_31: a ping is answered with RST', async () => {
  const server = await openPlugtestServer({ port: 0 });
  const wire = await Wire.open(server.addresses[0]?.port ?? 0);
  wire.empty('CON', 0x3131);
  expect(await wire.receive()).toMatchObject({ type: 'RST', code: '0.00', messageId: 0x3131, token: '' });
  wire.close();
  await server.close();
});
