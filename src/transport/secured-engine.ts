/**
 * Puts DTLS between a transport and an engine: `drive(new SecuredEngine(options, coapEngine, ...), openUdp)`. Below are datagrams
 * of the network, above those of associations, which are endpoints too (RFC 7252 §9.1).
 */
import type { Datagram, HelloShares, SendFailure } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { DtlsEngine } from '../dtls/engine.ts';
import type { DtlsEvent } from '../dtls/event.ts';
import type { DtlsOptions } from '../dtls/options.ts';
import type { SansIoEngine } from './driver.ts';

export class SecuredEngine implements SansIoEngine {
  readonly dtls: DtlsEngine;
  readonly #engine: SansIoEngine;
  #now: Instant;

  constructor(
    options: DtlsOptions,
    engine: SansIoEngine,
    onEvent: (event: DtlsEvent, now: Instant) => void,
    now: Instant,
  ) {
    this.#engine = engine;
    this.#now = now;
    this.dtls = new DtlsEngine(
      options,
      (event, now) => {
        // First, so that who is told of what waited can say why.
        onEvent(event, now);
        // What waited for the handshake fails with it.
        if (event.type === 'failed') this.#engine.sendFailed?.({ endpoint: event.endpoint, code: 'ECONNREFUSED' }, now);
      },
      now,
    );
  }

  get helloShares(): HelloShares {
    return this.dtls.helloShares;
  }

  refuses(bytes: Uint8Array, from: number, length: number, now: Instant): boolean {
    return this.dtls.refuses(bytes, from, length, now);
  }

  receive(batch: readonly Datagram[], now: Instant): void {
    this.#now = now;
    this.dtls.receive(batch, now);
    const plaintext = this.dtls.takePlaintext();
    if (plaintext.length > 0) this.#engine.receive(plaintext, now);
  }

  poll(now: Instant): void {
    this.#now = now;
    this.dtls.poll(now);
    this.#engine.poll(now);
  }

  nextDeadline(): Instant | undefined {
    const [own, above] = [this.dtls.nextDeadline(), this.#engine.nextDeadline()];
    if (own === undefined || above === undefined) return own ?? above;
    return own < above ? own : above;
  }

  takeOutput(): readonly Datagram[] {
    const above = this.#engine.takeOutput();
    // The driver asks right after `receive` or `poll`, or when the application has something to say: the last time will do.
    if (above.length > 0) this.dtls.send(above, this.#now);
    return this.dtls.takeOutput();
  }

  sendFailed({ endpoint, code }: SendFailure, now: Instant): void {
    this.#now = now;
    const association = this.dtls.at(endpoint);
    if (association !== undefined) this.#engine.sendFailed?.({ endpoint: association, code }, now);
    if (code === 'ECONNREFUSED') this.dtls.unreachable(endpoint, now);
  }
}
