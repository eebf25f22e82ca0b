/**
 * Sequences of copies, late answers, acknowledgements and time that fast-check makes up: whatever is repeated and mixed, a message
 * runs once in its lifetime, and each copy of a CON gets the identical reply.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyCode, method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import { findOption, optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { encodeMessage } from '../../src/coap/codec/rfc7252.ts';
import { defaultParameters } from '../../src/coap/parameters.ts';
import type { Request } from '../../src/coap/request.ts';
import { response } from '../../src/coap/response.ts';
import { emptyBytes, hex } from '../../src/core/bytes.ts';
import { bytesOf, endpointOf, Lockstep } from '../coap/lockstep.ts';
import { CopyModel } from './model.ts';

interface Copy {
  /** One of few, so that copies are frequent. */
  readonly message: number;
  readonly confirmable: boolean;
  readonly safe: boolean;
  /** The function takes its time: it answers when the test says so. */
  readonly slow: boolean;
}

type Step =
  | { readonly kind: 'send'; readonly copy: Copy }
  | { readonly kind: 'answer' }
  | { readonly kind: 'settle'; readonly reset: boolean }
  | { readonly kind: 'wait'; readonly span: number };

const copy = fc.record({ message: fc.nat(2), confirmable: fc.boolean(), safe: fc.boolean(), slow: fc.boolean() });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), copy }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const), reset: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), span: fc.oneof(fc.nat(3000), fc.nat(100_000)) }),
    },
  ),
  { maxLength: 60 },
);

const idOf = ({ message, confirmable, safe, slow }: Copy): number =>
  message * 8 + (confirmable ? 4 : 0) + (safe ? 2 : 0) + (slow ? 1 : 0);

const bytesOfCopy = (sent: Copy): Uint8Array =>
  bytesOf({
    type: sent.confirmable ? messageType.CON : messageType.NON,
    code: sent.safe ? method.FETCH : method.POST,
    messageId: idOf(sent),
    token: Uint8Array.of(sent.message),
    options: [stringOption(optionNumber.uriPath, sent.slow ? 'slow' : 'fast')],
  });

/** A device and a server whose answers all differ. */
class Conversation {
  readonly #model = new CopyModel();
  readonly #waiting: Request[] = [];
  /** The last ACK for each Message ID: what a copy must get. */
  readonly #replies = new Map<number, string>();
  /** CONs of the server that are not settled. */
  readonly #outstanding = new Set<number>();
  #runs = 0;
  readonly #peer: Lockstep = new Lockstep((request) => {
    this.#runs++;
    const isSlow = findOption(request.options, optionNumber.uriPath)?.[0] === 's'.charCodeAt(0);
    if (isSlow) this.#waiting.push(request);
    return isSlow ? undefined : this.#answer();
  });

  send(sent: Copy): void {
    const bytes = bytesOfCopy(sent);
    const lifetime = sent.confirmable ? defaultParameters.exchangeLifetime : defaultParameters.nonLifetime;
    const isNew = this.#model.isNew(bytes, this.#peer.now, lifetime);
    const runsBefore = this.#runs;
    this.#peer.engine.receive([{ bytes, endpoint: endpointOf('device'), multicast: false }], this.#peer.now);
    const output = this.#peer.outputBytes();
    expect(this.#runs - runsBefore).toBe(isNew ? 1 : 0);
    if (isNew) this.#replies.delete(idOf(sent));
    else
      expect(output.map(hex)).toEqual(
        sent.confirmable ? [this.#replies.get(idOf(sent))].filter((reply) => reply !== undefined) : [],
      );
    this.#hear(output);
  }

  answer(): void {
    const request = this.#waiting.shift();
    if (request === undefined) return;
    this.#peer.engine.respond(request, this.#answer(), this.#peer.now);
    this.#hear(this.#peer.outputBytes());
  }

  settle(reset: boolean): void {
    const [messageId] = this.#outstanding;
    if (messageId === undefined) return;
    this.#outstanding.delete(messageId);
    const type = reset ? messageType.RST : messageType.ACK;
    const bytes = bytesOf({ type, code: emptyCode, messageId });
    this.#peer.engine.receive([{ bytes, endpoint: endpointOf('device'), multicast: false }], this.#peer.now);
    this.#hear(this.#peer.outputBytes());
  }

  wait(span: number): void {
    this.#hear(this.#peer.advance(span).map(encodeMessage));
  }

  /** After all of it: nothing is left but records, and these go too. */
  end(): void {
    while (this.#waiting.length > 0) this.answer();
    this.wait(3_600_000);
    this.#peer.engine.poll(this.#peer.now);
    expect(this.#peer.engine.counters()).toMatchObject({ pending: 0, timers: 0, unsafeRecords: 0, safeRecords: 0 });
  }

  #answer(): ReturnType<typeof response> {
    return response(responseCode.changed, { payload: Uint8Array.of(this.#runs, this.#waiting.length) });
  }

  #hear(output: readonly Uint8Array[]): void {
    for (const bytes of output) {
      const messageId = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
      const type = ((bytes[0] ?? 0) >> 4) & 3;
      if (type === messageType.ACK) this.#replies.set(messageId, hex(bytes));
      else if (type === messageType.CON) this.#outstanding.add(messageId);
    }
  }
}

test('a message runs once in its lifetime, and each copy of a CON gets the identical reply', () => {
  fc.assert(
    fc.property(steps, (made) => {
      const conversation = new Conversation();
      for (const step of made) {
        if (step.kind === 'send') conversation.send(step.copy);
        else if (step.kind === 'answer') conversation.answer();
        else if (step.kind === 'settle') conversation.settle(step.reset);
        else conversation.wait(step.span);
      }
      conversation.end();
    }),
    { numRuns: 400 },
  );
});

test('where the table of unsafe records is full, no unsafe message runs that could run twice', () => {
  const limit = 5;
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (ids) => {
      const runs = new Map<number, number>();
      const peer = new Lockstep(
        (request) => {
          const id = request.exchange.messageId;
          runs.set(id, (runs.get(id) ?? 0) + 1);
          return response(responseCode.changed, { payload: emptyBytes });
        },
        { limits: { maxUnsafeRecords: limit } },
      );
      for (const messageId of ids) {
        const isKnown = runs.has(messageId);
        const isFull = runs.size >= limit;
        const [answer] = peer.send({ code: method.POST, messageId });
        expect(answer?.code).toBe(isKnown || !isFull ? responseCode.changed : responseCode.serviceUnavailable);
      }
      expect([...runs.values()].every((count) => count === 1)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
