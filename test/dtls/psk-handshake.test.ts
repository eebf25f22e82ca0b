import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { Link, psk, pskClient, pskIdentity } from './link.ts';

const pskSuites = cipherSuites.filter(({ keyExchange }) => keyExchange !== 'ecdhe_ecdsa');

describe.each(pskSuites)('$name', (suite) => {
  test('is agreed on, and carries data both ways', () => {
    const link = new Link({ client: { cipherSuites: [suite] }, server: { cipherSuites: pskSuites } });
    const endpoint = link.establish();
    link.say(endpoint, 'hello');
    link.run();
    const [heard] = link.server.received;
    expect(heard?.text).toBe('hello');
    link.say(heard?.endpoint ?? endpoint, 'and back', link.server);
    link.run();
    expect(link.client.received.map(({ text }) => text)).toEqual(['and back']);
    expect(link.server.of('established')[0]?.result).toMatchObject({
      suite: { id: suite.id },
      identity: { kind: 'psk', name: 'lamp' },
      resumed: false,
      extendedMasterSecret: true,
    });
  });
});

test('the order of the server counts', () => {
  const [ours] = pskSuites.filter(({ id }) => id === 0x00a8);
  const link = new Link({ server: { cipherSuites: [...(ours === undefined ? [] : [ours]), ...pskSuites] } });
  link.establish();
  expect(link.server.of('established')[0]?.result.suite.id).toBe(0x00a8);
});

describe('a wrong key', () => {
  const failed = (identity: string, key: Uint8Array): unknown => {
    const link = new Link();
    link.establish({ preSharedKey: { identity: utf8(identity), key } });
    return {
      server: link.server.of('failed').map(({ alert }) => alert),
      client: link.client.of('failed').map(({ alert }) => alert),
      sent: link.sent.map(({ bytes, to }) => [to, bytes.length]),
    };
  };
  test('is told, and ends the handshake on both sides', () => {
    expect(failed(pskIdentity, utf8('another sixteen!'))).toMatchObject({
      server: ['decrypt_error'],
      client: ['decrypt_error'],
    });
  });
  test('cannot be told from an unknown identity (RFC 4279 §2)', () => {
    expect(failed('device-2', psk)).toEqual(failed(pskIdentity, utf8('another sixteen!')));
  });
  test('of an identity that may do without extended master secret neither', () => {
    expect(failed('old-deviceX'.slice(0, 8), psk)).toEqual(failed('device-2', psk));
  });
});

test('what is sent before the handshake is over, is sent when it is', () => {
  const link = new Link();
  const endpoint = link.connect(pskClient);
  link.say(endpoint, 'first');
  link.say(endpoint, 'second');
  link.run();
  expect(link.server.received.map(({ text }) => text)).toEqual(['first', 'second']);
});

test('a closed association is closed on both sides, and nothing more goes over it', () => {
  const link = new Link();
  const endpoint = link.establish();
  link.client.engine.close(endpoint, link.now);
  link.run();
  expect(link.server.of('closed').map(({ reason }) => reason)).toEqual([{ kind: 'by-peer', alert: 'close_notify' }]);
  link.say(endpoint, 'too late');
  link.run();
  expect(link.server.received).toEqual([]);
  expect(link.client.engine.counters().unsent).toBe(1);
  expect(link.server.engine.counters()).toMatchObject({ associations: 0, handshakes: 0, timers: 0 });
});
