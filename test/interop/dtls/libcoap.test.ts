/** CoAP over DTLS against libcoap, in its builds with OpenSSL and GnuTLS: `coap-client` and `coap-server`. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { optionNumber, stringOption } from '../../../src/coap/codec/options.ts';
import { CoapEngine, defaultEngineLimits } from '../../../src/coap/engine.ts';
import { defaultTransmissionOptions, deriveParameters } from '../../../src/coap/parameters.ts';
import { response } from '../../../src/coap/response.ts';
import { cipherSuiteOf } from '../../../src/dtls/cipher-suites.ts';
import type { ClientCredentials } from '../../../src/dtls/credentials.ts';
import { systemRandomness } from '../../../src/transport/randomness.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { certificateClient } from '../../dtls/certificates.ts';
import { freeUdpPort } from '../../transport/free-port.ts';
import {
  credentials,
  establishedOf,
  openEndpoint,
  pki,
  Program,
  psk,
  pskIdentity,
  type RunningEndpoint,
} from './endpoint.ts';

const builds = ['openssl', 'gnutls'] as const;
const missing =
  spawnSync('which', ['coap-client-openssl']).status === 0
    ? undefined
    : 'needs coap-client-openssl (Debian: libcoap3-bin)';

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

/** Larger than a block, so that blocks go over the association. */
const large = 'a line of thirty-two characters\n'.repeat(100);

function coapEngine(): CoapEngine {
  const parameters = deriveParameters(defaultTransmissionOptions);
  const engine = new CoapEngine(
    {
      limits: defaultEngineLimits,
      parametersFor: () => parameters,
      random: systemRandomness,
      seal: (input) => createHash('sha256').update(input).digest(),
      now: systemScheduler.now(),
    },
    {
      handle: (request, now) =>
        void engine.respond(request, response(responseCode.content, { payload: utf8(large), kept: true }), now),
      refused: () => undefined,
    },
  );
  return engine;
}

describe('coap-client', () => {
  let server: RunningEndpoint;
  beforeAll(async () => {
    server = await openEndpoint({ server: credentials, connectionId: { length: 6, node: 1 } }, coapEngine());
  });
  afterAll(() => server.close());

  async function gets(build: string, ...args: readonly string[]): Promise<void> {
    const program = new Program(
      `coap-client-${build}`,
      '-B',
      '5',
      '-m',
      'get',
      ...args,
      `coaps://127.0.0.1:${server.port}/x`,
    );
    await program.prints(/(?:a line of thirty-two characters\n){100}/);
    await program.end();
  }

  test.each(builds)('of %s with PSK', async (build) => {
    await gets(build, '-u', pskIdentity, '-k', textOf(psk) ?? '');
    expect(establishedOf(server.events).at(-1)?.result.identity).toEqual({ kind: 'psk', name: 'lamp' });
  });
  test.each(builds)('of %s with certificates both ways', async (build) => {
    await gets(build, '-c', pki('client.pem'), '-j', pki('client.key'), '-R', pki('root.pem'));
    expect(establishedOf(server.events).at(-1)?.result.identity).toEqual({ kind: 'x509', name: 'client' });
  });
  test('of gnutls with raw public keys both ways', async () => {
    await gets('gnutls', '-M', pki('client.key'));
    expect(establishedOf(server.events).at(-1)?.result.identity).toEqual({ kind: 'raw_public_key', name: 'client' });
  });
});

describe('coap-server', () => {
  async function answers(build: string, credentials: ClientCredentials, ...args: readonly string[]): Promise<number> {
    const plainPort = await freeUdpPort();
    const server = new Program(`coap-server-${build}`, '-A', '127.0.0.1', '-p', String(plainPort), ...args);
    const engine = coapEngine();
    const client = await openEndpoint({}, engine);
    // coaps is one port above (its own rule), and it prints nothing when it is ready.
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    const endpoint = client.connect(plainPort + 1, credentials);
    let answer: string | undefined;
    engine.request(
      endpoint,
      {
        code: method.GET,
        options: [stringOption(optionNumber.uriPath, '.well-known'), stringOption(optionNumber.uriPath, 'core')],
        payload: new Uint8Array(),
        confirmable: true,
        szx: undefined,
        observe: false,
        maxResponseBytes: 10_000,
        timeout: seconds(10),
      },
      {
        answered: (result) => (answer = textOf(result.payload)),
        failed: (reason) => (answer = `failed: ${JSON.stringify(reason)}`),
        progress: () => undefined,
      },
      systemScheduler.now(),
    );
    client.say(endpoint, '');
    await client.until('the answer', () => answer);
    expect(answer).toContain('</time>');
    const suite = establishedOf(client.events)[0]?.result.suite.id ?? 0;
    await client.close();
    await server.end();
    return suite;
  }

  test.each(builds)('of %s with PSK', async (build) => {
    const known = { preSharedKey: { identity: utf8(pskIdentity), key: psk } };
    const suite = await answers(build, known, '-k', textOf(psk) ?? '', '-u', pskIdentity);
    expect(cipherSuiteOf(suite)?.keyExchange).toMatch(/psk/);
  });
  test.each(builds)('of %s with certificates both ways', async (build) => {
    const own = ['-c', pki('server.pem'), '-j', pki('server.key'), '-R', pki('root.pem')];
    const suite = await answers(build, certificateClient, ...own);
    expect(cipherSuiteOf(suite)?.keyExchange).toBe('ecdhe_ecdsa');
  });
});
