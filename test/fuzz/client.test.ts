/**
 * The client side: a server that answers our requests with whatever it likes. Each request ends once, within its time limit,
 * with a response code or a failure; nothing is sent twice that must not be; and nothing is left.
 */
import { describe, expect, test } from 'vitest';
import { codeClass, isRequestCode, method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { opaqueOption, optionNumber, sortOptions, uintOption, type Option } from '../../src/coap/codec/options.ts';
import { encodeMessage } from '../../src/coap/codec/rfc7252.ts';
import type { ClientRequest, PendingRequest } from '../../src/coap/client.ts';
import type { TransferListener } from '../../src/coap/blockwise/client-transfer.ts';
import { response } from '../../src/coap/response.ts';
import { emptyBytes, hex } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { endpointOf, Lockstep } from '../coap/lockstep.ts';
import { Chance } from './chance.ts';
import { mutate } from './mutator.ts';
import { PollutionWatch } from './pollution.ts';

const responseCodes = [
  0x41, 0x43, 0x44, 0x45, 0x45, 0x45, 0x5f, 0x5f, 0x80, 0x81, 0x84, 0x88, 0x8d, 0xa0, 0xa3, 0x60, 0x20, 0xe0,
] as const;

class FickleServer {
  readonly #chance: Chance;
  #messageId = 0x8000;
  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** What comes back for one datagram of the client's: nothing, something, or several things. */
  answers(request: Message): Uint8Array[] {
    const chance = this.#chance;
    const answers: Uint8Array[] = [];
    for (let count = chance.below(4); count > 0; count--) {
      const bytes = this.#answer(request);
      answers.push(chance.oneIn(4) ? mutate(bytes, chance, bytes) : bytes);
      if (chance.oneIn(6)) answers.push(bytes);
    }
    return answers;
  }

  #answer(request: Message): Uint8Array {
    const chance = this.#chance;
    const empty = { code: 0, messageId: request.messageId, token: emptyBytes, options: [], payload: emptyBytes };
    if (chance.oneIn(8)) return encodeMessage({ ...empty, type: chance.oneIn(3) ? messageType.RST : messageType.ACK });
    const type = chance.pick([messageType.ACK, messageType.ACK, messageType.CON, messageType.NON] as const);
    const messageId = type === messageType.ACK ? request.messageId : ++this.#messageId & 0xffff;
    const token = chance.oneIn(20) ? chance.bytes(chance.below(9)) : request.token;
    const [options, payload] = this.#content(request);
    return encodeMessage({
      type,
      code: chance.pick(responseCodes),
      messageId,
      token,
      options: sortOptions(options),
      payload,
    });
  }

  #content(request: Message): [Option[], Uint8Array] {
    const chance = this.#chance;
    const options: Option[] = [];
    if (chance.oneIn(3)) options.push(uintOption(optionNumber.observe, chance.below(1 << 24)));
    if (chance.oneIn(3)) options.push(opaqueOption(optionNumber.etag, Uint8Array.of(chance.below(2))));
    if (chance.oneIn(4)) options.push(uintOption(optionNumber.maxAge, chance.below(3)));
    if (chance.oneIn(8)) options.push(opaqueOption(optionNumber.echo, chance.bytes(1 + chance.below(8))));
    if (chance.oneIn(10)) options.push(opaqueOption(chance.below(70), chance.bytes(chance.below(4))));
    const asked = request.options.find((option) => option.number === optionNumber.block1);
    if (asked !== undefined && !chance.oneIn(4)) options.push(asked);
    else if (chance.oneIn(6)) options.push(uintOption(optionNumber.block1, chance.below(0x40)));
    if (chance.oneIn(2)) return [options, chance.bytes(chance.below(40))];
    const next = request.options.find((option) => option.number === optionNumber.block2);
    const num = chance.oneIn(6) ? chance.below(1 << 20) : (next?.value[0] ?? 0) >> 4;
    const szx = chance.below(2);
    options.push(uintOption(optionNumber.block2, (num << 4) | (chance.oneIn(4) ? 0 : 8) | szx));
    return [options, chance.bytes(16 << szx)];
  }
}

interface Outcome {
  answers: number;
  failures: number;
  /** Tokens under which a request went out with a body. */
  readonly bodies: Set<string>;
}

async function converse(seed: number, request: Partial<ClientRequest>): Promise<Outcome> {
  const chance = new Chance(seed);
  // A spoiled response may be a request: it is answered, so that nothing waits.
  const peer = new Lockstep(() => response(responseCode.notFound), { random: () => chance.uniform() });
  const server = new FickleServer(chance);
  const outcome: Outcome = { answers: 0, failures: 0, bodies: new Set() };
  const listener: TransferListener = {
    answered: ({ code }) => {
      outcome.answers++;
      expect([2, 4, 5]).toContain(codeClass(code));
    },
    failed: () => outcome.failures++,
    progress: () => undefined,
  };
  const all: ClientRequest = {
    code: method.GET,
    options: [],
    payload: emptyBytes,
    confirmable: chance.oneIn(2),
    szx: chance.oneIn(2) ? 0 : undefined,
    observe: false,
    maxResponseBytes: 500,
    timeout: seconds(60),
    ...request,
  };
  const pending: PendingRequest = peer.engine.request(endpointOf('server'), all, listener, peer.now);
  let waiting = peer.output();
  for (let turn = 0; turn < 60; turn++) {
    const answers = waiting
      .filter((message) => isRequestCode(message.code))
      .flatMap((message) => {
        if (message.payload.length > 0) outcome.bodies.add(hex(message.token));
        return server.answers(message);
      });
    waiting = answers.flatMap((bytes) => peer.sendBytes(bytes, 'server'));
    waiting.push(...peer.advance(chance.below(3000)));
  }
  pending.cancel(peer.now);
  peer.advance(3_600_000);
  peer.engine.poll(peer.now);
  expect(peer.engine.counters()).toMatchObject({ timers: 0, pending: 0, safeRecordBytes: 0, unsafeRecords: 0 });
  if (!all.observe) expect(outcome.answers + outcome.failures).toBe(1);
  return outcome;
}

const seeds = Array.from({ length: 400 }, (_, index) => index);

describe('against a server that answers anything', () => {
  test('a request ends once and leaves nothing', async () => {
    const pollution = new PollutionWatch();
    const outcomes = await Promise.all(seeds.map((seed) => converse(seed, {})));
    expect(outcomes.some(({ answers }) => answers > 0)).toBe(true);
    expect(outcomes.some(({ failures }) => failures > 0)).toBe(true);
    pollution.check();
  });

  test('a POST with a body in blocks ends once and leaves nothing', async () => {
    const outcomes = await Promise.all(
      seeds.map((seed) => converse(seed + 1000, { code: method.POST, payload: new Uint8Array(100), szx: 0 })),
    );
    expect(outcomes.some(({ answers }) => answers > 0)).toBe(true);
  });

  test('a short POST is not sent again because the server says 2.31', async () => {
    for (const seed of seeds) {
      const { bodies } = await converse(seed + 2000, {
        code: method.POST,
        payload: new Uint8Array(10),
        szx: undefined,
      });
      // Once more with an Echo (RFC 9175 §2.3), and once for each smaller block size after a 4.13 (RFC 7959 §2.9.3).
      expect(bodies.size).toBeLessThanOrEqual(8);
    }
  });

  test('an observation ends when it is given up, and leaves nothing', async () => {
    const outcomes = await Promise.all(seeds.map((seed) => converse(seed + 3000, { observe: true })));
    expect(outcomes.some(({ answers }) => answers > 1)).toBe(true);
  });
});
