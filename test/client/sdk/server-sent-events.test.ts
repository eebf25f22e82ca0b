/** Server-sent events from whatever parts they come in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEvents, type ServerSentEvent } from '../../../src/client/sdk/server-sent-events.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { processorTime } from '../../processor-time.ts';

async function* partsOf(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array, void> {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  for (const [index, place] of places.entries()) yield await Promise.resolve(bytes.subarray(place, places[index + 1]));
}

async function read(parts: AsyncIterable<Uint8Array>, maxLength = 1000): Promise<ServerSentEvent[]> {
  const got: ServerSentEvent[] = [];
  for await (const event of readEvents(parts, maxLength, () => new RangeError('too long'))) got.push(event);
  return got;
}

const body = utf8(
  ': begins\r\n\r\nid: 1\ndata: ä\ndata: b\n\nevent: end\r\ndata:{"count":1}\r\n\r\n\n\ndata: mixed\r\n\nid: lost',
);
const events = [
  { event: '', id: '1', data: 'ä\nb' },
  { event: 'end', id: undefined, data: '{"count":1}' },
  { event: '', id: undefined, data: 'mixed' },
];

test('events are the same wherever their bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), async (cuts) => {
      expect(await read(partsOf(body, cuts))).toEqual(events);
    }),
  );
});

test('one that is too long is given up', async () => {
  await expect(read(partsOf(utf8(`data: ${'x'.repeat(1000)}`), [7]))).rejects.toThrow('too long');
});

test('a long event in small parts is not looked at anew with each of them', async () => {
  const size = 1 << 21;
  const small = (async function* () {
    for (let sent = 0; sent < size; sent += 16) yield await Promise.resolve(utf8('x'.repeat(16)));
  })();
  const spent = processorTime();
  await expect(read(small, size - 1)).rejects.toThrow('too long');
  expect(spent()).toBeLessThan(5000);
});
