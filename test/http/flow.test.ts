/** How answers that come one after the other are written. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, test, expect } from 'vitest';
import { writeFlow } from '../../src/http/flow.ts';
import type { DoorFlow } from '../../src/http/gateway-face.ts';
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
  const [answer] = (await once(get({ host: '127.0.0.1', port }), 'response')) as [IncomingMessage];
  let read = 0;
  for await (const part of answer) read += (part as Uint8Array).length;
  expect([read, await written]).toEqual([parts << 20, parts << 20]);
  expect(Math.max(...listeners)).toBeLessThanOrEqual(Math.min(...listeners) + 1);
});
