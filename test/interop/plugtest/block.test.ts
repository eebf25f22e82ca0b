/** TD_COAP_BLOCK against the plugtest server, by libcoap's coap-client. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { coapClient, missingCoapClient, optionOf, type CoapClientRun, type LoggedMessage } from './libcoap.ts';
import { lines } from './resources/fixed.ts';
import { openPlugtestServer, type PlugtestServer } from './server.ts';

const missing = missingCoapClient();
const largeBytes = 1280;

const optionsOf = (messages: readonly LoggedMessage[], name: string): (string | undefined)[] =>
  messages.map((message) => optionOf(message, name));

/** `0/M/64` … `19/_/64` */
const blocks = (bytes: number, size: number): string[] => {
  const count = Math.ceil(bytes / size);
  return Array.from({ length: count }, (_, num) => `${num}/${num < count - 1 ? 'M' : '_'}/${size}`);
};

describe('TD_COAP_BLOCK', () => {
  let server: PlugtestServer;
  let folder: string;
  let bodyFile: string;
  const body = lines(5).replaceAll('line', 'sent');

  const run = (path: string, ...args: readonly string[]): Promise<CoapClientRun> =>
    coapClient(`coap://127.0.0.1:${server.addresses[0]?.port}${path}`, ...args);
  /** Sends the body in blocks of 64. */
  const send = (path: string, method: string): Promise<CoapClientRun> =>
    run(path, '-m', method, '-t', '0', '-b', '64', '-f', bodyFile);

  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  beforeAll(async () => {
    server = await openPlugtestServer({ port: 0 });
    folder = mkdtempSync(join(tmpdir(), 'funcoap-plugtest-body-'));
    bodyFile = join(folder, 'body');
    writeFileSync(bodyFile, body);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await server.close();
  });

  test.each([
    ['01', 64],
    ['06', 16],
  ])('%s: GET /large comes in the %d bytes that were asked for first', async (_, size) => {
    const { received, body } = await run('/large', '-b', String(size));
    expect(received.every(({ type, code }) => type === 'ACK' && code === '2.05')).toBe(true);
    expect(optionsOf(received, 'Block2')).toEqual(blocks(largeBytes, size));
    expect(new Set(optionsOf(received, 'ETag')).size).toBe(1);
    expect(body).toHaveLength(largeBytes);
  });

  test('02: GET /large comes in blocks where none were asked for', async () => {
    const { messages, received, body } = await run('/large');
    expect(messages[0]?.options.some((option) => option.startsWith('Block2'))).toBe(false);
    expect(optionsOf(received, 'Block2')).toEqual(blocks(largeBytes, 256));
    expect(body).toHaveLength(largeBytes);
  });

  test('03: PUT /large-update in blocks is 2.31 for each but the last, then 2.04, and is there as a whole', async () => {
    const { received } = await send('/large-update', 'put');
    expect(received.map(({ code }) => code)).toEqual(['2.31', '2.31', '2.31', '2.31', '2.04']);
    expect(optionsOf(received, 'Block1')).toEqual(blocks(body.length, 64));
    expect((await run('/large-update')).body).toBe(body);
  });

  test('04: POST /large-create in blocks is 2.01, and the body is where Location-Path says', async () => {
    const { last } = await send('/large-create', 'post');
    expect(last.code).toBe('2.01');
    expect(optionOf(last, 'Block1')).toBe('4/_/64');
    const location = last.options.filter((option) => option.startsWith('Location-Path:'));
    expect(location).toHaveLength(2);
    const path = location.map((option) => option.replace('Location-Path:', '/')).join('');
    expect((await run(path)).body).toBe(body);
  });

  test('05: POST /large-post in blocks is 2.04 and is answered in blocks', async () => {
    const { received, body: answer } = await send('/large-post', 'post');
    const answers = received.filter(({ code }) => code !== '2.31');
    expect(answers.every(({ code }) => code === '2.04')).toBe(true);
    expect(optionOf(answers[0] ?? received[0] ?? fail(), 'Block1')).toBe('4/_/64');
    expect(optionsOf(answers, 'Block2').length).toBeGreaterThan(1);
    expect(answer).toBe(body.toUpperCase());
  });
});

function fail(): never {
  throw new Error('nothing was received');
}
