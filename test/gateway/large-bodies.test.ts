/** Bodies that are read on a thread of their own are answered as small ones are. */
import { afterAll, expect, it } from 'vitest';
import { argumentsKey } from '../../src/cache/arguments-key.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { bind } from '../../src/functions/binding.ts';
import { CallError } from '../../src/functions/call-error.ts';
import { BodyThread, largeBodyBytes } from '../../src/gateway/body-thread.ts';
import { readBody } from '../../src/gateway/body.ts';
import { functionOf } from '../functions/functions-of.ts';

const thread = new BodyThread({ priorityAddon: undefined });
afterAll(() => thread.close());

const sum = functionOf(
  '/** @pure */ export function sum(list: number[], scale: number = 2, name?: string): number { return 0; }',
);
const list = Array.from({ length: largeBodyBytes }, (_, i) => i / 2);

const outcomeOf = async (read: () => unknown): Promise<unknown> => {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const { code, message, details } = error;
    return { code, message, details: JSON.stringify(details) };
  }
};

it.each<[string, Uint8Array, number]>([
  ['arguments by position', encodeCbor([list, 3]), 60],
  ['arguments by name, a default left out', encodeCbor({ list }), 60],
  ['JSON', utf8(JSON.stringify({ list, scale: 2 })), 50],
  ['what does not fit the signature', encodeCbor([[...list, 'x']]), 60],
  ['an argument that nobody declared', encodeCbor({ list, lits: 1 }), 60],
  ['what is cut off', encodeCbor([list]).subarray(0, 5000), 60],
  ['a format that is not understood', new Uint8Array(5000), 11542],
])('%s', async (_name, body, format) => {
  const here = await outcomeOf(() => {
    const args = bind(sum, readBody(sum, body, format));
    return { args, part: argumentsKey(args) };
  });
  const there = await outcomeOf(async () => {
    const { args, part } = await thread.read(sum, body, format);
    return { args: args.values, part };
  });
  expect(there).toStrictEqual(here);
});

it('a byte string of a body belongs to the arguments alone', async () => {
  const fn = functionOf('/** @safe */ export function length(bytes: Uint8Array): number { return bytes.length; }');
  const body = new Uint8Array(10_000).fill(7);
  const read = thread.read(fn, body, 42);
  body.fill(0);
  expect((await read).args.values).toStrictEqual([new Uint8Array(10_000).fill(7)]);
});

it('refuses what would pile up', async () => {
  const busy = new BodyThread({ priorityAddon: undefined });
  const body = encodeCbor([list]);
  const reads = Array.from({ length: 300 }, () => outcomeOf(() => busy.read(sum, body, 60).then(() => 'read')));
  const outcomes = await Promise.all(reads);
  expect(outcomes.filter((outcome) => outcome === 'read')).toHaveLength(256);
  expect(outcomes.at(-1)).toMatchObject({ code: 'overloaded' });
  await busy.close();
  expect(await outcomeOf(() => busy.read(sum, body, 60))).toMatchObject({ code: 'not-ready' });
});
