import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gatewayOptions } from '../../src/cli/gateway-options.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/loader.ts';
import { openAccess } from '../../src/gateway/access-rules.ts';
import { inFolder, load, parsedConfig } from './loading.ts';

test('by default everybody may call everything', () => {
  expect(gatewayOptions(parsedConfig({}), undefined, undefined).access).toEqual(openAccess);
});

test('a rule says who may do what; what it leaves out it does not grant', () => {
  const { access } = parsedConfig({
    access: [
      { identity: 'meter-*', functions: ['oslist/list', 'math/*'] },
      {
        group: 'staff',
        resources: ['*'],
        rate: { perSecond: 5, burst: 10 },
        profile: { blockSize: 64, maxBody: '4KiB', piggybackWindow: '200ms' },
      },
    ],
  });
  expect(access).toEqual([
    {
      identity: 'meter-*',
      group: undefined,
      functions: ['oslist/list', 'math/*'],
      resources: [],
      rate: undefined,
      profile: {},
    },
    {
      identity: undefined,
      group: 'staff',
      functions: [],
      resources: ['*'],
      rate: { perSecond: 5, burst: 10 },
      profile: { blockSize: 64, maxBody: 4096, piggybackWindow: 200 },
    },
  ]);
});

test("a rule's profile becomes link settings of the engine, and nothing that it leaves out", () => {
  const profile = { ackTimeout: '10s', blockSize: 32, maxBody: '1KiB' };
  const [rule] = gatewayOptions(parsedConfig({ access: [{ profile }] }), undefined, undefined).access;
  expect(rule?.link).toEqual({ ackTimeout: 10_000, szx: 1, maxBodyBytes: 1024 });
});

describe('a slip is named', () => {
  const sentence = (access: unknown): string => {
    try {
      load({ content: { access } });
    } catch (error) {
      if (error instanceof ConfigError) return error.sentences.join('\n').replaceAll(/ in \S*json/g, '');
      throw error;
    }
    return '';
  };
  test.each<[unknown, string]>([
    [
      [{ functions: ['math'] }],
      'access[0].functions[0] is "math", but must be a list of functions as library/method, in which * stands for any characters, such as "math/*" or "*".',
    ],
    [[{ functions: ['a/b/c'] }], 'access[0].functions[0] is "a/b/c"'],
    [[{ functions: 'math/*' }], 'access[0].functions is "math/*", but must be a list of functions'],
    [[{ resources: ['/clock'] }], 'access[0].resources[0] is "/clock", but must be a list of first segments of paths'],
    [[{ identity: '' }], 'access[0].identity is "", but must be a name, in which * stands for any characters.'],
    [[{ function: ['*'] }], 'access[0].function is not a setting; did you mean access[0].functions?'],
    [[{ rate: { perSecond: 5 } }], 'access[0].rate.burst is missing, but must be a whole number of at least 1.'],
    [[{ profile: { blockSize: 100 } }], 'access[0].profile.blockSize is 100, but must be one of 16,'],
    [{}, 'access is {}, but must be a list of access rules'],
  ])('%j', (access, expected) => {
    expect(sentence(access)).toContain(expected);
  });
});

test('every example in docs/config.md is a valid configuration', () => {
  const document = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8');
  const examples = [...document.matchAll(/```json\n([^]*?)```/g)].map(([, text = '']) => parsedConfig(text));
  expect(examples.map(({ access }) => access.length)).toEqual([1, 3]);
});

describe('the data folder', () => {
  test('is beside the configuration file, wherever the command was started', () => {
    inFolder((folder) => {
      mkdirSync(join(folder, 'etc'));
      writeFileSync(join(folder, 'etc', 'gateway.json'), '{}');
      const options = { workingFolder: folder, environment: {}, flags: [] };
      expect(loadConfig({ ...options, file: 'etc/gateway.json' }).config.data.folder).toBe(join(folder, 'etc', 'data'));
      expect(loadConfig({ ...options, file: undefined }).config.data.folder).toBe(join(folder, 'data'));
    });
  });

  test('that a file names is relative to the file, elsewhere to the working folder', () => {
    inFolder((folder) => {
      mkdirSync(join(folder, 'etc'));
      writeFileSync(join(folder, 'etc', 'gateway.json'), JSON.stringify({ data: { folder: '../var' } }));
      const options = { workingFolder: folder, environment: {}, file: 'etc/gateway.json' };
      expect(loadConfig({ ...options, flags: [] }).config.data.folder).toBe(join(folder, 'var'));
      const flags = [{ flag: '--data', path: 'data.folder', text: 'mine' }];
      expect(loadConfig({ ...options, flags }).config.data.folder).toBe(resolve(folder, 'mine'));
    });
  });
});
