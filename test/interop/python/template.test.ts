/** What `funcoap new library --python` writes works at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { libraryTemplate } from '../../../src/cli/library-template.ts';
import { missingPython, pythonFolder } from './python-folder.ts';

const missing = missingPython();

test('a library from the template greets, is cached, and records', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const files = libraryTemplate('my-made', 'python', 'coap://127.0.0.1');
  const folder = await pythonFolder(Object.fromEntries(files.map(({ name, text }) => [`my-made/${name}`, text])));
  expect(files.map(({ name }) => name)).toEqual(['README.md', 'my_made.py']);
  expect(await folder.say('my-made/greet', { name: 'Ada' })).toBe('Hello, Ada!');
  expect(folder.registry.find('my-made', 'greet')).toMatchObject({ pure: true, maxAge: 60_000 });
  expect(await folder.say('my-made/record', [3])).toBe('recorded 3');
  expect(await folder.say('my-made/record')).toBe('recorded 20');
  expect(readFileSync(join(folder.path, 'my-made/data/values.txt'), 'utf8')).toBe('3\n20\n');
});
