/** What a client cannot do to the door: hold it, flood it, put words into its mouth; and that a client who leaves stops its call. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { channels, type OngoingChanged, type RequestAnswered } from '../../src/core/channels.ts';
import type { Scheduler } from '../../src/core/clock.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { openDoors, type Doors, type OpenDoor } from './doors.ts';
import { ask, post } from './gateway.ts';

const libraries = {
  'slow/index.ts': `import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
    import { context, fn, z } from 'funcoap/library';
    /** @safe */ export function quick(): string { return 'quick'; }
    export async function wait(folder: string): Promise<string> {
      const { signal } = context();
      writeFileSync(folder + '/began', '');
      return await new Promise((resolve) => {
        signal.addEventListener('abort', () => { writeFileSync(folder + '/aborted', ''); resolve('aborted'); });
        setInterval(() => { if (existsSync(folder + '/go')) resolve('done'); }, 10).unref();
      });
    }
    /** @pure */ export async function slowly(n: number): Promise<number> { return await new Promise((resolve) => setTimeout(resolve, 100, n)); }
    export async function rest(): Promise<string> { return await new Promise((resolve) => setTimeout(resolve, 700, 'done')); }
    /** @safe */ export async function* items(): AsyncGenerator<number> { yield 1; await new Promise(() => {}); }
    /** @safe */ export function* large(count: string): Generator<string> {
      for (let i = 0; i < 1_500; i++) { appendFileSync(count, '.'); yield 'x'.repeat(100_000); }
    }
    /** @safe */ export function long(): string { return 'x'.repeat(12_000_000); }
    /** @pure @maxAge 1h */ export function constant(): number { return 1; }
    export const limited = fn({ timeLimit: 50 }, () => new Promise(() => {}));`,
};

/** Threads start anew after some tests, and machines are busy. */
const patiently = { interval: 10, timeout: 15_000 };

let doors: Doors;
let folder: string;
beforeAll(async () => {
  doors = await openDoors(libraries);
  folder = mkdtempSync(join(tmpdir(), 'funcoap-limits-'));
});
afterAll(async () => {
  await doors.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => doors.closeOpened());

const impatient = {
  headers: milliseconds(100),
  request: milliseconds(200),
  keepAlive: milliseconds(100),
  idle: milliseconds(300),
  lookEvery: milliseconds(20),
};

async function socketTo({ url }: OpenDoor, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** The head of an answer has come. */
async function follow(url: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  const made = request(url, { headers, agent: false }).end();
  // Both tell how the connection ends.
  made.on('error', () => undefined);
  const [answer] = (await once(made, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  return answer;
}

/** All that comes until the other end closes. */
async function untilClosed(socket: Socket, text = ''): Promise<string> {
  let heard = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    heard += part;
  });
  const closed = once(socket, 'close');
  if (text !== '') socket.write(text);
  await closed;
  return heard;
}

const head = (line: string, ...headers: readonly string[]): string => [line, ...headers, '', ''].join('\r\n');

describe('slow clients', () => {
  test.each([
    ['headers that never end', 'GET /frmlist HTTP/1.1\r\nHost: localhost\r\nX-', '408'],
    [
      'a body that never comes',
      head('POST /func/slow/quick HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 9'),
      '408',
    ],
    ['nothing at all', '', '408'],
  ])('%s: the connection ends', async (_, text, status) => {
    expect(await untilClosed(await socketTo(await doors.open({ patience: impatient })), text)).toMatch(
      `HTTP/1.1 ${status} `,
    );
  });
  test('a connection that is kept ends when nothing more is asked', async () => {
    const socket = await socketTo(await doors.open({ patience: impatient }));
    const heard = await untilClosed(socket, head('GET /frmlist HTTP/1.1', 'Host: localhost'));
    expect(heard).toContain('{"frameworks":["slow"]}');
  });
  test('who waits for a function longer than that is not cut off', async () => {
    const { url } = await doors.open({ patience: impatient });
    expect((await ask(`${url}/func/slow/rest`, { method: 'POST' })).json).toBe('done');
  });
});

describe('who asks whether to send its body', () => {
  const asking = (line: string, ...headers: readonly string[]): string =>
    head(line, 'Host: localhost', 'Content-Type: application/json', 'Expect: 100-continue', ...headers);
  test.each([
    [
      'is let in by no Host',
      '403',
      head('POST /func/slow/quick HTTP/1.1', 'Host: evil.example', 'Expect: 100-continue', 'Content-Length: 2'),
    ],
    [
      'says who it is, and is nobody',
      '401',
      asking('POST /func/slow/quick HTTP/1.1', 'Authorization: Bearer x', 'Content-Length: 2'),
    ],
    ['asks for what is not there', '404', asking('POST /nowhere HTTP/1.1', 'Content-Length: 2')],
    ['has one that is too long', '413', asking('POST /func/slow/quick HTTP/1.1', 'Content-Length: 99999999')],
  ])('and %s is told that, and not to send it', async (_, status, text) => {
    const heard = await untilClosed(await socketTo(await doors.open()), text);
    expect(heard).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\r\nconnection: close\r\n`, 'i'));
  });
  test('and speaks HTTP/1.0 has its answer alone', async () => {
    const asked = asking('POST /func/slow/quick HTTP/1.0', 'Content-Length: 2');
    expect(await untilClosed(await socketTo(await doors.open()), `${asked}[]`)).toMatch(/^HTTP\/1.1 200 OK/);
  });
  test('is told to, and answered', async () => {
    const socket = await socketTo(await doors.open());
    for (let time = 1; time <= 3; time++) {
      socket.write(asking('POST /func/slow/quick HTTP/1.1', 'Content-Length: 2'));
      const [told] = (await once(socket, 'data')) as [Buffer];
      expect(String(told)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
      socket.write('[]');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(String(answer)).toContain('HTTP/1.1 200 OK');
      // As others ask, so that it is remembered.
      socket.write(
        `${head('POST /func/slow/quick HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 2')}[]`,
      );
      expect(String(await once(socket, 'data'))).toContain('HTTP/1.1 200 OK');
    }
    socket.destroy();
  });
});

describe('many', () => {
  test('connections beyond the limit are closed', async () => {
    const door = await doors.open({ maxConnections: 2 });
    const sockets = [await socketTo(door), await socketTo(door)];
    expect(await untilClosed(await socketTo(door), head('GET /frmlist HTTP/1.1', 'Host: localhost'))).toBe('');
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(async () => expect((await ask(`${door.url}/frmlist`)).status).toBe(200), patiently);
  });
  test('of the connections of one address the longest silent makes room for one that asks', async () => {
    const door = await doors.open({ maxConnections: 100, maxConnectionsPerPeer: 2 });
    const asked = head('GET /frmlist HTTP/1.1', 'Host: localhost');
    const kept = [await socketTo(door, '127.0.0.2'), await socketTo(door), await socketTo(door)];
    for (const socket of kept) {
      socket.write(asked);
      await once(socket, 'data');
    }
    const closed = kept.map((socket) => once(socket, 'close'));
    const heard = untilClosed(
      await socketTo(door),
      head('GET /frmlist HTTP/1.1', 'Host: localhost', 'Connection: close'),
    );
    expect(await heard).toContain('200 OK');
    await closed[1];
    expect(kept.map(({ destroyed }) => destroyed)).toEqual([false, true, false]);
    for (const socket of kept) socket.destroy();
  });
  test('connections of one address are so many, and leave room for another', async () => {
    const door = await doors.open({ maxConnections: 100, maxConnectionsPerPeer: 2 });
    const sockets = [await socketTo(door), await socketTo(door)];
    const asked = head('GET /frmlist HTTP/1.1', 'Host: localhost', 'Connection: close');
    expect(await untilClosed(await socketTo(door), asked)).toBe('');
    expect(await untilClosed(await socketTo(door, '127.0.0.2'), asked)).toContain('200 OK');
    sockets[0]?.destroy();
    await vi.waitFor(async () => expect(await untilClosed(await socketTo(door), asked)).toContain('200 OK'), patiently);
    sockets[1]?.destroy();
  });
  test('a connection on which nobody asks anything makes room for another', async () => {
    const door = await doors.open({ maxConnections: 2 });
    const kept = [await socketTo(door), await socketTo(door)];
    for (const socket of kept) {
      socket.write(head('GET /frmlist HTTP/1.1', 'Host: localhost'));
      await once(socket, 'data');
    }
    await vi.waitFor(async () => expect((await ask(`${door.url}/frmlist`)).status).toBe(200), patiently);
    for (const socket of kept) socket.destroy();
  });
  test('an answer that is being read does not make room', async () => {
    const door = await doors.open({ maxConnections: 1 });
    const reader = await socketTo(door);
    reader.pause();
    let [bytes, answered] = [0, false];
    const listen = (event: unknown): void => {
      answered ||= (event as RequestAnswered).target === 'slow/long';
    };
    channels.request.subscribe(listen);
    reader.write(head('GET /func/slow/long HTTP/1.1', 'Host: localhost'));
    // All of it was given to the connection, which has taken a part.
    await vi.waitFor(() => expect(answered).toBe(true), patiently);
    expect(await untilClosed(await socketTo(door), head('GET /frmlist HTTP/1.1', 'Host: localhost'))).toBe('');
    reader.on('data', (part: Buffer) => (bytes += part.length)).resume();
    await vi.waitFor(() => expect(bytes).toBeGreaterThan(12_000_000), { ...patiently, timeout: 5_000 });
    channels.request.unsubscribe(listen);
    reader.destroy();
  });
  test.runIf(existsSync('/proc/net/tcp'))('the kernel looks whether a silent client is still there', async () => {
    const door = await doors.open();
    const socket = await socketTo(door);
    const port = (number: string | number): string => Number(number).toString(16).toUpperCase().padStart(4, '0');
    const [own, theirs] = [port(new URL(door.url).port), port(socket.localPort ?? 0)];
    // proc(5): of the timers `02` is that of keepalive.
    const row = new RegExp(String.raw`:${own} \w+:${theirs} 01 \w+:\w+ (\w\w):`);
    const timer = (): string | undefined => row.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1];
    await vi.waitFor(() => expect(timer()).toBe('02'), patiently);
    socket.destroy();
  });
  test('requests beyond the rate are 429 with Retry-After, over however many connections', async () => {
    const { url } = await doors.open({ rate: { perSecond: 0.1, burst: 2, loopback: true } });
    const answers = [await ask(`${url}/frmlist`), await ask(`${url}/frmlist`), await ask(`${url}/frmlist`)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.problem).toBe('rate-exceeded');
    expect(Number(answers[2]?.headers['retry-after'])).toBeGreaterThan(5);
  });
  test('headers beyond 16 KiB are 431', async () => {
    const socket = await socketTo(await doors.open());
    const heard = await untilClosed(
      socket,
      head('GET /frmlist HTTP/1.1', 'Host: localhost', `X-Long: ${'x'.repeat(17_000)}`),
    );
    expect(heard).toMatch(/^HTTP\/1\.1 431 /);
  });
  test('a body without a length is cut off at the limit, too', async () => {
    const { url } = await doors.open({ maxBodyBytes: 1000 });
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const answer = await ask(`${url}/func/slow/wait`, { method: 'POST', headers, body: `"${'x'.repeat(2000)}"` });
    expect([answer.status, answer.problem]).toEqual([413, 'too-large']);
  });
});

describe('events that do not come', () => {
  const events = { accept: 'text/event-stream' };

  /** A clock that knows for how long somebody waits by it. */
  function watchedClock(): {
    readonly clock: ManualScheduler;
    readonly scheduler: Scheduler;
    readonly spans: Set<number>;
  } {
    // Functions run by the system's clock.
    const clock = new ManualScheduler(systemScheduler.now());
    const spans = new Set<number>();
    const after: Scheduler['after'] = (span, fire) => {
      spans.add(span);
      const stop = clock.after(span, () => {
        spans.delete(span);
        fire();
      });
      return () => {
        spans.delete(span);
        stop();
      };
    };
    return { clock, scheduler: { now: () => clock.now(), after }, spans };
  }
  const commentEvery = milliseconds(15_000);

  test.each(['items', 'constant'])(
    '%s: a comment every 15 seconds keeps proxies from ending the connection',
    async (name) => {
      const { clock, scheduler, spans } = watchedClock();
      const { url } = await doors.open({ scheduler });
      const answer = await follow(`${url}/func/slow/${name}`, events);
      let heard = '';
      answer.setEncoding('utf8').on('data', (text: string) => (heard += text));
      const next = async (text: string): Promise<void> => {
        await vi.waitFor(() => expect(heard).toBe(text), patiently);
        heard = '';
      };
      await vi.waitFor(() => expect(heard).toMatch(/^id: \w+\ndata: 1\n\n$/), patiently);
      heard = '';
      clock.advance(commentEvery);
      await next(':\n\n');
      clock.advance(milliseconds(commentEvery - 1));
      clock.advance(milliseconds(1));
      await next(':\n\n');
      expect(spans).toContain(commentEvery);
      answer.destroy();
      await vi.waitFor(() => expect(spans).not.toContain(commentEvery), patiently);
    },
  );

  test('HEAD is the head alone, and nobody reads the stream', async () => {
    const { url } = await doors.open();
    const made = join(mkdtempSync(join(folder, 'head-')), 'count');
    // In lines the first one comes before the head.
    const { status, headers, text } = await ask(`${url}/func/slow/large?count=${encodeURIComponent(made)}`, {
      method: 'HEAD',
    });
    expect([status, headers['content-type'], text]).toEqual([200, 'application/x-ndjson', '']);
    expect(existsSync(made)).toBe(false);
  });

  test('who does not read is not written to: items are made as they are taken', async () => {
    const { url } = await doors.open();
    const made = join(mkdtempSync(join(folder, 'made-')), 'count');
    const answer = await follow(`${url}/func/slow/large?count=${encodeURIComponent(made)}`, events);
    answer.pause();
    const count = (): number => (existsSync(made) ? statSync(made).size : 0);
    let before = -1;
    await vi.waitUntil(
      () => {
        const isStill = before > 0 && before === count();
        before = count();
        return isStill;
      },
      { timeout: 15_000, interval: 200 },
    );
    // Of a hundred and fifty megabytes what sockets hold.
    expect(before).toBeLessThan(1_000);
    answer.destroy();
  });

  test('lines have no comments', async () => {
    const { scheduler, spans } = watchedClock();
    const { url } = await doors.open({ scheduler });
    const answer = await follow(`${url}/func/slow/items`, { accept: 'application/x-ndjson' });
    await once(answer, 'data');
    expect(spans).not.toContain(commentEvery);
    answer.destroy();
  });

  test('who follows a result and leaves is in the access log', async () => {
    const told: string[] = [];
    const listen = (event: unknown): void => {
      const { correlationId, target, code } = event as RequestAnswered;
      if (correlationId === 'follower') told.push(`${target} ${code}`);
    };
    channels.request.subscribe(listen);
    const { url } = await doors.open();
    const answer = await follow(`${url}/func/slow/constant`, { ...events, 'x-request-id': 'follower' });
    await once(answer, 'data');
    expect(told).toEqual([]);
    answer.destroy();
    await vi.waitFor(() => expect(told).toEqual(['slow/constant 200']), patiently);
    channels.request.unsubscribe(listen);
  });
});

describe('words that are none', () => {
  test.each([
    ['no Host', head('GET /frmlist HTTP/1.1'), 400],
    ['an empty Host', head('GET /frmlist HTTP/1.1', 'Host:', 'Connection: close'), 403],
    ['HTTP/1.0 without Host', head('GET /frmlist HTTP/1.0'), 403],
    ['no HTTP', 'hello\r\n\r\n', 400],
    [
      'a length and chunks',
      head('POST /f HTTP/1.1', 'Host: localhost', 'Content-Length: 1', 'Transfer-Encoding: chunked'),
      400,
    ],
    ['two Hosts', head('GET /frmlist HTTP/1.1', 'Host: localhost', 'host: localhost'), 400],
    ['two lengths', head('POST /f HTTP/1.1', 'Host: localhost', 'Content-Length: 1', 'Content-Length: 2'), 400],
  ])('%s', async (_, text, status) => {
    const heard = await untilClosed(await socketTo(await doors.open()), text);
    expect(heard).toMatch(`HTTP/1.1 ${status} `);
    // Node itself refuses who says no Host, without a word.
    if (text.includes('\r\nHost') || text.includes('1.0')) expect(heard).toContain('application/problem+json');
  });
  test('what comes in the middle of an answer ends it, and is not answered in it', async () => {
    const socket = await socketTo(await doors.open());
    const heard = untilClosed(socket, head('GET /func/slow/items HTTP/1.1', 'Host: localhost'));
    await once(socket, 'data');
    socket.write('no request\r\n\r\n');
    expect((await heard).match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
  test('nothing of a request becomes a header of its answer', async () => {
    const { url } = await doors.open();
    const path = '/func/slow/%0d%0aset-cookie:%20a=b';
    const { status, headers } = await ask(url + path, { headers: { 'x-request-id': 'a\tb' } });
    expect(status).toBe(404);
    expect(Object.keys(headers).sort()).toEqual(
      ['cache-control', 'connection', 'content-length', 'content-type', 'date', 'x-request-id'].sort(),
    );
    expect(headers['x-request-id']).toMatch(/^h[\da-z]+$/);
  });
});

describe('time', () => {
  test('a function that runs out of it is 504', async () => {
    const { url } = await doors.open();
    const { status, problem } = await ask(`${url}/func/slow/limited`, { method: 'POST' });
    expect([status, problem]).toEqual([504, 'time-limit']);
  });
  test('a client that leaves stops its call', async () => {
    const { url } = await doors.open();
    const own = mkdtempSync(join(folder, 'left-'));
    const made = request(`${url}/func/slow/wait`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    made.on('error', () => undefined);
    made.end(JSON.stringify([own]));
    await vi.waitFor(() => expect(existsSync(join(own, 'began'))).toBe(true), patiently);
    made.destroy();
    await vi.waitFor(() => expect(existsSync(join(own, 'aborted'))).toBe(true), patiently);
  });
  test('a client that has left before its result is there follows nothing', async () => {
    const told: string[] = [];
    const listen = (event: unknown): void => {
      const { kind, state } = event as OngoingChanged;
      told.push(`${kind} ${state}`);
    };
    channels.ongoing.subscribe(listen);
    const door = await doors.open();
    const socket = await socketTo(door);
    socket.write(head('GET /func/slow/slowly?n=1 HTTP/1.1', 'Host: localhost', 'Accept: text/event-stream'));
    await vi.waitFor(() => expect(door.door.pending).toBe(1), { ...patiently, interval: 0 });
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(told).toEqual(['watch opened', 'watch ended']), { ...patiently, timeout: 5_000 });
    channels.ongoing.unsubscribe(listen);
  });
  test('a gateway that stops answers what is under way, and 503 to all else', async () => {
    const { url, calls, door } = await doors.open();
    const own = mkdtempSync(join(folder, 'stop-'));
    const waiting = post(`${url}/func/slow/wait`, [own]);
    await vi.waitFor(() => expect(existsSync(join(own, 'began'))).toBe(true), patiently);
    calls.close();
    const { status, problem, headers } = await ask(`${url}/func/slow/quick`);
    expect([status, problem, headers['retry-after']]).toEqual([503, 'not-ready', '5']);
    door.stopAccepting();
    await expect(ask(`${url}/frmlist`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(door.pending).toBe(1);
    writeFileSync(join(own, 'go'), '');
    expect((await waiting).json).toBe('done');
    await vi.waitFor(() => expect(door.pending).toBe(0), patiently);
  });
});
