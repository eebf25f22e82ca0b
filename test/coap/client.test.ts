import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBlock, type Szx } from '../../src/coap/blockwise/block-option.ts';
import type { TransferAnswer } from '../../src/coap/blockwise/client-transfer.ts';
import type { ClientRequest, PendingRequest } from '../../src/coap/client.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import { findBlock } from '../../src/coap/blockwise/block-option.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
} from '../../src/coap/codec/options.ts';
import type { Observation } from '../../src/coap/observe/observation.ts';
import { response } from '../../src/coap/response.ts';
import { emptyBytes, utf8 } from '../../src/core/bytes.ts';
import { seconds, type Instant } from '../../src/core/duration.ts';
import { endpointOf, Lockstep } from './lockstep.ts';

const { CON, NON, ACK, RST } = messageType;
const path = stringOption(optionNumber.uriPath, 'x');
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + 1) & 0xff);

interface Outcome {
  readonly answers: TransferAnswer[];
  readonly failures: string[];
  readonly pending: PendingRequest;
}

function ask(peer: Lockstep, request: Partial<ClientRequest> = {}, name = 'server'): Outcome {
  const answers: TransferAnswer[] = [];
  const failures: string[] = [];
  const whole: ClientRequest = {
    code: method.GET,
    options: [path],
    payload: emptyBytes,
    confirmable: true,
    szx: undefined,
    observe: false,
    timeout: seconds(300),
    maxResponseBytes: 1 << 20,
    ...request,
  };
  const listener = {
    answered: (answer: TransferAnswer) => answers.push(answer),
    failed: (reason: string) => failures.push(reason),
    progress: () => undefined,
  };
  return { answers, failures, pending: peer.engine.request(endpointOf(name), whole, listener, peer.now) };
}

describe('requests of ours (RFC 7252 §5.3)', () => {
  test('a piggybacked response is the answer', () => {
    const client = new Lockstep();
    const { answers } = ask(client);
    const [get] = client.output();
    expect(get).toMatchObject({ type: CON, code: method.GET, options: [path] });
    client.send(
      {
        type: ACK,
        code: responseCode.content,
        messageId: get?.messageId ?? 0,
        token: get?.token ?? emptyBytes,
        payload: bytes(3),
      },
      'server',
    );
    expect(answers).toMatchObject([{ code: responseCode.content, payload: bytes(3), exchanges: 1 }]);
    expect(client.advance(seconds(300))).toEqual([]);
    expect(client.engine.counters().timers).toBe(0);
  });

  test('a separate response is acknowledged, and again when it comes again', () => {
    const client = new Lockstep();
    const { answers } = ask(client);
    const [get] = client.output();
    expect(client.send({ type: ACK, code: 0, messageId: get?.messageId ?? 0 }, 'server')).toEqual([]);
    const separate = { type: CON, code: responseCode.content, messageId: 77, token: get?.token ?? emptyBytes };
    expect(client.send(separate, 'server')).toMatchObject([{ type: ACK, code: 0, messageId: 77 }]);
    expect(client.send(separate, 'server')).toMatchObject([{ type: ACK, code: 0, messageId: 77 }]);
    expect(answers).toHaveLength(1);
  });

  test('a separate response before its ACK ends the retransmission (§5.2.2)', () => {
    const client = new Lockstep();
    ask(client);
    const [get] = client.output();
    client.send({ type: CON, code: responseCode.content, messageId: 77, token: get?.token ?? emptyBytes }, 'server');
    expect(client.advance(seconds(100))).toEqual([]);
  });

  test('a response with another token, or from another peer, is not the answer', () => {
    const client = new Lockstep();
    const { answers } = ask(client);
    const [get] = client.output();
    const token = get?.token ?? emptyBytes;
    client.send(
      { type: ACK, code: responseCode.content, messageId: get?.messageId ?? 0, token: Uint8Array.of(1) },
      'server',
    );
    client.send({ type: CON, code: responseCode.content, messageId: 5, token }, 'another');
    expect(answers).toEqual([]);
  });

  test('no acknowledgement: 4 retransmissions, then the request fails', () => {
    const client = new Lockstep();
    const { failures } = ask(client);
    client.output();
    expect(client.advance(seconds(77))).toHaveLength(4);
    client.advance(seconds(1));
    expect(failures).toEqual(['timeout']);
  });

  test('an acknowledged request without a response fails after its time limit', () => {
    const client = new Lockstep();
    const { failures } = ask(client, { timeout: seconds(10) });
    const [get] = client.output();
    client.send({ type: ACK, code: 0, messageId: get?.messageId ?? 0 }, 'server');
    client.advance(seconds(10));
    expect(failures).toEqual(['timeout']);
  });

  test('a Reset fails the request', () => {
    const client = new Lockstep();
    const { failures } = ask(client);
    const [get] = client.output();
    client.send({ type: RST, code: 0, messageId: get?.messageId ?? 0 }, 'server');
    expect(failures).toEqual(['reset']);
  });

  test('an unknown critical option in a response fails the request', () => {
    const client = new Lockstep();
    const { failures } = ask(client);
    const [get] = client.output();
    const options = [opaqueOption(65_001, bytes(1))];
    client.send(
      {
        type: ACK,
        code: responseCode.content,
        messageId: get?.messageId ?? 0,
        token: get?.token ?? emptyBytes,
        options,
      },
      'server',
    );
    expect(failures).toEqual(['bad-option']);
  });

  test('a NON request is sent once', () => {
    const client = new Lockstep();
    ask(client, { confirmable: false });
    expect(client.output()).toMatchObject([{ type: NON }]);
    expect(client.advance(seconds(200))).toEqual([]);
  });

  test('NSTART: the second request to a peer waits for the first, one to another peer does not', () => {
    const client = new Lockstep();
    ask(client);
    ask(client);
    ask(client, {}, 'another');
    expect(client.output()).toHaveLength(2);
  });

  test('ping is answered by a Reset, or fails', () => {
    const client = new Lockstep();
    const seen: string[] = [];
    const listener = { answered: () => seen.push('pong'), failed: (reason: string) => seen.push(reason) };
    client.engine.ping(endpointOf('server'), listener, client.now);
    const [ping] = client.output();
    expect(ping).toMatchObject({ type: CON, code: 0, token: emptyBytes });
    client.send({ type: RST, code: 0, messageId: ping?.messageId ?? 0 }, 'server');
    client.engine.ping(endpointOf('server'), listener, client.now);
    client.advance(seconds(100));
    expect(seen).toEqual(['pong', 'timeout']);
  });

  test('messages that wait for acknowledgements are bounded, for one peer and for all', () => {
    const client = new Lockstep();
    const failed: string[] = [];
    const listener = { answered: () => undefined, failed: (reason: string) => failed.push(reason) };
    const ping = (name: string, count: number): number => {
      failed.length = 0;
      for (let i = 0; i < count; i++) client.engine.ping(endpointOf(name), listener, client.now);
      return count - failed.length;
    };
    expect(ping('one', 2000)).toBeLessThanOrEqual(1025);
    let taken = 0;
    for (let n = 0; n < 100; n++) taken += ping(`peer ${n}`, 1024);
    expect(taken).toBeLessThanOrEqual(65_536);
    client.advance(seconds(300));
    expect(ping('another', 1)).toBe(1);
  });

  test('a response with a critical option that is not understood is rejected (RFC 7252 §5.4.1)', () => {
    const client = new Lockstep();
    const { failures } = ask(client);
    const [request] = client.output();
    const foreign = [opaqueOption(65_001, bytes(1))];
    client.send({ type: ACK, code: 0, messageId: request?.messageId ?? 0 }, 'server');
    const separate = {
      code: responseCode.content,
      messageId: 77,
      token: request?.token ?? emptyBytes,
      options: foreign,
    };
    expect(client.send({ type: CON, ...separate }, 'server')).toMatchObject([{ type: RST, messageId: 77 }]);
    expect(client.send({ type: CON, ...separate }, 'server')).toMatchObject([{ type: RST, messageId: 77 }]);
    expect(failures).toEqual(['bad-option']);
  });

  test('4.01 with Echo: the request again with that Echo, once (RFC 9175 §2.3)', () => {
    const client = new Lockstep();
    const { answers } = ask(client);
    const echo = opaqueOption(optionNumber.echo, bytes(8));
    const [first] = client.output();
    const refusal = { type: ACK, code: responseCode.unauthorized, options: [echo] };
    const [again] = client.send(
      { ...refusal, messageId: first?.messageId ?? 0, token: first?.token ?? emptyBytes },
      'server',
    );
    expect(again?.options).toEqual([path, echo]);
    expect(answers).toEqual([]);
    expect(
      client.send({ ...refusal, messageId: again?.messageId ?? 0, token: again?.token ?? emptyBytes }, 'server'),
    ).toEqual([]);
    expect(answers).toMatchObject([{ code: responseCode.unauthorized }]);
  });
});

/** Two engines talk over a link that loses, repeats and reorders; the same seed gives the same history. */
function converse(client: Lockstep, server: Lockstep, chance: () => number, loss: number, limit: number): void {
  interface InFlight {
    readonly to: Lockstep;
    readonly from: string;
    readonly bytes: Uint8Array;
    readonly at: number;
  }
  let link: InFlight[] = [];
  let quiet = 0;
  const put = (to: Lockstep, from: string, sent: readonly Uint8Array[]): void => {
    if (sent.length > 0) quiet = 0;
    for (const datagram of sent) {
      if (chance() < loss) continue;
      link.push({ to, from, bytes: datagram, at: client.now + Math.floor(chance() * 200) });
      if (chance() < 0.15) link.push({ to, from, bytes: datagram, at: client.now + Math.floor(chance() * 400) });
    }
  };
  for (let elapsed = 0; elapsed < limit; elapsed += 10) {
    quiet++;
    put(server, 'client', client.outputBytes());
    put(client, 'server', server.outputBytes());
    const due = link.filter((item) => item.at <= client.now);
    if (due.length > 0) quiet = 0;
    link = link.filter((item) => item.at > client.now);
    for (const item of due)
      item.to.engine.receive([{ bytes: item.bytes, endpoint: endpointOf(item.from), multicast: false }], client.now);
    client.now = (client.now + 10) as Instant;
    server.now = client.now;
    client.engine.poll(client.now);
    server.engine.poll(client.now);
    if (quiet > 2 && client.engine.counters().timers === 0 && link.length === 0) return;
  }
}

function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    state ^= state >>> 12;
    return (state >>> 0) / 2 ** 32;
  };
}

describe('bodies and answers of any size (RFC 7959)', () => {
  test.each([
    [0, 0, undefined],
    [10, 2000, 6],
    [5000, 20_000, 2],
    [1025, 16, 6],
    [1024, 1025, 6],
    [64, 65, 0],
    [3000, 3000, undefined],
  ] as const)('%i bytes up and %i down in blocks of SZX %s arrive whole, one call', (up, down, szx) => {
    const server = new Lockstep(() => response(responseCode.content, { payload: bytes(down), kept: true }));
    const client = new Lockstep();
    const { answers } = ask(client, { code: method.FETCH, payload: bytes(up), szx });
    converse(client, server, () => 0.5, 0, 600_000);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.payload).toEqual(bytes(down));
    expect(server.requests.map((request) => request.payload)).toEqual([bytes(up)]);
  });

  test('over a link with 25 % loss, 15 % duplication and reordering: an unsafe call runs at most once, and an answer is whole', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat(3000),
        fc.nat(3000),
        fc.constantFrom<(Szx | undefined)[]>(undefined, 2, 4, 6),
        (seed, up, down, szx) => {
          const server = new Lockstep(() => response(responseCode.changed, { payload: bytes(down), kept: true }), {
            random: seeded(seed),
          });
          const client = new Lockstep(undefined, { random: seeded(seed + 1), transmission: { maxRetransmit: 6 } });
          const { answers, failures } = ask(client, {
            code: method.POST,
            payload: bytes(up),
            szx,
            timeout: seconds(3600),
          });
          converse(client, server, seeded(seed + 2), 0.25, 3_600_000);
          expect(answers.length + failures.length).toBe(1);
          // A later block is asked for here where the kept answer has gone meanwhile (five minutes): that is no call.
          const calls = server.requests.filter(({ block2 }) => (block2?.num ?? 0) === 0);
          expect(calls.length).toBeLessThanOrEqual(1);
          for (const { payload } of answers) expect(payload).toEqual(bytes(down));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a server that asks for smaller blocks gets them', () => {
    const client = new Lockstep();
    ask(client, { code: method.PUT, payload: bytes(200), szx: 2 });
    const [first] = client.output();
    expect(findUint(first?.options ?? [], optionNumber.size1)).toBe(200);
    const options = [opaqueOption(optionNumber.block1, encodeBlock({ num: 0, more: true, szx: 0 }))];
    const go = {
      type: ACK,
      code: responseCode.continue,
      messageId: first?.messageId ?? 0,
      token: first?.token ?? emptyBytes,
      options,
    };
    const [second] = client.send(go, 'server');
    expect(second?.payload).toEqual(bytes(200).subarray(64, 80));
    expect(findBlock(second?.options ?? [], optionNumber.block1)).toEqual({ num: 4, more: true, szx: 0 });
  });

  test('an answer larger than its limit fails the request', () => {
    const server = new Lockstep(() => response(responseCode.content, { payload: bytes(2000), kept: true }));
    const client = new Lockstep();
    const { failures } = ask(client, { maxResponseBytes: 1000 });
    converse(client, server, () => 0.5, 0, 60_000);
    expect(failures).toEqual(['too-large']);
  });

  test('a representation that changes between blocks is read again from its start; an unsafe call is not repeated', () => {
    for (const [code, expected] of [
      [method.GET, ['whole']],
      [method.POST, ['changed']],
    ] as const) {
      let asked = 0;
      const server = new Lockstep((request) => {
        if ((request.block2?.num ?? 0) === 0) asked++;
        const version = (request.block2?.num ?? 0) > 0 && asked === 1 ? 2 : asked;
        return response(responseCode.content, { payload: bytes(300), etag: Uint8Array.of(version) });
      });
      const client = new Lockstep();
      const { answers, failures } = ask(client, { code });
      converse(client, server, () => 0.5, 0, 60_000);
      expect([...answers.map(() => 'whole'), ...failures]).toEqual(expected);
    }
  });

  test('an Echo that comes with an answer is returned with the next request', () => {
    const server = new Lockstep(() => response(responseCode.content, { payload: bytes(1000), kept: true }));
    const client = new Lockstep();
    const { answers } = ask(client, {}, 'server');
    const exchange = (): void => {
      for (const datagram of client.outputBytes()) {
        server.engine.receive([{ bytes: datagram, endpoint: endpointOf('far client'), multicast: false }], server.now);
      }
      for (const datagram of server.outputBytes()) {
        client.engine.receive([{ bytes: datagram, endpoint: endpointOf('server'), multicast: false }], client.now);
      }
    };
    for (let i = 0; i < 100 && answers.length === 0; i++) exchange();
    expect(answers[0]?.payload).toEqual(bytes(1000));
    expect(server.requests).toHaveLength(1);
    expect(findOption(server.requests[0]?.options ?? [], optionNumber.echo)).toBeUndefined();
  });
});

describe('observing (RFC 7641 §3)', () => {
  test('notifications come until the observation is given up; the next one is then rejected', () => {
    const observations: Observation[] = [];
    const server = new Lockstep((request, engine, now) => {
      const observation = engine.observe(request, () => undefined, now);
      if (observation !== undefined) observations.push(observation);
      return response(responseCode.content, { payload: utf8('0'), observation });
    });
    const client = new Lockstep();
    const { answers, pending } = ask(client, { observe: true });
    converse(client, server, () => 0.5, 0, 1000);
    for (const text of ['1', '2']) {
      observations[0]?.notify(response(responseCode.content, { payload: utf8(text) }), true, server.now);
      converse(client, server, () => 0.5, 0, 1000);
    }
    expect(answers.map(({ payload }) => String.fromCharCode(...payload))).toEqual(['0', '1', '2']);
    pending.cancel(client.now);
    observations[0]?.notify(response(responseCode.content, { payload: utf8('3') }), true, server.now);
    converse(client, server, () => 0.5, 0, 1000);
    expect(observations[0]?.ended).toBe(true);
    expect(answers).toHaveLength(3);
  });

  test('a long notification is read to its end in blocks', () => {
    let payload = bytes(700);
    const observations: Observation[] = [];
    const server = new Lockstep((request, engine, now) => {
      const observation = engine.observe(request, () => undefined, now);
      if (observation !== undefined) observations.push(observation);
      return response(responseCode.content, { payload, observation, etag: Uint8Array.of(payload.length & 0xff) });
    });
    const client = new Lockstep();
    const { answers } = ask(client, { observe: true, szx: 4 });
    converse(client, server, () => 0.5, 0, 2000);
    payload = bytes(900);
    observations[0]?.notify(
      response(responseCode.content, { payload, etag: Uint8Array.of(payload.length & 0xff) }),
      true,
      server.now,
    );
    converse(client, server, () => 0.5, 0, 2000);
    expect(answers.map((answer) => answer.payload.length)).toEqual([700, 900]);
    expect(answers[1]?.payload).toEqual(bytes(900));
    expect(findBlock(answers[1]?.options ?? [], optionNumber.block2)).toMatchObject({ more: false });
  });

  test('when Max-Age has passed without a notification the client registers again under its token (§3.3.1)', () => {
    const client = new Lockstep();
    ask(client, { observe: true });
    const [first] = client.output();
    const options = [uintOption(optionNumber.observe, 3), uintOption(optionNumber.maxAge, 20)];
    client.send(
      {
        type: ACK,
        code: responseCode.content,
        messageId: first?.messageId ?? 0,
        token: first?.token ?? emptyBytes,
        options,
      },
      'server',
    );
    expect(client.advance(seconds(29))).toEqual([]);
    const [again] = client.advance(seconds(2));
    expect(again).toMatchObject({ type: CON, code: method.GET, token: first?.token });
    expect(findUint(again?.options ?? [], optionNumber.observe)).toBe(0);
  });

  test('an answer without Observe is the only one', () => {
    const client = new Lockstep();
    const { answers } = ask(client, { observe: true });
    const [first] = client.output();
    client.send(
      { type: ACK, code: responseCode.content, messageId: first?.messageId ?? 0, token: first?.token ?? emptyBytes },
      'server',
    );
    expect(answers).toHaveLength(1);
    const late = { type: CON, code: responseCode.content, messageId: 9, token: first?.token ?? emptyBytes };
    expect(client.send(late, 'server')).toMatchObject([{ type: RST }]);
  });
});
