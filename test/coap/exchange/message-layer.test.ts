import { describe, expect, test } from 'vitest';
import { encodeBlock } from '../../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { encodeMessage } from '../../../src/coap/codec/rfc7252.ts';
import { optionNumber, stringOption, uintOption, opaqueOption } from '../../../src/coap/codec/options.ts';
import { response } from '../../../src/coap/response.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { milliseconds, seconds } from '../../../src/core/duration.ts';
import { bytesOf, endpointOf, Lockstep } from '../lockstep.ts';

const { CON, NON, ACK, RST } = messageType;
const hello = response(responseCode.content, { payload: utf8('hello') });
const path = stringOption(optionNumber.uriPath, 'x');
const token = Uint8Array.of(7, 8);

describe('rejecting (RFC 7252 §4.2, §4.3)', () => {
  test('an Empty CON is answered by a Reset: CoAP ping', () => {
    const [reset, ...more] = new Lockstep().send({ code: 0, messageId: 0x1234 });
    expect(reset).toMatchObject({ type: RST, code: 0, messageId: 0x1234 });
    expect(more).toEqual([]);
  });

  test('a CON with a format error is answered by a Reset, a NON by nothing', () => {
    const peer = new Lockstep();
    // CON, TKL 9 (reserved without its length byte), GET
    expect(peer.sendBytes(Uint8Array.of(0x4f, 0x01, 0x00, 0x09))).toMatchObject([{ type: RST, messageId: 9 }]);
    expect(peer.sendBytes(Uint8Array.of(0x5f, 0x01, 0x00, 0x0a))).toEqual([]);
    expect(peer.requests).toEqual([]);
  });

  test('an unknown version and fewer than 4 bytes are ignored in silence', () => {
    const peer = new Lockstep();
    expect(peer.sendBytes(Uint8Array.of(0x80, 0x01, 0x00, 0x01))).toEqual([]);
    expect(peer.sendBytes(Uint8Array.of(0x40, 0x01, 0x00))).toEqual([]);
    expect(peer.sendBytes(new Uint8Array(0))).toEqual([]);
  });

  test('a reserved code class in a CON is answered by a Reset', () => {
    for (const code of [0x20, 0x60, 0xc0, 0xe0]) {
      expect(new Lockstep().send({ code, messageId: 5 })).toMatchObject([{ type: RST, messageId: 5 }]);
    }
  });

  test('a response that nobody waits for is answered by a Reset, an acknowledgement by nothing', () => {
    const peer = new Lockstep();
    expect(peer.send({ type: CON, code: responseCode.content, messageId: 1, token })).toMatchObject([{ type: RST }]);
    expect(peer.send({ type: NON, code: responseCode.content, messageId: 2, token })).toMatchObject([{ type: RST }]);
    expect(peer.send({ type: ACK, code: responseCode.content, messageId: 3, token })).toEqual([]);
    expect(peer.send({ type: RST, code: 0, messageId: 4 })).toEqual([]);
  });

  test('a request in an ACK is ignored', () => {
    const peer = new Lockstep(() => hello);
    expect(peer.send({ type: ACK, code: method.GET, messageId: 1 })).toEqual([]);
    expect(peer.requests).toEqual([]);
  });
});

describe('deduplication (RFC 7252 §4.5)', () => {
  test('a CON received three times runs once and gets three identical replies', () => {
    const peer = new Lockstep(() => hello);
    const bytes = bytesOf({ code: method.POST, messageId: 1, token, options: [path] });
    const replies = [1, 2, 3].map(() => peer.sendBytes(bytes)[0]);
    expect(peer.requests).toHaveLength(1);
    expect(replies[0]).toMatchObject({ type: ACK, messageId: 1, code: responseCode.content, token });
    expect(replies[1]).toEqual(replies[0]);
    expect(replies[2]).toEqual(replies[0]);
  });

  test('a NON received three times runs once and gets one reply', () => {
    const peer = new Lockstep(() => hello);
    const bytes = bytesOf({ type: NON, code: method.GET, messageId: 1, token });
    expect(peer.sendBytes(bytes)).toHaveLength(1);
    expect(peer.sendBytes(bytes)).toEqual([]);
    expect(peer.sendBytes(bytes)).toEqual([]);
    expect(peer.requests).toHaveLength(1);
  });

  test('the same Message ID with other bytes is a new request', () => {
    const peer = new Lockstep(() => hello);
    peer.send({ code: method.GET, messageId: 1, token: Uint8Array.of(1) });
    peer.send({ code: method.GET, messageId: 1, token: Uint8Array.of(2) });
    expect(peer.requests).toHaveLength(2);
  });

  test('the same bytes from another peer are a new request', () => {
    const peer = new Lockstep(() => hello);
    peer.send({ code: method.GET, messageId: 1 }, 'one');
    peer.send({ code: method.GET, messageId: 1 }, 'two');
    expect(peer.requests).toHaveLength(2);
  });

  test.each([
    ['CON', CON, 247],
    ['NON', NON, 145],
  ])('a %s is remembered for its lifetime and no longer', (_name, type, lifetimeSeconds) => {
    const peer = new Lockstep(() => hello);
    const bytes = bytesOf({ type, code: method.GET, messageId: 1 });
    peer.sendBytes(bytes);
    peer.advance(seconds(lifetimeSeconds) - 1);
    peer.sendBytes(bytes);
    expect(peer.requests).toHaveLength(1);
    peer.advance(2);
    peer.sendBytes(bytes);
    expect(peer.requests).toHaveLength(2);
  });

  test('no copy of a POST runs, however alike the requests of a client that counts Message ID and token up together', () => {
    const peer = new Lockstep(() => hello);
    const posts = Array.from({ length: 600 }, (_, n) =>
      bytesOf({ code: method.POST, messageId: n, token: Uint8Array.of(0, 0, n >> 8, n), options: [path] }),
    );
    for (const bytes of [...posts, ...posts]) peer.sendBytes(bytes);
    expect(peer.requests).toHaveLength(600);
  });

  test('of two POSTs under one Message ID neither takes the place of the other', () => {
    const peer = new Lockstep(() => hello);
    const [one, other] = [1, 2].map((n) => bytesOf({ code: method.POST, messageId: 7, token: Uint8Array.of(n) }));
    if (one === undefined || other === undefined) throw new Error('two requests');
    for (const bytes of [one, other, one, other]) expect(peer.sendBytes(bytes)).toHaveLength(1);
    expect(peer.requests).toHaveLength(2);
    peer.advance(seconds(248));
    peer.engine.poll(peer.now);
    expect(peer.engine.counters().unsafeRecords).toBe(0);
    for (const bytes of [one, other, one, other]) peer.sendBytes(bytes);
    expect(peer.requests).toHaveLength(4);
  });

  test('a GET whose reply had to go runs once more, and its copies after that do not', () => {
    const peer = new Lockstep(() => hello, { limits: { maxSafeRecordBytes: 200_000 } });
    const get = bytesOf({ code: method.GET, messageId: 1 });
    peer.sendBytes(get);
    const filler = new Uint8Array(64).fill(1);
    for (let messageId = 2; messageId < 1500; messageId++) peer.send({ code: method.GET, messageId, token: filler });
    const before = peer.requests.length;
    for (let copy = 0; copy < 4; copy++) peer.sendBytes(get);
    expect(peer.requests.length - before).toBe(1);
  });

  test('records of safe requests go oldest-out under their byte limit; an unsafe one stays', () => {
    const peer = new Lockstep(() => hello, { limits: { maxSafeRecordBytes: 20_000 } });
    const get = bytesOf({ code: method.GET, messageId: 1 });
    const post = bytesOf({ code: method.POST, messageId: 2 });
    peer.sendBytes(get);
    peer.sendBytes(post);
    for (let messageId = 10; messageId < 1010; messageId++) peer.send({ code: method.GET, messageId });
    expect(peer.engine.counters().safeRecordBytes).toBeLessThanOrEqual(21_000);
    const before = peer.requests.length;
    peer.sendBytes(get);
    expect(peer.requests.length).toBe(before + 1);
    peer.sendBytes(post);
    expect(peer.requests.length).toBe(before + 1);
  });

  test('blocks of a body that are not its last take no room among the unsafe records', () => {
    const peer = new Lockstep(() => hello, { limits: { maxUnsafeRecords: 1 } });
    for (let num = 0; num < 5; num++) {
      const block1 = opaqueOption(optionNumber.block1, encodeBlock({ num, more: num < 4, szx: 0 }));
      const block = { code: method.POST, messageId: num, options: [path, block1], payload: new Uint8Array(16) };
      expect(peer.send(block)[0]?.code).toBe(num < 4 ? responseCode.continue : responseCode.content);
    }
    expect(peer.engine.counters().unsafeRecords).toBe(1);
  });

  test('when no further unsafe record can be kept, the request gets 5.03 and does not run', () => {
    const peer = new Lockstep(() => hello, { limits: { maxUnsafeRecords: 2 } });
    peer.send({ code: method.POST, messageId: 1 });
    peer.send({ code: method.PUT, messageId: 2 });
    const [busy] = peer.send({ code: method.POST, messageId: 3 });
    expect(busy).toMatchObject({ type: ACK, code: responseCode.serviceUnavailable, messageId: 3 });
    expect(busy?.options).toEqual([uintOption(optionNumber.maxAge, 5)]);
    expect(peer.requests).toHaveLength(2);
    peer.send({ code: method.GET, messageId: 4 });
    expect(peer.requests).toHaveLength(3);
    peer.advance(seconds(248));
    peer.send({ code: method.POST, messageId: 5 });
    expect(peer.requests).toHaveLength(4);
  });
});

describe('piggybacked and separate responses (RFC 7252 §5.2)', () => {
  test('a late answer: empty ACK when the piggyback window is over, then a CON response, retransmitted until acknowledged', () => {
    const peer = new Lockstep();
    const bytes = bytesOf({ code: method.GET, messageId: 1, token });
    expect(peer.sendBytes(bytes)).toEqual([]);
    expect(peer.sendBytes(bytes)).toEqual([]); // a duplicate before there is anything to replay
    expect(peer.advance(1499)).toEqual([]);
    expect(peer.advance(1)).toMatchObject([{ type: ACK, code: 0, messageId: 1 }]);
    expect(peer.sendBytes(bytes)).toMatchObject([{ type: ACK, code: 0, messageId: 1 }]);

    const [separate] = peer.respond(peer.requests[0], hello);
    expect(separate).toMatchObject({ type: CON, code: responseCode.content, token });
    // §5.2.2: never the answer in a second ACK
    expect(peer.sendBytes(bytes)).toMatchObject([{ type: ACK, code: 0, messageId: 1 }]);
    // ACK_TIMEOUT 2 s × (1 + 0.5 × 0.5)
    expect(peer.advance(2499)).toEqual([]);
    expect(peer.advance(1)).toEqual([separate]);
    peer.send({ type: ACK, code: 0, messageId: separate?.messageId ?? 0 });
    expect(peer.advance(seconds(300))).toEqual([]);
    expect(peer.requests).toHaveLength(1);
    expect(peer.engine.counters()).toMatchObject({ pending: 0, timers: 0 });
  });

  test('the answer to a NON is a NON, however late', () => {
    const peer = new Lockstep();
    peer.send({ type: NON, code: method.GET, messageId: 1, token });
    expect(peer.advance(seconds(5))).toEqual([]);
    expect(peer.respond(peer.requests[0], hello)).toMatchObject([{ type: NON, token, code: responseCode.content }]);
  });

  test('a second answer to the same request is dropped', () => {
    const peer = new Lockstep(() => hello);
    peer.send({ code: method.GET, messageId: 1 });
    expect(peer.respond(peer.requests[0], hello)).toEqual([]);
  });

  test('a Reset to a separate response ends its retransmission', () => {
    const peer = new Lockstep();
    peer.send({ code: method.GET, messageId: 1, token });
    peer.advance(1500);
    const [separate] = peer.respond(peer.requests[0], hello);
    peer.send({ type: RST, code: 0, messageId: separate?.messageId ?? 0 });
    expect(peer.advance(seconds(300))).toEqual([]);
  });

  test('to an association that is over nothing is sent again, and a late answer not at all', () => {
    const peer = new Lockstep();
    peer.send({ code: method.GET, messageId: 1, token });
    peer.send({ code: method.GET, messageId: 2, token });
    peer.advance(1500);
    expect(peer.respond(peer.requests[0], hello)).toHaveLength(1);
    peer.engine.closed(endpointOf('device'), peer.now);
    expect(peer.advance(seconds(300))).toEqual([]);
    expect(peer.respond(peer.requests[1], hello)).toEqual([]);
    expect(peer.advance(seconds(300))).toEqual([]);
    expect(peer.engine.counters()).toMatchObject({ pending: 0, timers: 0, undelivered: 2, retransmissions: 0 });
  });

  test('an unacknowledged response is sent 1 + MAX_RETRANSMIT times with doubling timeouts', () => {
    const peer = new Lockstep();
    peer.send({ code: method.GET, messageId: 1, token });
    peer.advance(1500);
    peer.respond(peer.requests[0], hello);
    const start = peer.now;
    const at: number[] = [];
    for (let i = 0; i < 4000; i++) if (peer.advance(milliseconds(50)).length > 0) at.push(peer.now - start);
    expect(at).toEqual([2500, 7500, 17_500, 37_500]);
    expect(peer.engine.counters()).toMatchObject({ undelivered: 1, retransmissions: 4, timers: 0 });
  });

  test('NSTART: of two separate responses to one peer the second waits for the acknowledgement of the first', () => {
    const peer = new Lockstep();
    peer.send({ code: method.GET, messageId: 1, token: Uint8Array.of(1) });
    peer.send({ code: method.GET, messageId: 2, token: Uint8Array.of(2) });
    peer.advance(1500);
    const [first, ...none] = peer.respond(peer.requests[0], hello);
    expect(none).toEqual([]);
    expect(peer.respond(peer.requests[1], hello)).toEqual([]);
    const [second] = peer.send({ type: ACK, code: 0, messageId: first?.messageId ?? 0 });
    expect(second).toMatchObject({ type: CON, token: Uint8Array.of(2) });
  });

  test('a batch from more peers than are remembered is answered whole', () => {
    const peer = new Lockstep(() => hello, { limits: { maxPeers: 8 } });
    const batch = Array.from({ length: 64 }, (_, n) => ({
      bytes: bytesOf({ code: method.GET, messageId: n }),
      endpoint: endpointOf(`stranger ${n}`),
      multicast: false,
    }));
    peer.engine.receive(batch, peer.now);
    expect(peer.output().map(({ code }) => code)).toEqual(Array.from({ length: 64 }, () => responseCode.content));
  });

  test('a peer found by its endpoint is the one in the table, also after others have pushed it out', () => {
    const peer = new Lockstep(() => hello, { limits: { maxPeers: 4 } });
    const endpoint = endpointOf('device');
    const ask = (messageId: number): void =>
      peer.engine.receive([{ bytes: bytesOf({ code: method.GET, messageId }), endpoint, multicast: false }], peer.now);
    ask(1);
    ask(2);
    for (let n = 0; n < 20; n++) peer.send({ code: method.GET, messageId: n }, `other ${n}`);
    ask(3);
    const [first, second, third] = peer.requests.filter((request) => request.peer.endpoint === endpoint);
    expect(second?.peer).toBe(first?.peer);
    expect(third?.peer).not.toBe(first?.peer);
    expect(peer.engine.counters().peers).toBeLessThanOrEqual(4);
  });

  test('no room for a further peer: 5.03, without a trace', () => {
    const peer = new Lockstep(undefined, { limits: { maxPeers: 4 } });
    for (let n = 0; n < 4; n++) peer.send({ code: method.GET, messageId: n }, `busy ${n}`);
    const recorded = peer.engine.counters().safeRecordBytes;
    const [answer] = peer.send({ code: method.GET, messageId: 9, token }, 'stranger');
    expect(answer).toMatchObject({ type: ACK, code: responseCode.serviceUnavailable, messageId: 9, token });
    expect(peer.send({ type: NON, code: method.GET, messageId: 9 }, 'stranger', true)).toEqual([]);
    expect(peer.engine.counters()).toMatchObject({ peers: 4, refusedPeers: 2, pending: 4, safeRecordBytes: recorded });
    for (const request of peer.requests) peer.respond(request, hello);
    expect(peer.send({ code: method.GET, messageId: 10 }, 'stranger')).toEqual([]);
    expect(peer.requests).toHaveLength(5);
  });

  test('more requests unanswered than the limit: 5.03', () => {
    const peer = new Lockstep(() => undefined, { limits: { maxPending: 2 } });
    peer.send({ code: method.GET, messageId: 1 });
    peer.send({ code: method.GET, messageId: 2 });
    expect(peer.send({ code: method.GET, messageId: 3 })).toMatchObject([{ code: responseCode.serviceUnavailable }]);
    peer.respond(peer.requests[0], hello);
    expect(peer.send({ code: method.GET, messageId: 4 })).toEqual([]);
    expect(peer.requests).toHaveLength(3);
  });
});

describe('to an address that is not verified (RFC 7252 §11.3, RFC 9175 §2.4)', () => {
  const totalOf = (messages: readonly Message[]): number =>
    messages.reduce((sum, message) => sum + encodeMessage(message).length, 0);

  test.each([1, 20, 60, 100, 1000])(
    'a separate answer of %i bytes that nobody acknowledges: all its transmissions are within the limit, one is made',
    (length) => {
      const peer = new Lockstep();
      const request = bytesOf({ code: method.GET, messageId: 1, token });
      peer.sendBytes(request, 'far');
      peer.advance(1500);
      const sent = peer.respond(
        peer.requests[0],
        response(responseCode.content, { payload: new Uint8Array(length), kept: true }),
      );
      expect(sent).toHaveLength(1);
      expect(totalOf([...sent, ...peer.advance(seconds(300))])).toBeLessThanOrEqual(136);
      expect(peer.engine.counters()).toMatchObject({ timers: 0, undelivered: 1 });
    },
  );

  test('a short one still has all its retransmissions', () => {
    const peer = new Lockstep();
    peer.send({ code: method.GET, messageId: 1, token }, 'far');
    peer.advance(1500);
    peer.respond(peer.requests[0], response(responseCode.content, { payload: new Uint8Array(1) }));
    expect(peer.advance(seconds(300))).toHaveLength(4);
  });
});

describe('options (RFC 7252 §5.4)', () => {
  const critical = opaqueOption(65_001, Uint8Array.of(1));
  const elective = opaqueOption(65_002, Uint8Array.of(1));

  test('an unknown critical option: 4.02 for a CON, silence for a NON', () => {
    const peer = new Lockstep(() => hello);
    expect(peer.send({ code: method.GET, messageId: 1, options: [critical] })).toMatchObject([
      { type: ACK, code: responseCode.badOption, payload: new Uint8Array(0) },
    ]);
    expect(peer.send({ type: NON, code: method.GET, messageId: 2, options: [critical] })).toEqual([]);
    expect(peer.requests).toEqual([]);
  });

  test('an unknown elective option is ignored', () => {
    const peer = new Lockstep(() => hello);
    peer.send({ code: method.GET, messageId: 1, options: [path, elective] });
    expect(peer.requests[0]?.options).toEqual([path]);
  });

  test.each([
    [
      'repeated critical',
      [uintOption(optionNumber.accept, 0), uintOption(optionNumber.accept, 1)],
      responseCode.badOption,
    ],
    [
      'repeated elective',
      [uintOption(optionNumber.contentFormat, 60), uintOption(optionNumber.contentFormat, 50)],
      responseCode.content,
    ],
    ['too long critical', [opaqueOption(optionNumber.accept, Uint8Array.of(1, 2, 3))], responseCode.badOption],
    ['too long elective', [opaqueOption(optionNumber.contentFormat, Uint8Array.of(1, 2, 3))], responseCode.content],
    ['too short critical', [opaqueOption(optionNumber.uriHost, new Uint8Array(0))], responseCode.badOption],
  ])('an option that is %s is unrecognized', (_name, options, code) => {
    const peer = new Lockstep(() => hello);
    expect(peer.send({ code: method.GET, messageId: 1, options })).toMatchObject([{ code }]);
  });

  test('Proxy-Uri and Proxy-Scheme: 5.05', () => {
    const peer = new Lockstep(() => hello);
    const uri = stringOption(optionNumber.proxyUri, 'coap://example.com/');
    const scheme = stringOption(optionNumber.proxyScheme, 'http');
    for (const [messageId, option] of [
      [1, uri],
      [2, scheme],
    ] as const) {
      expect(peer.send({ code: method.GET, messageId, options: [option] })).toMatchObject([{ code: 0xa5 }]);
    }
  });

  test('a Hop-Limit of 0: 4.00 (RFC 8768 §3)', () => {
    const peer = new Lockstep(() => hello);
    const hops = (n: number): ReturnType<typeof opaqueOption> => opaqueOption(optionNumber.hopLimit, Uint8Array.of(n));
    expect(peer.send({ code: method.GET, messageId: 1, options: [hops(0)] })[0]?.code).toBe(responseCode.badRequest);
    expect(peer.send({ code: method.GET, messageId: 2, options: [hops(1)] })[0]?.code).toBe(responseCode.content);
    expect(peer.requests).toHaveLength(1);
  });

  test('extended tokens are echoed up to the limit; longer ones get 4.00 (RFC 8974)', () => {
    const peer = new Lockstep(() => hello, { limits: { maxTokenBytes: 300 } });
    const long = new Uint8Array(300).fill(9);
    expect(peer.send({ code: method.GET, messageId: 1, token: long })).toMatchObject([
      { code: responseCode.content, token: long },
    ]);
    const longer = new Uint8Array(301).fill(9);
    expect(peer.send({ code: method.GET, messageId: 2, token: longer })).toMatchObject([
      { code: responseCode.badRequest, token: longer },
    ]);
  });
});

describe('No-Response (RFC 7967)', () => {
  const noResponse = (n: number): ReturnType<typeof uintOption> => uintOption(optionNumber.noResponse, n);

  test('26 suppresses every response: nothing for a NON, an empty ACK for a CON', () => {
    const peer = new Lockstep(() => hello);
    expect(peer.send({ type: NON, code: method.POST, messageId: 1, options: [noResponse(26)] })).toEqual([]);
    const bytes = bytesOf({ code: method.POST, messageId: 2, options: [noResponse(26)] });
    expect(peer.sendBytes(bytes)).toMatchObject([{ type: ACK, code: 0, messageId: 2 }]);
    expect(peer.sendBytes(bytes)).toMatchObject([{ type: ACK, code: 0, messageId: 2 }]);
    expect(peer.requests).toHaveLength(2);
  });

  test.each([
    [2, responseCode.content, false],
    [2, responseCode.notFound, true],
    [8, responseCode.notFound, false],
    [16, responseCode.internalServerError, false],
    [16, responseCode.content, true],
    [0, responseCode.content, true],
  ])('%i and a response %i: sent is %s', (value, code, sent) => {
    const peer = new Lockstep(() => response(code));
    expect(peer.send({ type: NON, code: method.POST, messageId: 1, options: [noResponse(value)] })).toHaveLength(
      sent ? 1 : 0,
    );
  });

  test('what the engine refuses by itself is suppressed too', () => {
    const peer = new Lockstep(() => hello, { limits: { maxTokenBytes: 4, maxUnsafeRecords: 5 } });
    const quiet = (messageId: number, ...options: ReturnType<typeof uintOption>[]): unknown =>
      peer.send({ type: NON, code: method.POST, messageId, options: [noResponse(26), ...options] });
    expect(quiet(1, stringOption(optionNumber.proxyScheme, 'coap'))).toEqual([]);
    expect(quiet(2, uintOption(optionNumber.block2, 7))).toEqual([]);
    const longToken = { token: new Uint8Array(5), options: [noResponse(26)] };
    expect(peer.send({ type: NON, code: method.POST, messageId: 3, ...longToken })).toEqual([]);
    expect(peer.send({ code: method.POST, messageId: 4, ...longToken })).toMatchObject([{ type: ACK, code: 0 }]);
    quiet(5);
    expect(quiet(6)).toEqual([]); // no room for its record
    expect(peer.requests).toHaveLength(1);
  });

  test('a suppressed late answer is not sent at all', () => {
    const peer = new Lockstep();
    peer.send({ code: method.POST, messageId: 1, options: [noResponse(26)] });
    peer.advance(1500);
    expect(peer.respond(peer.requests[0], hello)).toEqual([]);
    expect(peer.advance(seconds(300))).toEqual([]);
  });
});

describe('multicast (RFC 7252 §8)', () => {
  test('an answer waits for a random part of the leisure', () => {
    const peer = new Lockstep(() => hello, { random: () => 0.5 });
    expect(peer.send({ type: NON, code: method.GET, messageId: 1, token }, 'device', true)).toEqual([]);
    expect(peer.advance(2499)).toEqual([]);
    expect(peer.advance(1)).toMatchObject([{ type: NON, code: responseCode.content, token }]);
  });

  test('errors are not sent, not even for options that are not understood', () => {
    const peer = new Lockstep(() => response(responseCode.notFound));
    peer.send({ type: NON, code: method.GET, messageId: 1 }, 'device', true);
    peer.send({ type: NON, code: method.GET, messageId: 2, options: [opaqueOption(65_001, token)] }, 'device', true);
    peer.send(
      { type: NON, code: method.GET, messageId: 3, options: [uintOption(optionNumber.block2, 7)] },
      'device',
      true,
    );
    expect(peer.advance(seconds(10))).toEqual([]);
  });

  test.each([
    [0, responseCode.notFound, true],
    [2, responseCode.notFound, true],
    [2, responseCode.content, false],
    [8, responseCode.notFound, false],
    [16, responseCode.badRequest, true],
  ])(
    'who says by No-Response %i which classes it wants gets those: a %i is sent, %s (RFC 7967 §2)',
    (n, code, sent) => {
      const peer = new Lockstep(() => response(code));
      const options = [uintOption(optionNumber.noResponse, n)];
      peer.send({ type: NON, code: method.GET, messageId: 1, options }, 'device', true);
      expect(peer.advance(seconds(10)).map((message) => message.code)).toEqual(sent ? [code] : []);
    },
  );

  test('answers that wait for the leisure are bounded like those that are not ready', () => {
    const peer = new Lockstep(() => hello, { limits: { maxPending: 2 } });
    for (const messageId of [1, 2, 3]) peer.send({ type: NON, code: method.GET, messageId, token }, 'device', true);
    expect(peer.engine.counters()).toMatchObject({ pending: 2, timers: 2 });
    expect(peer.advance(seconds(10))).toHaveLength(2);
    expect(peer.engine.counters()).toMatchObject({ pending: 0, timers: 0 });
  });

  test('a CON, a ping and a malformed message by multicast are ignored', () => {
    const peer = new Lockstep(() => hello);
    expect(peer.send({ code: method.GET, messageId: 1 }, 'device', true)).toEqual([]);
    expect(peer.send({ code: 0, messageId: 2 }, 'device', true)).toEqual([]);
    expect(peer.sendBytes(Uint8Array.of(0x4f, 1, 0, 3), 'device', true)).toEqual([]);
    expect(peer.advance(seconds(10))).toEqual([]);
    expect(peer.requests).toEqual([]);
  });
});
