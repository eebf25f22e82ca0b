/** What `fn()` declares with Zod, in a library that is loaded: what arguments are checked as, and what is left to Zod. */
import { expect, test } from 'vitest';
import { bind } from '../../src/functions/binding.ts';
import { body, query } from './arguments.ts';
import { libraryFolder } from './library-folder.ts';

const given: readonly [params: string, kind: string, input: Parameters<typeof bind>[1], value: unknown][] = [
  ['z.number()', 'number', query('a=5'), 5],
  ['z.coerce.number()', 'any', body(['5']), 5],
  ['z.coerce.boolean()', 'boolean', query('a=false'), false],
  ['z.preprocess((given) => String(given).length, z.number())', 'any', body(['four']), 4],
  ['z.number().catch(7)', 'any', body(['text']), 7],
  ['z.instanceof(Uint8Array).transform((bytes) => bytes.length)', 'bytes', body(['AAEC']), 3],
  ['z.instanceof(Date).transform((date) => date.getTime())', 'date', body(['1970-01-01T00:00:01Z']), 1000],
];

const defaults: readonly [params: string, described: unknown][] = [
  ['z.number().default(3)', 3],
  ['z.number().default(() => Date.now())', undefined],
  ["z.string().trim().default(' x')", undefined],
];

const source = [...given, ...defaults]
  .map(([params], index) => `export const f${index} = fn({ params: { a: ${params} } }, ({ a }) => a);`)
  .join('\n');

test('arguments are what the declaration takes, and its defaults described where they are one value', async () => {
  const { registry, value } = await libraryFolder({
    'lib/index.ts': `import { fn, z } from 'funcoap/library';\n${source}`,
  });
  for (const [index, [params, kind, input, result]] of given.entries()) {
    const fn = registry.find('lib', `f${index}`);
    expect([params, fn.parameters[0]?.type.kind]).toEqual([params, kind]);
    expect([params, await value('lib', `f${index}`, ...bind(fn, input))]).toEqual([params, result]);
  }
  for (const [index, [params, described]] of defaults.entries()) {
    const [parameter] = registry.find('lib', `f${given.length + index}`).parameters;
    expect([params, parameter?.required, parameter?.default]).toEqual([params, false, described]);
  }
});
