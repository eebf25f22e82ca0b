import { expect, test } from 'vitest';
import { valueText } from '../../src/cli/print-value.ts';
import { harmless } from '../../src/cli/terminal.ts';
import type { Value } from '../../src/core/value.ts';

test.each<[string, Value, string]>([
  ['nothing', undefined, ''],
  ['a number', 30, '30'],
  ['a bigint', 2n ** 60n, '1152921504606846976'],
  ['text', 'a\nb', 'a\nb'],
  ['bytes', Uint8Array.of(1, 255), '01ff'],
  ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
  ['a list', [1, 'x', [2]], '1\nx\n[2]'],
  ['an object', { name: 'x', nested: { a: 1 } }, 'name    x\nnested  {"a":1}'],
  [
    'rows',
    [
      { id: 1, os: 'RIOT' },
      { id: 20, os: 'Zephyr', note: 'a\nb' },
    ],
    'id  os      note\n 1  RIOT\n20  Zephyr  a\\nb',
  ],
  ['what drives a terminal', '\u001b[2J\u202e', '\\u001b[2J\\u202e'],
])('%s', (_what, value, text) => {
  expect(valueText(value)).toBe(text);
});

test('what reaches a terminal is text, line ends and paint, whatever a gateway has named', () => {
  expect(harmless('a\n\tb \u001b[1mbold\u001b[0m')).toBe('a\n\tb \u001b[1mbold\u001b[0m');
  expect(harmless('\r\u001b[K12 of 20 KiB')).toBe('\r\u001b[K12 of 20 KiB');
  expect(harmless('\u001b]0;title\u0007 \u009b2J \u001b[2J \r \u202e \u007f')).toBe(
    '\\u001b]0;title\\u0007 \\u009b2J \\u001b[2J \\u000d \\u202e \\u007f',
  );
  const value = { a: '\u009b2J\u202e' };
  expect(JSON.parse(harmless(JSON.stringify(value)))).toEqual(value);
});
