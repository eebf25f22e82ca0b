import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { loadConfig, shippedLibraries } from '../../src/config/loader.ts';
import { processCount } from '../../src/config/process-count.ts';
import { describeSource } from '../../src/config/source.ts';
import { inFolder, load, type Given } from './loading.ts';

const port = (given: Given): { value: unknown; from: string } => {
  const entry = load(given).entries.find(({ path }) => path === 'coap.port');
  return {
    value: entry?.value,
    from: (entry && describeSource(entry.source).split('/').at(-1)) ?? '',
  };
};

describe('precedence and provenance', () => {
  const content = { coap: { port: 1001 } };
  const environment = { FUNCOAP_COAP_PORT: '1002' };
  const flags = [{ flag: '--port', path: 'coap.port', text: '1003' }];

  test('nothing said: the default', () => {
    expect(port({})).toEqual({ value: 5683, from: 'default' });
  });
  test('the file is stronger than the default', () => {
    expect(port({ content })).toEqual({ value: 1001, from: 'funcoap.config.json' });
  });
  test('the environment is stronger than the file', () => {
    expect(port({ content, environment })).toEqual({ value: 1002, from: 'FUNCOAP_COAP_PORT' });
  });
  test('a flag is stronger than all', () => {
    expect(port({ content, environment, flags })).toEqual({ value: 1003, from: '--port' });
  });
  test('each setting is taken from its own strongest source', () => {
    const { config } = load({ content: { coap: { port: 1001, leisure: '1s' } }, environment });
    expect(config.coap.port).toBe(1002);
    expect(config.coap.leisure).toBe(1000);
  });
  test('a list replaces the weaker list', () => {
    const { config } = load({
      content: { coap: { listen: ['10.0.0.1', '10.0.0.2'] } },
      environment: { FUNCOAP_COAP_LISTEN: '10.0.0.3, ::1' },
    });
    expect(config.coap.listen).toEqual(['10.0.0.3', '::1']);
  });
});

describe('text from the environment and from flags', () => {
  test('is read as what the setting is', () => {
    const { config } = load({
      environment: {
        FUNCOAP_COAP_RECEIVE_BUFFER: '1MiB',
        FUNCOAP_COAP_MULTICAST: '',
        FUNCOAP_PROFILE_ACK_RANDOM_FACTOR: '1.25',
        FUNCOAP_PROFILE_PIGGYBACK_WINDOW: '0.5',
        FUNCOAP_PROFILES: '[{"match":"10.0.0.0/8","nstart":4}]',
        FUNCOAP_METRICS_ENABLED: 'on',
        FUNCOAP_LOG_LEVEL: 'debug',
      },
    });
    expect(config.coap.receiveBuffer).toBe(1_048_576);
    expect(config.coap.multicast).toEqual([]);
    expect(config.profile.ackRandomFactor).toBe(1.25);
    expect(config.profile.piggybackWindow).toBe(500);
    expect(config.profiles[0]?.nstart).toBe(4);
    expect(config.metrics.enabled).toBe(true);
    expect(config.log.level).toBe('debug');
  });

  test('a variable that looks like a slip is warned about, others are not', () => {
    const { warnings } = load({
      environment: {
        FUNCOAP_COAP_PROT: '1',
        FUNCOAP_SERVICE_HOST: '10.0.0.1',
        FUNCOAP_SERVICE_PORT: '5683',
        FUNCOAP_CONFIG: undefined,
        HOME: '/root',
      },
    });
    expect(warnings).toEqual([
      'The environment variable FUNCOAP_COAP_PROT is not a setting; did you mean FUNCOAP_COAP_PORT?',
    ]);
  });
});

describe('folders', () => {
  test('./libraries is the default where it exists', () => {
    inFolder((workingFolder) => {
      const options = { workingFolder, environment: {}, flags: [], file: undefined };
      expect(loadConfig(options).config.libraries.folder).toBe(shippedLibraries);
      mkdirSync(join(workingFolder, 'libraries'));
      expect(loadConfig(options).config.libraries.folder).toBe(join(workingFolder, 'libraries'));
    });
  });

  test('are relative to the file they stand in, elsewhere to the working folder', () => {
    inFolder((workingFolder) => {
      mkdirSync(join(workingFolder, 'etc'));
      const file = join(workingFolder, 'etc', 'gateway.json');
      writeFileSync(file, '{"libraries":{"folder":"own"}}');
      const options = { workingFolder, flags: [], file: 'etc/gateway.json' };
      expect(loadConfig({ ...options, environment: {} }).config.libraries.folder).toBe(
        join(workingFolder, 'etc', 'own'),
      );
      const environment = { FUNCOAP_LIBRARIES_FOLDER: 'a' };
      expect(loadConfig({ ...options, environment }).config.libraries.folder).toBe(join(workingFolder, 'a'));
    });
  });
});

test('FUNCOAP_CONFIG names the file, --config is stronger', () => {
  inFolder((workingFolder) => {
    writeFileSync(join(workingFolder, 'a.json'), '{"coap":{"port":1}}');
    writeFileSync(join(workingFolder, 'b.json'), '{"coap":{"port":2}}');
    const options = { workingFolder, environment: { FUNCOAP_CONFIG: 'a.json' }, flags: [] };
    expect(loadConfig({ ...options, file: undefined }).config.coap.port).toBe(1);
    const loaded = loadConfig({ ...options, file: 'b.json' });
    expect(loaded.config.coap.port).toBe(2);
    expect(loaded.file).toBe(join(workingFolder, 'b.json'));
  });
});

test('the configuration is frozen all the way down', () => {
  const { config } = load({ content: { profiles: [{ match: '10.0.0.1' }] } });
  for (const part of [config, config.coap, config.coap.listen, config.profiles, config.profiles[0]]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('durations and sizes are shown in one form however they were written', () => {
  const { entries } = load({ content: { coap: { leisure: 90, receiveBuffer: 2_097_152 } } });
  const values = Object.fromEntries(entries.map(({ path, value }) => [path, value]));
  expect(values['coap.leisure']).toBe('90s');
  expect(values['coap.receiveBuffer']).toBe('2MiB');
});

test('the effective values, written to a file, are the same configuration', () => {
  const first = load({ content: { coap: { port: 7 }, profiles: [{ match: '10.0.0.1', nstart: 2 }] } });
  const content: Record<string, unknown> = {};
  for (const { path, value } of first.entries) {
    const [section = '', key] = path.split('.');
    content[section] = key === undefined ? value : { ...Object(content[section]), [key]: value };
  }
  expect(load({ content }).config).toEqual(first.config);
});

describe('processes', () => {
  const threads = (content: object): readonly unknown[] => {
    const { config } = load({ content });
    return [config.workers.threads, config.workers.total];
  };
  const share = (processes: number): readonly number[] => [
    Math.max(2, Math.ceil(availableParallelism() / processes)),
    Math.max(8, Math.ceil((4 * availableParallelism()) / processes)),
  ];

  test('is one unless it is said; auto is one per processor where the port can be shared', () => {
    expect(load({}).config.processes).toBe(1);
    const { processes } = load({ environment: { FUNCOAP_PROCESSES: 'auto' } }).config;
    expect(processes).toBe('auto');
    expect(processCount(processes)).toBe(process.platform === 'linux' ? availableParallelism() : 1);
  });

  test('share the processors where the number of threads is not given', () => {
    expect(threads({})).toEqual(share(1));
    expect(threads({ processes: 2 })).toEqual(share(2));
    expect(threads({ processes: 200 })).toEqual([2, 8]);
    expect(threads({ processes: 200, workers: { threads: 7 } })).toEqual([7, 8]);
  });

  test.each(['0', '1.5', 'many', '-1', '1000'])('is not %s', (text) => {
    const flags = [{ flag: '--processes', path: 'processes', text }];
    expect(() => load({ flags })).toThrow('must be auto or a whole number from 1 to 256.');
  });
});
