/**
 * The gateway's certificate as it is in the data folder now, and its key as a raw public key (RFC 7250): `funcoap ca` takes effect on
 * handshakes that begin after it. It is looked for when somebody shakes hands, at most ten times a second.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { after, milliseconds, type Instant } from '../core/duration.ts';
import type { OwnCertificate } from '../dtls/credentials.ts';
import { signingKey } from '../dtls/crypto.ts';
import type { CertificateFiles } from '../store/certificate-files.ts';

const lookEvery = milliseconds(100);

export class GatewayCertificate {
  readonly #files: CertificateFiles;
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  #current: readonly OwnCertificate[] = [];
  #state: string | undefined;
  #fault: string | undefined;
  #lookAt: Instant;

  /** @throws UsageError where there is one that cannot be used */
  constructor(files: CertificateFiles, clock: Clock, onFault: (error: unknown) => void) {
    this.#files = files;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#lookAt = after(clock.now(), lookEvery);
    this.#look();
  }

  /** One of each type; none where there is no certificate. */
  get current(): readonly OwnCertificate[] {
    const now = this.#clock.now();
    if (now < this.#lookAt) return this.#current;
    this.#lookAt = after(now, lookEvery);
    try {
      this.#look();
    } catch (error) {
      // What was good stays in use.
      const fault = String(error);
      if (fault !== this.#fault) this.#onFault(error);
      this.#fault = fault;
    }
    return this.#current;
  }

  #look(): void {
    const state = this.#files.stateOf('gateway');
    if (state === this.#state) return;
    const found = state === undefined ? [] : this.#read();
    // Between its two files being written: looked for again.
    if (found === undefined) return;
    this.#state = state;
    this.#fault = undefined;
    this.#current = found;
  }

  #read(): readonly OwnCertificate[] | undefined {
    const certificate = this.#files.certificate('gateway');
    const key = this.#files.privateKey('gateway');
    if (!new X509Certificate(certificate).checkPrivateKey(key)) return undefined;
    const signs = signingKey(String(key.export({ type: 'pkcs8', format: 'pem' })));
    const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
    return [
      { type: 'x509', payload: [certificate], signingKey: signs },
      { type: 'raw_public_key', payload: [spki], signingKey: signs },
    ];
  }
}
