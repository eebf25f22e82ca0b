/** TD_COAP_OBS against the plugtest server, by libcoap's coap-client and, where a test needs its hands free, bare datagrams. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { milliseconds } from '../../../src/core/duration.ts';
import { coapClient, missingCoapClient, optionOf } from './libcoap.ts';
import { openPlugtestServer, type PlugtestServer } from './server.ts';
import { Wire, type WireMessage } from './wire.ts';

const missing = missingCoapClient();
const interval = milliseconds(200);
const [observe, uriPath, contentFormat, maxAge] = [6, 11, 12, 14];
const observing = 'c0ffee';

describe('TD_COAP_OBS', () => {
  let server: PlugtestServer;
  let port: number;

  beforeAll(async () => {
    server = await openPlugtestServer({ port: 0, interval });
    port = server.addresses[0]?.port ?? 0;
  });
  afterAll(() => server.close());

  describe('with coap-client', () => {
    beforeEach(({ skip }) => skip(missing !== undefined, missing));

    test.each([
      ['01, 12', '/obs', [], 'ACK', 'CON'],
      ['02, 05', '/obs-non', ['-N'], 'NON', 'NON'],
    ])(
      '%s: observing %s is answered and notified in kind, until it is cancelled',
      async (_, path, args, first, later) => {
        const { messages, received } = await coapClient(`coap://127.0.0.1:${port}${path}`, '-s', '2', ...args);
        const token = messages[0]?.token;
        const [registered, ...notifications] = received.filter((message) => optionOf(message, 'Observe') !== undefined);
        expect(registered).toMatchObject({ type: first, code: '2.05', token });
        expect(optionOf(registered ?? messages[0] ?? nothing(), 'Content-Format')).toBe('text/plain');
        expect(notifications.length).toBeGreaterThan(2);
        for (const notification of notifications)
          expect(notification).toMatchObject({ type: later, code: '2.05', token });
        const sequence = notifications.map((notification) => Number(optionOf(notification, 'Observe')));
        expect(sequence).toEqual(sequence.toSorted((a, b) => a - b));
        expect(new Set(sequence).size).toBe(sequence.length);
        expect(new Set(notifications.map(({ payload }) => payload)).size).toBe(notifications.length);
        const cancel = messages.findLast(({ direction, code }) => direction === 'sent' && code === 'GET');
        expect(optionOf(cancel ?? nothing(), 'Observe')).toBe('1');
      },
    );
  });

  describe('with bare datagrams', () => {
    let wire: Wire;
    let messageId: number;

    beforeEach(async () => {
      wire = await Wire.open(port);
      messageId = 1000;
    });
    afterEach(() => wire.close());

    const register = async (path: string): Promise<WireMessage> => {
      messageId++;
      wire.request({
        type: 'CON',
        code: '0.01',
        messageId,
        token: observing,
        options: [
          [observe, []],
          [uriPath, path],
        ],
      });
      const [answer] = await wire.receiveUntil((message) => message.token === observing && message.type === 'ACK');
      expect(answer).toMatchObject({ code: '2.05' });
      expect(answer.options.has(observe)).toBe(true);
      return answer;
    };
    const notification = async (): Promise<WireMessage> => {
      const seen = await wire.receiveUntil((message) => message.token === observing && message.type !== 'ACK');
      return seen.at(-1) ?? nothing();
    };
    /** Sends a request and takes what arrives up to its answer. */
    const exchange = async (code: string, path: string, format: number, payload?: string): Promise<WireMessage[]> => {
      messageId++;
      const options = [
        [uriPath, path],
        ...(payload === undefined ? [] : [[contentFormat, [format]] as const]),
      ] as const;
      wire.request({ type: 'CON', code, messageId, token: 'ab', options, ...(payload !== undefined && { payload }) });
      return wire.receiveUntil((message) => message.type === 'ACK' && message.messageId === messageId);
    };
    const put = (payload: string, format = 0): Promise<WireMessage[]> => exchange('0.03', 'obs', format, payload);

    /**
     * Whether the observation is still told of anything, while another one of the same resource gets `count`
     * notifications: 20 of them take longer than the first retransmission of one that was not acknowledged.
     */
    const isObserved = async (path: string, count: number): Promise<boolean> => {
      messageId++;
      wire.request({
        type: 'CON',
        code: '0.01',
        messageId,
        token: 'beef',
        options: [
          [observe, []],
          [uriPath, path],
        ],
      });
      let seen = 0;
      const arrived = await wire.receiveUntil(
        ({ token, type }) => token === 'beef' && type !== 'ACK' && ++seen === count,
      );
      return arrived.some(({ token }) => token === observing);
    };

    test('04: POST "sesame" to /obs-reset ends the observation in silence, and Max-Age tells the client', async () => {
      const { options } = await register('obs');
      expect(options.get(maxAge)).toEqual(['01']);
      expect(await notification()).toMatchObject({ type: 'CON', code: '2.05' });
      expect((await exchange('0.02', 'obs-reset', 0, 'open')).at(-1)).toMatchObject({ code: '4.03' });
      expect((await exchange('0.02', 'obs-reset', 0, 'sesame')).at(-1)).toMatchObject({ code: '2.04' });
      expect(await isObserved('obs', 5)).toBe(false);
      await register('obs');
      expect(await notification()).toMatchObject({ type: 'CON', code: '2.05' });
    });

    test.each([
      ['obs', 'CON', 20],
      ['obs-non', 'NON', 5],
    ])('06: a RST to a notification of /%s, a %s, ends the observation', async (path, type, count) => {
      await register(path);
      const notified = await wire.receive();
      expect(notified).toMatchObject({ type, token: observing });
      wire.empty('RST', notified.messageId);
      expect(await isObserved(path, count)).toBe(false);
    });

    test('07: DELETE /obs sends a last notification 4.04 without Observe', async () => {
      await register('obs');
      const seen = await exchange('0.04', 'obs', 0);
      expect(seen.at(-1)).toMatchObject({ code: '2.02' });
      const last = seen.find(({ code }) => code === '4.04') ?? (await notification());
      expect(last).toMatchObject({ type: 'CON', code: '4.04', token: observing });
      expect(last.options.has(observe)).toBe(false);
      expect((await exchange('0.01', 'obs', 0)).at(-1)).toMatchObject({ code: '4.04' });
      expect(await put('here again')).toMatchObject([{ type: 'ACK', code: '2.01' }]);
    });

    test('08: PUT /obs in another Content-Format sends a last notification 4.06 without Observe', async () => {
      await register('obs');
      const seen = await put('{}', 50);
      expect(seen.at(-1)).toMatchObject({ code: '2.04' });
      const last = seen.find(({ code }) => code === '4.06') ?? (await notification());
      expect(last).toMatchObject({ type: 'CON', code: '4.06', token: observing });
      expect(last.options.has(observe)).toBe(false);
      expect((await exchange('0.01', 'obs', 0)).at(-1)).toMatchObject({ code: '2.05', payload: '{}' });
      expect(await isObserved('obs', 5)).toBe(false);
    });

    test('09: PUT /obs in the same Content-Format notifies of the new value', async () => {
      await register('obs');
      const seen = await put('New value');
      expect(seen.at(-1)).toMatchObject({ code: '2.04' });
      const isNew = ({ payload }: WireMessage): boolean => payload === 'New value';
      const notified = seen.find(isNew) ?? (await wire.receiveUntil(isNew)).at(-1);
      expect(notified).toMatchObject({ type: 'CON', code: '2.05', token: observing });
      expect(notified?.options.has(observe)).toBe(true);
    });

    test('10: a plain GET under another token is answered without Observe and does not end the observation', async () => {
      await register('obs');
      const answer = (await exchange('0.01', 'obs', 0)).at(-1);
      expect(answer).toMatchObject({ code: '2.05', token: 'ab' });
      expect(answer?.options.has(observe)).toBe(false);
      expect(await notification()).toMatchObject({ type: 'CON', code: '2.05' });
    });
  });
});

function nothing(): never {
  throw new Error('nothing was received');
}
