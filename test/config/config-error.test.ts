import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { load, type Given } from './loading.ts';

/** The sentences, without the temporary folder. */
function sentences(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.sentences.map((text) => text.replaceAll(/\S*\/funcoap-config-\w+\//g, ''));
  }
  return [];
}

describe('a sentence names the setting, the source, what was found and what is allowed', () => {
  test.each<[unknown, string]>([
    [{ coap: { port: 'x' } }, 'coap.port in funcoap.config.json is "x", but must be a whole number from 0 to 65535.'],
    [
      { coap: { port: 70000 } },
      'coap.port in funcoap.config.json is 70000, but must be a whole number from 0 to 65535.',
    ],
    [{ coap: { port: 1.5 } }, 'coap.port in funcoap.config.json is 1.5, but must be a whole number from 0 to 65535.'],
    [{ coap: { port: null } }, 'coap.port in funcoap.config.json is null, but must be a whole number from 0 to 65535.'],
    [
      { coap: 5 },
      'coap in funcoap.config.json is 5, but must be an object with listen, port, multicast, leisure, transport, receiveBuffer.',
    ],
    [
      { coap: { listen: [] } },
      'coap.listen in funcoap.config.json is [], but must be a list of at least one IPv4 or IPv6 address.',
    ],
    [
      { coap: { listen: ['::1', 'localhost'] } },
      'coap.listen[1] in funcoap.config.json is "localhost", but must be an IPv4 or IPv6 address.',
    ],
    [
      { coap: { multicast: ['10.0.0.1'] } },
      'coap.multicast[0] in funcoap.config.json is "10.0.0.1", but must be a multicast address (224.0.0.0/4 or ff00::/8).',
    ],
    [
      { coap: { leisure: '5 moons' } },
      'coap.leisure in funcoap.config.json is "5 moons", but must be a duration such as "1.5s", "200ms" or "5m", or a number of seconds.',
    ],
    [
      { profile: { ackTimeout: 0 } },
      'profile.ackTimeout in funcoap.config.json is 0, but must be a duration of at least 1 ms, such as "1.5s", "200ms" or "5m", or a number of seconds.',
    ],
    [
      { coap: { receiveBuffer: '4 potatoes' } },
      'coap.receiveBuffer in funcoap.config.json is "4 potatoes", but must be a size of at least 2048 bytes, such as "4MiB", "64KiB" or a number of bytes.',
    ],
    [
      { limits: { tokenLength: 4 } },
      'limits.tokenLength in funcoap.config.json is 4, but must be a size from 8 to 65804 bytes, such as "64KiB", "1KiB" or a number of bytes.',
    ],
    [
      { profile: { blockSize: 100 } },
      'profile.blockSize in funcoap.config.json is 100, but must be one of 16, 32, 64, 128, 256, 512, 1024.',
    ],
    [
      { profile: { ackRandomFactor: 0.5 } },
      'profile.ackRandomFactor in funcoap.config.json is 0.5, but must be a number of at least 1.',
    ],
    [
      { log: { level: 'loud' } },
      'log.level in funcoap.config.json is "loud", but must be one of silent, error, warn, info, debug, trace.',
    ],
    [{ log: { access: 'yes' } }, 'log.access in funcoap.config.json is "yes", but must be true or false.'],
    [
      { libraries: { folder: ['libs'] } },
      'libraries.folder in funcoap.config.json is ["libs"], but must be the path of a folder.',
    ],
    [{ libraries: { folder: '' } }, 'libraries.folder in funcoap.config.json is "", but must be the path of a folder.'],
    [
      { profiles: [{ match: 'lan' }] },
      'profiles[0].match in funcoap.config.json is "lan", but must be an address or a prefix such as "10.1.0.0/16" or "fd00::/8".',
    ],
    [
      { profiles: [{}] },
      'profiles[0].match in funcoap.config.json is missing, but must be an address or a prefix such as "10.1.0.0/16" or "fd00::/8".',
    ],
    [
      { profiles: [5] },
      'profiles[0] in funcoap.config.json is 5, but must be an object with match, name, ackTimeout, ackRandomFactor, maxRetransmit, nstart, piggybackWindow, blockSize, maxBody.',
    ],
    [
      { profiles: {} },
      'profiles in funcoap.config.json is {}, but must be a list of link profiles, each an object with a match.',
    ],
    [[], 'The configuration funcoap.config.json must be one JSON object, such as {"coap":{"port":5684}}.'],
    [
      { coap: { port: 'x'.repeat(90) } },
      `coap.port in funcoap.config.json is "${'x'.repeat(56)}..., but must be a whole number from 0 to 65535.`,
    ],
  ])('%j', (content, sentence) => {
    expect(sentences({ content })).toEqual([sentence]);
  });
});

describe('a name that is no setting gets the nearest one', () => {
  test.each<[unknown, string]>([
    [{ coap: { prot: 1 } }, 'coap.prot in funcoap.config.json is not a setting; did you mean coap.port?'],
    [{ Coap: {} }, 'Coap in funcoap.config.json is not a setting; did you mean coap?'],
    [{ port: 1 }, 'port in funcoap.config.json is not a setting; did you mean coap.port?'],
    [
      { limits: { timeLimit: '5s' } },
      'limits.timeLimit in funcoap.config.json is not a setting; did you mean workers.timeLimit?',
    ],
    [
      { profiles: [{ match: '10.0.0.1', acktimeout: 1 }] },
      'profiles[0].acktimeout in funcoap.config.json is not a setting; did you mean profiles[0].ackTimeout?',
    ],
    [{ zebra: 1 }, 'zebra in funcoap.config.json is not a setting; docs/config.md lists the settings.'],
    ['{"__proto__":{"x":1}}', '__proto__ in funcoap.config.json is not a setting; docs/config.md lists the settings.'],
    [
      '{"coap":{"constructor":1}}',
      'coap.constructor in funcoap.config.json is not a setting; docs/config.md lists the settings.',
    ],
  ])('%j', (content, sentence) => {
    expect(sentences({ content })).toEqual([sentence]);
  });
});

test('several problems are several sentences', () => {
  expect(sentences({ content: { coap: { port: -1, prot: 1 }, log: { level: 1 } } })).toHaveLength(3);
});

test('the source is the variable or the flag that said it', () => {
  expect(sentences({ environment: { FUNCOAP_COAP_PORT: 'abc' } })).toEqual([
    'coap.port in FUNCOAP_COAP_PORT is "abc", but must be a whole number from 0 to 65535.',
  ]);
  expect(sentences({ environment: { FUNCOAP_LOG_ACCESS: 'constructor' } })).toEqual([
    'log.access in FUNCOAP_LOG_ACCESS is "constructor", but must be true or false.',
  ]);
  expect(sentences({ flags: [{ flag: '--port', path: 'coap.port', text: '99999' }] })).toEqual([
    'coap.port in --port is 99999, but must be a whole number from 0 to 65535.',
  ]);
  expect(sentences({ environment: { FUNCOAP_PROFILES: '[{' } })).toEqual([
    'profiles in FUNCOAP_PROFILES is "[{", but must be a list of link profiles, each an object with a match.',
  ]);
});

test('--set of what is no setting', () => {
  expect(sentences({ flags: [{ flag: '--set', path: 'coap.prot', text: '1' }] })).toEqual([
    'coap.prot in --set is not a setting; did you mean coap.port?',
  ]);
  expect(sentences({ flags: [{ flag: '--set', path: 'zebra', text: '1' }] })).toEqual([
    'zebra in --set is not a setting; `funcoap config` lists the settings.',
  ]);
});

test('a file that is not JSON, and a file that is not there', () => {
  expect(sentences({ content: '{"coap":' })[0]).toMatch(/^The configuration funcoap\.config\.json is not JSON: .+\.$/);
  expect(sentences({ file: 'none.json' })).toEqual([
    'The configuration none.json cannot be read: there is no such file.',
  ]);
});
