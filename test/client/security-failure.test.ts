/** What a failed handshake is called, and in which words. */
import { expect, test } from 'vitest';
import { RequestError } from '../../src/client/request-error.ts';
import { failedHandshake } from '../../src/client/security-failure.ts';
import type { AlertDescription } from '../../src/dtls/alert.ts';
import { defaultDtlsOptions } from '../../src/dtls/options.ts';
import type { DtlsEvent } from '../../src/dtls/event.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { DtlsEngine } from '../../src/dtls/engine.ts';
import type { Instant } from '../../src/core/duration.ts';
import { pskClient } from '../dtls/link.ts';
import { endpointOf } from '../coap/lockstep.ts';

const peer = endpointOf('1');
const engine = new DtlsEngine(
  { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock: () => 0 },
  () => undefined,
  0 as Instant,
);
const endpoint = engine.connect(peer, pskClient, 0 as Instant);
const failed = (
  by: 'us' | 'peer',
  alert: AlertDescription,
  reason = 'why',
): Extract<DtlsEvent, { type: 'failed' }> => ({
  type: 'failed',
  peer,
  endpoint,
  alert,
  by,
  reason,
});

test.each<['us' | 'peer', AlertDescription, string]>([
  ['peer', 'decrypt_error', 'handshake'],
  ['peer', 'unknown_psk_identity', 'handshake'],
  ['peer', 'bad_record_mac', 'handshake'],
  ['peer', 'handshake_failure', 'no-common-suite'],
  ['peer', 'insufficient_security', 'no-common-suite'],
  ['peer', 'protocol_version', 'no-common-suite'],
  ['peer', 'certificate_unknown', 'credential-refused'],
  ['peer', 'certificate_expired', 'credential-refused'],
  ['peer', 'certificate_revoked', 'credential-refused'],
  ['peer', 'unknown_ca', 'credential-refused'],
  ['us', 'unknown_ca', 'gateway-not-trusted'],
  ['us', 'certificate_expired', 'gateway-not-trusted'],
  ['us', 'bad_certificate', 'gateway-not-trusted'],
  ['us', 'illegal_parameter', 'handshake-broken'],
  ['us', 'decode_error', 'handshake-broken'],
])('%s says %s: %s', (by, alert, failure) => {
  expect(failedHandshake(failed(by, alert)).failure).toBe(failure);
});

test('the sentence names the gateway and what was wrong, and no query', () => {
  const { failure, detail } = failedHandshake(failed('us', 'certificate_expired', 'CN=gw has expired'));
  expect(new RequestError(failure, 'coaps://gw/func/a/b?key=1', detail)).toMatchObject({
    code: 'request-gateway-not-trusted',
    message: 'coaps://gw/func/a/b is not believed to be who was meant: CN=gw has expired.',
  });
});
