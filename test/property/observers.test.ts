/**
 * Observers that come and go in any order, acknowledge, reset or say nothing: the list is what the model says, notifications go to
 * who is on it, and each is newer than the one before (RFC 7641 §3.4, §3.6, §4).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyCode, method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findUint, optionNumber, uintOption } from '../../src/coap/codec/options.ts';
import type { Observation } from '../../src/coap/observe/observation.ts';
import { response } from '../../src/coap/response.ts';
import { Lockstep } from '../coap/lockstep.ts';

type Step =
  | { readonly kind: 'register' | 'deregister'; readonly token: number }
  | { readonly kind: 'notify'; readonly confirmable: boolean }
  | { readonly kind: 'settle'; readonly reset: boolean }
  | { readonly kind: 'wait'; readonly span: number };

const token = fc.nat(3);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('register' as const, 'register' as const, 'deregister' as const), token }),
    fc.record({ kind: fc.constant('notify' as const), confirmable: fc.boolean() }),
    fc.record({ kind: fc.constant('settle' as const), reset: fc.integer({ min: 0, max: 3 }).map((n) => n === 0) }),
    // Altogether less than it takes until a notification that nobody acknowledges ends its observation.
    fc.record({ kind: fc.constant('wait' as const), span: fc.nat(1000) }),
  ),
  { maxLength: 60 },
);

/** A device with a few tokens, and a resource that anybody may observe. */
class Watch {
  /** Tokens that are on the list. */
  readonly #registered = new Set<number>();
  /** The latest Observe value under each token since it was registered. */
  readonly #latest = new Map<number, number>();
  /** Notifications that are neither acknowledged nor reset, by Message ID. */
  readonly #unsettled = new Map<number, { readonly token: number; readonly confirmable: boolean }>();
  readonly #open = new Set<Observation>();
  #messageId = 0;
  readonly #peer: Lockstep = new Lockstep((request, engine, now) => {
    const left = (): void => {
      if (observation !== undefined) this.#open.delete(observation);
    };
    const observation = engine.observe(request, left, now);
    if (observation !== undefined) this.#open.add(observation);
    return response(responseCode.content, { observation });
  });

  run(step: Step): void {
    switch (step.kind) {
      case 'register':
        this.#ask(step.token, 0);
        break;
      case 'deregister':
        this.#ask(step.token, 1);
        break;
      case 'notify':
        for (const observation of this.#open)
          observation.notify(response(responseCode.content), step.confirmable, this.#peer.now);
        this.#hear(this.#peer.output());
        break;
      case 'settle':
        this.#settle(step.reset);
        break;
      case 'wait':
        this.#hear(this.#peer.advance(step.span));
        break;
    }
    expect(this.#peer.engine.counters().observations).toBe(this.#registered.size);
    expect(this.#open.size).toBe(this.#registered.size);
  }

  /** Nobody acknowledges any more: the list empties by itself. */
  end(): void {
    for (const observation of this.#open) observation.notify(response(responseCode.content), true, this.#peer.now);
    this.#peer.output();
    this.#peer.advance(3_600_000);
    expect(this.#peer.engine.counters()).toMatchObject({ observations: 0, timers: 0, pending: 0 });
  }

  #ask(asked: number, observe: 0 | 1): void {
    const options = [uintOption(optionNumber.observe, observe)];
    const message = { code: method.GET, messageId: ++this.#messageId, token: Uint8Array.of(asked), options };
    this.#latest.delete(asked);
    // What an earlier observation under the token has sent may still be reset, and then ends nothing.
    for (const [messageId, sent] of this.#unsettled) if (sent.token === asked) this.#unsettled.delete(messageId);
    if (observe === 0) this.#registered.add(asked);
    else this.#registered.delete(asked);
    const output = this.#peer.send(message);
    const answer = output.find(({ type }) => type === messageType.ACK);
    expect(answer && findUint(answer.options, optionNumber.observe) !== undefined).toBe(observe === 0);
    this.#hear(output);
  }

  #settle(reset: boolean): void {
    const [unsettled] = this.#unsettled;
    if (unsettled === undefined) return;
    const [messageId, sent] = unsettled;
    this.#unsettled.delete(messageId);
    if (!reset && !sent.confirmable) return; // a NON is not acknowledged
    if (reset) this.#registered.delete(sent.token);
    this.#hear(this.#peer.send({ type: reset ? messageType.RST : messageType.ACK, code: emptyCode, messageId }));
  }

  #hear(output: readonly Message[]): void {
    for (const {
      type,
      messageId,
      token: [name = -1],
      options,
    } of output) {
      const sequence = findUint(options, optionNumber.observe);
      if (sequence === undefined) continue;
      expect(this.#registered).toContain(name);
      if (this.#unsettled.has(messageId)) continue; // once more
      expect(sequence).toBeGreaterThan(this.#latest.get(name) ?? 0);
      this.#latest.set(name, sequence);
      if (type === messageType.ACK) continue;
      // A Reset is told apart by the latest notification only: newer ones take its place.
      for (const [id, sent] of this.#unsettled) if (sent.token === name) this.#unsettled.delete(id);
      this.#unsettled.set(messageId, { token: name, confirmable: type === messageType.CON });
    }
  }
}

test('the list of observers is what registrations, deregistrations and Resets make of it', () => {
  fc.assert(
    fc.property(steps, (made) => {
      const watch = new Watch();
      for (const step of made) watch.run(step);
      watch.end();
    }),
    { numRuns: 400 },
  );
});
