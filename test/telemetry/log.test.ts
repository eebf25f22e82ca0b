import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channels } from '../../src/core/channels.ts';
import { accessLine } from '../../src/telemetry/access-line.ts';
import { logEvents } from '../../src/telemetry/event-log.ts';
import { openLog, type LogOptions } from '../../src/telemetry/log.ts';
import { answered } from './events.ts';

/** The log of what `publish` does, as text. */
async function logged(publish: () => void, options: Partial<LogOptions> & { access?: boolean } = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-log-'));
  const file = join(folder, 'log');
  const fileDescriptor = openSync(file, 'w');
  try {
    const log = openLog({
      level: 'info',
      format: 'json',
      environment: {},
      timeOfDay: Date.now,
      fileDescriptor,
      ...options,
    });
    const events = logEvents(log, { shared: false, access: options.access ?? true });
    publish();
    events.close();
    await log.close();
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(fileDescriptor);
    rmSync(folder, { recursive: true });
  }
}

const records = (text: string): object[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);

/** CON GET /clock, MID 0x1234, token 01. */
const getClock = Uint8Array.of(0x41, 0x01, 0x12, 0x34, 0x01, 0xb5, 0x63, 0x6c, 0x6f, 0x63, 0x6b);

const job = {
  kind: 'job',
  target: 'a/b',
  peer: 'p',
  identity: 'local',
  problem: undefined,
  correlationId: 'c',
} as const;
const library = { library: 'date', functions: 1, message: undefined };

describe('the access log', () => {
  test('has one JSON line per request with peer, function, code, bytes, cache state and times', async () => {
    const text = await logged(() => {
      channels.request.publish(answered());
      channels.request.publish(
        answered({
          code: '5.04',
          problem: 'time-limit',
          cache: 'miss',
          queuedMs: 1.5,
          ranMs: 200.1234567,
          totalMs: 202,
        }),
      );
    });
    expect(records(text)).toEqual([
      { level: 'info', time: expect.any(Number), event: 'request', ...answered(), problem: undefined },
      expect.objectContaining({ code: '5.04', problem: 'time-limit', queuedMs: 1.5, ranMs: 200.123 }),
    ]);
  });

  test('can be turned off, and then nobody subscribes', async () => {
    const text = await logged(
      () => {
        expect(channels.request.hasSubscribers).toBe(false);
        channels.request.publish(answered());
      },
      { access: false },
    );
    expect(text).toBe('');
  });

  test('has the jobs, and none of what peers open and close as they like', async () => {
    const text = await logged(() => {
      channels.ongoing.publish({ ...job, state: 'refused', problem: 'overloaded' });
      channels.ongoing.publish({ ...job, kind: 'watch', state: 'opened' });
    });
    expect(records(text)).toEqual([
      {
        level: 'info',
        time: expect.any(Number) as number,
        event: 'job',
        state: 'refused',
        target: 'a/b',
        peer: 'p',
        identity: 'local',
        correlationId: 'c',
        problem: 'overloaded',
        msg: 'a job refused: overloaded',
      },
    ]);
    expect(await logged(() => channels.ongoing.publish({ ...job, state: 'started' }), { access: false })).toBe('');
  });

  test('is off where the level hides it', async () => {
    await logged(
      () => {
        expect(channels.request.hasSubscribers).toBe(false);
      },
      { level: 'warn' },
    );
  });

  test('is valid JSON whatever a peer sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (target, peer) => {
        const parsed: unknown = JSON.parse(accessLine(answered({ target, peer }), 0));
        expect(parsed).toMatchObject({ target, peer });
      }),
    );
    const hostile = 'x","code":"2.05\n\u001b[2J\u2028\ud800';
    expect(JSON.parse(accessLine(answered({ target: hostile }), 0))).toMatchObject({ target: hostile });
  });
});

describe('the level says who must act', () => {
  test.each<[string, () => void, string, string]>([
    [
      'a failed function',
      () =>
        channels.functionFailed.publish({
          target: 'a/b',
          problem: 'function-failed',
          message: 'boom',
          stack: 'at x',
          correlationId: 'c',
        }),
      'error',
      'boom',
    ],
    ['a loaded library', () => channels.library.publish({ ...library, state: 'loaded' }), 'info', 'library loaded'],
    [
      'a library that does not load',
      () => channels.library.publish({ ...library, functions: 0, state: 'failed', message: 'index.ts:3: no end.' }),
      'error',
      'date does not load: index.ts:3: no end.',
    ],
    [
      'an edit that does not load, of a library that did',
      () => channels.library.publish({ ...library, state: 'failed', message: 'index.ts:3: no end.' }),
      'error',
      'the edit of date does not load: index.ts:3: no end. The version before it serves.',
    ],
    [
      'a library that was removed',
      () => channels.library.publish({ ...library, state: 'removed' }),
      'info',
      'library removed',
    ],
    [
      'a library without ids',
      () => channels.library.publish({ ...library, state: 'unlocked' }),
      'warn',
      'library served without compact ids for new functions',
    ],
    ['a socket error', () => channels.transport.publish({ kind: 'socket-error', message: 'gone' }), 'error', 'gone'],
    [
      'a small receive buffer',
      () => channels.transport.publish({ kind: 'receive-buffer', message: 'sysctl' }),
      'warn',
      'sysctl',
    ],
    ['a job', () => channels.ongoing.publish({ ...job, state: 'started' }), 'info', 'a job started'],
    [
      'a job that failed',
      () => channels.ongoing.publish({ ...job, state: 'ended', problem: 'time-limit' }),
      'info',
      'a job ended: time-limit',
    ],
    [
      'a stream',
      () => channels.ongoing.publish({ ...job, kind: 'stream', state: 'opened' }),
      'debug',
      'a stream opened',
    ],
    [
      'a failed send',
      () => channels.transport.publish({ kind: 'send-failed', message: 'EHOSTUNREACH' }),
      'debug',
      'EHOSTUNREACH',
    ],
    [
      'what a library prints',
      () => channels.libraryPrinted.publish({ library: 'a', stream: 'stdout', text: 'hello\n' }),
      'info',
      'hello',
    ],
    [
      'what a library prints as an error',
      () => channels.libraryPrinted.publish({ library: 'a', stream: 'stderr', text: 'oh\n' }),
      'warn',
      'oh',
    ],
  ])('%s', async (_what, publish, level, msg) => {
    expect(records(await logged(publish, { level: 'debug' }))).toEqual([expect.objectContaining({ level, msg })]);
  });

  test('messages with their bytes are debug, and nobody subscribes above it', async () => {
    const publish = (): void => {
      channels.message.publish({ direction: 'in', peer: '[::1]:5', bytes: getClock });
      channels.message.publish({ direction: 'in', peer: '[::1]:5', bytes: Uint8Array.of(0x4f, 0, 0, 0) });
    };
    const [first, second] = records(await logged(publish, { level: 'debug' }));
    expect(first).toMatchObject({ direction: 'in', bytes: '4101123401b5636c6f636b' });
    expect(first).toMatchObject({ msg: 'CON 0.01 GET, MID 4660, token 01; Uri-Path: "clock"' });
    expect(second).toMatchObject({ bytes: '4f000000' });
    await logged(() => {
      expect(channels.message.hasSubscribers).toBe(false);
    });
  });

  test('a library that prints a megabyte makes a short line', async () => {
    const text = await logged(() => {
      channels.libraryPrinted.publish({ library: 'a', stream: 'stdout', text: 'x'.repeat(1_000_000) });
    });
    expect(text.length).toBeLessThan(5000);
  });
});

describe('the readable form', () => {
  const options = { format: 'pretty' } as const;

  test('is one line', async () => {
    const text = await logged(() => {
      channels.request.publish(answered());
      channels.request.publish(
        answered({ code: '5.04', problem: 'time-limit', cache: 'miss', queuedMs: 1.5, ranMs: 200, totalMs: 202 }),
      );
      channels.library.publish({ ...library, state: 'loaded' });
    }, options);
    const lines = text.split('\n').map((line) => line.replace(/^[\d:.]{12} /, ''));
    expect(lines).toEqual([
      'info  FETCH oslist/list 2.05 hit 39 → 412 B, 0.31 ms, 127.0.0.1:49152',
      'info  FETCH oslist/list 5.04 time-limit miss 39 → 412 B, 202 ms (queued 1.50 ms, ran 200 ms), 127.0.0.1:49152',
      'info  library loaded library=date functions=1',
      '',
    ]);
  });

  test('shows a traceback below its sentence, and no empty line after it', async () => {
    const failed = { target: 'a/b', problem: 'function-failed', message: 'm', correlationId: 'c' };
    const text = await logged(
      () => channels.functionFailed.publish({ ...failed, stack: 'Traceback:\n  at a\n' }),
      options,
    );
    expect(text).toMatch(/ error m target=a\/b .*\n {4}Traceback:\n {6}at a\n$/);
  });

  test('lets nothing through that drives a terminal', async () => {
    const text = await logged(() => {
      channels.request.publish(answered({ target: '\u001b[2Jx\r\n\u202e' }));
      channels.libraryPrinted.publish({ library: 'a', stream: 'stdout', text: '\u001b]0;title\u0007' });
      channels.functionFailed.publish({
        target: 'a',
        problem: 'p',
        message: 'm\u001b[1m',
        stack: 'a\u001b\nb',
        correlationId: 'c',
      });
    }, options);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('has no colour where there is no terminal', async () => {
    expect(await logged(() => channels.request.publish(answered()), options)).not.toContain('\u001b');
  });
});

test('a process that ends by an exception has written its lines', () => {
  const script = `
    import { openLog } from ${JSON.stringify(new URL('../../src/telemetry/log.ts', import.meta.url).href)};
    const log = openLog({ level: 'info', format: 'json', fileDescriptor: 1, environment: {}, timeOfDay: Date.now });
    log.logger.info('last words');
    throw new Error('end');`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stdout).toContain('last words');
});

describe('of one process of several', () => {
  const publish = (): void => {
    channels.request.publish(answered());
    channels.libraryPrinted.publish({ library: 'date', stream: 'stdout', text: 'hello' });
  };

  test('every line has its number', async () => {
    const lines = records(await logged(publish, { process: 3 }));
    expect(lines).toMatchObject([
      { process: 3, event: 'request' },
      { process: 3, event: 'printed' },
    ]);
    expect(records(await logged(publish)).some((line) => 'process' in line)).toBe(false);
  });

  test('so has every line for people, coloured where the supervisor says that they look on', async () => {
    const plain = await logged(publish, { process: 3, format: 'pretty', isTerminal: false });
    expect(plain.split('\n').filter((line) => / process[ =]3/.test(line))).toHaveLength(2);
    expect(plain).not.toContain('\u001B[');
    expect(await logged(publish, { process: 3, format: 'auto', isTerminal: true })).toContain('\u001B[');
  });
});
