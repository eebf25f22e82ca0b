import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { method } from '../../src/coap/codec/codes.ts';
import { stringOption, optionNumber, uintOption, type Option } from '../../src/coap/codec/options.ts';
import { channels } from '../../src/core/channels.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { Asker, isClearNo } from './asked.ts';
import { hostileBodies, hostileItems, hostilePaths } from './hostile.ts';
import { PollutionWatch } from './pollution.ts';
import { Stack } from './stack.ts';
import { processorTime } from '../processor-time.ts';

let stack: Stack;
let asker: Asker;
const pollution = new PollutionWatch();
beforeAll(async () => {
  stack = await Stack.open({ uniform: () => 0.5 });
  asker = new Asker(stack);
});
afterAll(async () => {
  pollution.check();
  await stack.close();
});

const path = (...segments: readonly string[]): Option[] =>
  segments.map((segment) => stringOption(optionNumber.uriPath, segment));
const add = path('func', 'fuzz', 'add');

test.each(hostilePaths.map((segments) => [JSON.stringify(segments.join('/')).slice(0, 60), segments] as const))(
  '4.04: %s',
  async (_, segments) => {
    for (const code of [method.GET, method.FETCH, method.POST]) {
      expect(await asker.ask({ code, options: path(...segments) })).toBe('4.04');
    }
  },
);

test('what a path says is not taken for a folder: no event of a library comes of it', async () => {
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  channels.library.subscribe(listen);
  try {
    for (const segments of hostilePaths) await asker.ask({ code: method.GET, options: path(...segments) });
  } finally {
    channels.library.unsubscribe(listen);
  }
  expect(events).toEqual([]);
});

test('a path that is not UTF-8 is 4.00', async () => {
  const options = [...path('func', 'fuzz'), { number: optionNumber.uriPath, value: Uint8Array.of(0xc0, 0xaf) }];
  expect(await asker.ask({ code: method.GET, options })).toBe('4.00');
});

test.each(
  hostileItems
    .filter((item) => utf8(item).length <= 255)
    .map((item) => [JSON.stringify(item).slice(0, 60), item] as const),
)('in the query of a call, 4.00 or 4.22: %s', async (_, item) => {
  const options = [...add, stringOption(optionNumber.uriQuery, item)];
  expect(['4.00', '4.22']).toContain(await asker.ask({ code: method.GET, options }));
});

describe('a body that is', () => {
  test.each(hostileBodies.map(({ name, bytes }) => [name, bytes] as const))('%s: 4.00 or 4.22', async (_, payload) => {
    for (const code of [method.FETCH, method.POST]) {
      const answer = await asker.ask({
        code,
        options: [...add, uintOption(optionNumber.contentFormat, contentFormat.cbor)],
        payload,
      });
      expect(['4.00', '4.22']).toContain(answer);
    }
    pollution.check();
  });

  test.each(hostileBodies.map(({ name, bytes }) => [name, bytes] as const))(
    '%s: no function that takes anything is broken by it',
    async (_, payload) => {
      const spent = processorTime();
      const answer = await asker.ask({ code: method.FETCH, options: path('func', 'fuzz', 'echo'), payload });
      expect(isClearNo(answer) || answer === '2.05').toBe(true);
      // 30 KB are read in milliseconds: nothing here may be quadratic.
      expect(spent()).toBeLessThan(1000);
      pollution.check();
    },
  );
});

test('a later block of an answer that was never asked for is 4.08', async () => {
  const options = [...path('func', 'fuzz', 'long'), uintOption(optionNumber.block2, 0x14)];
  expect(await asker.ask({ code: method.GET, options })).toBe('4.08');
});

test('`__proto__` as a name within arguments stays a name', async () => {
  for (const from of ['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}']) {
    const payload = utf8(`{"into":{"a":1},"from":${from}}`);
    const options = [...path('func', 'fuzz', 'merge'), uintOption(optionNumber.contentFormat, contentFormat.json)];
    expect(['2.05', '4.22']).toContain(await asker.ask({ code: method.FETCH, options, payload }));
  }
  pollution.check();
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test.each([
  ['10,000 arrays in one another', '['.repeat(10_000)],
  ['5,000 objects in one another', '{"a":'.repeat(5000)],
  ['a name twice', '{"a":1,"a":2}'],
  ['__proto__', '{"__proto__":{"polluted":true}}'],
  ['30,000 digits', '9'.repeat(30_000)],
  ['an exponent without end', '[1e99999]'],
  ['half a surrogate', '["\\ud800"]'],
  ['a comment', '[1,2]//'],
  ['NaN', '[NaN,1]'],
  ['a byte order mark', '\ufeff[1,2]'],
])('a JSON body that is %s: 4.00 or 4.22', async (_, text) => {
  const options = [...add, uintOption(optionNumber.contentFormat, contentFormat.json)];
  expect(['4.00', '4.22']).toContain(await asker.ask({ code: method.FETCH, options, payload: utf8(text) }));
  pollution.check();
});
