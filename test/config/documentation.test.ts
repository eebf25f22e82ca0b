import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settings } from '../../src/config/schema.ts';
import { load } from './loading.ts';

const document = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8');
const rows = document.split('\n').filter((line) => line.startsWith('| `'));

test('docs/config.md has one row for each setting, with its default, what is allowed and its meaning', () => {
  const expected = settings.map((setting) => {
    const value = setting.default === undefined ? setting.defaultText : `\`${JSON.stringify(setting.default)}\``;
    return `| \`${setting.path}\` | ${value} | ${setting.allowed} | ${setting.doc} |`;
  });
  expect(rows).toEqual(expected);
});

test('the example in docs/config.md is a valid configuration', () => {
  const example = /```json\n([^]*?)```/.exec(document)?.[1];
  expect(load({ content: example }).config.profiles[0]?.name).toBe('thread');
});

test('every setting has a variable of its own', () => {
  const variables = settings.map(({ variable }) => variable);
  expect(new Set(variables).size).toBe(settings.length);
  expect(variables).toContain('FUNCOAP_COAP_RECEIVE_BUFFER');
});
