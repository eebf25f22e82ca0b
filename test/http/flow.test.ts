/** How answers that come one after the other are written. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { writeFlow } from '../../src/http/flow.ts';
import type { DoorFlow } from '../../src/http/gateway-face.ts';
import { seconds } from '../../src/core/duration.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';

test('a consumer that is slow again and again costs no more than one that was slow once', async () => {
  const parts = 40;
  const bytes = new Uint8Array(1 << 20).fill(0x61);
  const listeners: number[] = [];
  let written: Promise<number> | undefined;
  const server = createServer((_, answer: ServerResponse) => {
    let count = 0;
    const flow: DoorFlow = {
      form: 'sequence',
      count: undefined,
      tag: undefined,
      next: async () => {
        listeners.push(answer.listenerCount('close') + answer.listenerCount('drain') + answer.listenerCount('error'));
        return await Promise.resolve(count++ < parts ? { id: `${count}`, bytes } : undefined);
      },
      leave: () => undefined,
    };
    written = writeFlow(answer, flow, undefined, new ManualScheduler()).finally(() => answer.end());
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = get({ host: '127.0.0.1', port }).on('error', () => undefined);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let read = 0;
  for await (const part of answer) read += (part as Uint8Array).length;
  expect([read, await written]).toEqual([parts << 20, parts << 20]);
  expect(Math.max(...listeners)).toBeLessThanOrEqual(Math.min(...listeners) + 1);
});

describe('a comment keeps events alive that nothing comes of for 15 seconds', () => {
  /** What was answered, which is not read yet, by a flow that gives one part and then nothing. */
  const answered = async (
    bytes: Uint8Array,
  ): Promise<{ server: ServerResponse; client: IncomingMessage; clock: ManualScheduler }> => {
    const clock = new ManualScheduler();
    const parts = [{ id: '0', bytes }];
    const flow: DoorFlow = {
      form: 'events',
      count: undefined,
      tag: undefined,
      next: async () => parts.shift() ?? (await Promise.withResolvers<never>().promise),
      leave: () => undefined,
    };
    const { promise, resolve } = Promise.withResolvers<ServerResponse>();
    const server = createServer((_, answer: ServerResponse) => {
      answer.flushHeaders();
      void writeFlow(answer, flow, undefined, clock);
      resolve(answer);
    });
    server.listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const asked = get({ host: '127.0.0.1', port }).on('error', () => undefined);
    const [client] = (await once(asked, 'response')) as [IncomingMessage];
    client.on('error', () => undefined);
    return { server: await promise, client, clock };
  };

  test('each time', async () => {
    const { client, clock } = await answered(new Uint8Array(1).fill(0x31));
    let text = '';
    client.setEncoding('utf8').on('data', (part: string) => (text += part));
    await expect.poll(() => text).toBe('id: 0\ndata: 1\n\n');
    clock.advance(seconds(14.9));
    clock.advance(seconds(0.1));
    await expect.poll(() => text).toBe('id: 0\ndata: 1\n\n:\n\n');
    clock.advance(seconds(15));
    await expect.poll(() => text).toMatch(/(?::\n\n){2}$/);
  });

  test('but is not written for who does not read, in whose way it would pile up', async () => {
    const { server, clock } = await answered(new Uint8Array(32 << 20).fill(0x61));
    await expect.poll(() => server.writableNeedDrain).toBe(true);
    const write = vi.spyOn(server, 'write');
    for (let i = 0; i < 10; i++) clock.advance(seconds(15));
    expect(write).not.toHaveBeenCalled();
  });
});
