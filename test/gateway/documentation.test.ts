/** docs/on-the-air.md tells the truth: its requests are sent, its answers are compared. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optionNumber } from '../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { GatewayProcess, root } from './gateway-process.ts';
import { RawDevice } from './raw-device.ts';

interface Exchange {
  readonly heading: string;
  readonly request: Uint8Array;
  readonly response: Uint8Array | undefined;
}

/** Hexadecimal pairs at the start of each line; what follows two spaces is for people. */
const bytesIn = (block: string): Uint8Array =>
  Uint8Array.from(
    block
      .split('\n')
      .flatMap((line) => (/^(?:[\da-f]{2}(?: (?=[\da-f]{2}\b))?)*/.exec(line)?.[0] ?? '').split(' ').filter(Boolean)),
    (pair) => Number.parseInt(pair, 16),
  );

function exchangesIn(page: string): Exchange[] {
  return page.split(/^## /m).flatMap((section) => {
    const heading = section.split('\n', 1)[0] ?? '';
    const blocks = [...section.matchAll(/```(request|response)\n([^`]*)```/g)].map(([, kind = '', block = '']) => ({
      kind,
      bytes: bytesIn(block),
    }));
    return blocks.flatMap(({ kind, bytes }, at) => {
      const next = blocks[at + 1];
      return kind === 'request'
        ? [{ heading, request: bytes, response: next?.kind === 'response' ? next.bytes : undefined }]
        : [];
    });
  });
}

/** All but Max-Age above 0, which counts down, and ids that are random. */
function comparable(bytes: Uint8Array): Uint8Array {
  const message = decodeMessage(bytes);
  if (isMalformed(message)) throw new Error(message.malformed);
  const options = message.options.map((option) => {
    if (option.number === optionNumber.maxAge && option.value.length > 0)
      return { ...option, value: Uint8Array.of(0xff) };
    const isId = option.number === optionNumber.locationPath && option.value.length === 8;
    return isId ? { ...option, value: new Uint8Array(8) } : option;
  });
  return encodeMessage({ ...message, options });
}

const exchanges = exchangesIn(readFileSync(join(root, 'docs', 'on-the-air.md'), 'utf8'));

let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: 'shipped' });
});
afterAll(async () => gateway.stop());

describe('docs/on-the-air.md', () => {
  test('has requests and answers', () => {
    expect(exchanges.length).toBeGreaterThan(6);
  });

  test('every request gets the answer that stands there', async () => {
    const device = await RawDevice.open(gateway.port);
    for (const { heading, request, response } of exchanges) {
      device.sendBytes(request);
      if (response === undefined) continue;
      const answer = await device.nextBytes();
      expect([heading, comparable(answer)]).toEqual([heading, comparable(response)]);
    }
    // The last one is not answered: a ping that comes after it is.
    device.send({ code: 0 });
    expect((await device.next()).code).toBe(0);
    device.close();
  });

  test.each(exchanges.filter(({ heading }) => /\d+ bytes/.test(heading)))(
    '$heading: as many bytes as it says',
    ({ heading, request, response }) => {
      const sizes = [request.length, response?.length];
      const [first] = heading.match(/\d+(?= bytes)/) ?? [];
      const claimed = heading.includes('An error') || heading.includes('Asking again') ? sizes[1] : sizes[0];
      expect(claimed === undefined ? undefined : claimed - (heading.includes('and the token') ? 1 : 0)).toBe(
        Number(first),
      );
    },
  );
});
