/** Every registered option in every wrong shape: cut off, of no length, too long, given twice, in every method. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import {
  isCritical,
  optionDefinitions,
  optionNumber,
  sortOptions,
  stringOption,
  type Option,
} from '../../src/coap/codec/options.ts';
import { encodeMessage } from '../../src/coap/codec/rfc7252.ts';
import { Asker } from './asked.ts';
import { Stack } from './stack.ts';

let stack: Stack;
let asker: Asker;
beforeAll(async () => {
  stack = await Stack.open({ uniform: () => 0.5 });
  asker = new Asker(stack);
});
afterAll(() => stack.close());

const there: readonly Option[] = ['func', 'fuzz', 'nothing'].map((segment) =>
  stringOption(optionNumber.uriPath, segment),
);
const of = (number: number, length: number): Option => ({ number, value: new Uint8Array(length).fill(0x61) });
const registered = [...optionDefinitions].map(([number, definition]) => [definition.name, number, definition] as const);

describe.each(registered)('%s', (_, number, { minLength, maxLength, repeatable }) => {
  test('longer than it may be, or shorter: 4.02 where it is critical, else as if it were not there', async () => {
    const lengths = [maxLength + 1, maxLength + 13, maxLength + 300];
    if (minLength > 0) lengths.push(minLength - 1);
    for (const length of lengths) {
      for (const code of [method.GET, method.FETCH, method.POST]) {
        const answer = await asker.ask({ code, options: [...there, of(number, length)] });
        if (isCritical(number)) expect(answer).toBe('4.02');
        else expect(['2.05', '2.04', '4.22']).toContain(answer);
      }
    }
  });

  test('of each length it may have: an answer', async () => {
    for (let length = minLength; length <= Math.min(maxLength, 40); length++) {
      expect(await asker.ask({ code: method.FETCH, options: [...there, of(number, length)] })).toMatch(
        /^[245]\.|^ACK$/,
      );
    }
  });

  test('twice: 4.02 where it is critical and may stand once', async () => {
    const length = Math.max(minLength, Math.min(maxLength, 1));
    const options = [...there, of(number, length), of(number, length)];
    const answer = await asker.ask({ code: method.FETCH, options });
    if (isCritical(number) && !repeatable) expect(answer).toBe('4.02');
    else expect(answer).toMatch(/^[245]\.|^ACK$/);
    expect(await asker.ask({ code: method.FETCH, type: messageType.NON, options })).toMatch(/^[245]\.|^nothing$/);
  });

  test('a hundred times: an answer', async () => {
    const length = Math.max(minLength, Math.min(maxLength, 8));
    const options = [...there, ...new Array<Option>(100).fill(of(number, length))];
    expect(await asker.ask({ code: method.POST, options })).toMatch(/^[245]\.|^ACK$/);
  });

  test('cut off at each byte: a Reset wherever an option is cut in two', async () => {
    const options = sortOptions([...there, of(number, Math.min(maxLength, 20))]);
    const whole = encodeMessage({
      type: messageType.CON,
      code: method.FETCH,
      messageId: number,
      token: Uint8Array.of(number),
      options,
      payload: new Uint8Array(0),
    });
    const borders = new Set(
      options.map(
        (_option, at) =>
          encodeMessage({
            type: messageType.CON,
            code: method.FETCH,
            messageId: 0,
            token: Uint8Array.of(0),
            options: options.slice(0, at + 1),
            payload: new Uint8Array(0),
          }).length,
      ),
    );
    for (let end = 4; end < whole.length; end++) {
      const answer = await asker.send(whole.subarray(0, end));
      if (end === 5 || borders.has(end)) expect(answer).toMatch(/^[245]\.|^ACK$/);
      else expect(answer).toBe('RST');
    }
  });
});

test(
  'every number from 0 to 65535 that is not registered: 4.02 where it is odd, ignored where it is even',
  { timeout: 60_000 },
  async () => {
    for (let number = 0; number <= 65_535; number += number < 400 ? 1 : 97) {
      if (optionDefinitions.has(number)) continue;
      const answer = await asker.ask({ code: method.FETCH, options: [...there, of(number, 3)] });
      expect({ number, answer }).toEqual({ number, answer: isCritical(number) ? '4.02' : '2.05' });
    }
  },
);

test('tokens of each length: kept up to 64 bytes, 4.00 above (RFC 8974 §2.2.2), and 64,000 bytes do no harm to a response either', async () => {
  const path = [stringOption(optionNumber.uriPath, 'func')];
  for (const length of [0, 8, 9, 12, 13, 14, 64, 65, 268, 269, 270, 64_000]) {
    const token = new Uint8Array(length).fill(7);
    const request = encodeMessage({
      type: messageType.CON,
      code: method.GET,
      messageId: length,
      token,
      options: path,
      payload: new Uint8Array(0),
    });
    expect(await asker.send(request)).toBe(length <= 64 ? '2.05' : '4.00');
    const response = encodeMessage({
      type: messageType.CON,
      code: responseCode.content,
      messageId: length,
      token,
      options: [],
      payload: new Uint8Array(0),
    });
    expect(await asker.send(response)).toBe('RST');
  }
});
