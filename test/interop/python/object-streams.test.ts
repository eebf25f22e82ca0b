/** Methods of Python objects that are streams, over CoAP, with a real python3. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeCborSequence } from '../../../src/cbor/decode.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import type { Value } from '../../../src/core/value.ts';
import { objectBench, told, valueOf, type ObjectBench } from './object-bench.ts';
import { missingPython } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const bank = `
import asyncio
from typing import AsyncIterator, Iterator
from funcoap import pure, safe
log = []
def events():
    told = log[:]
    log.clear()
    return told

def let_end(): may_end.set()

class Account:
    def __init__(self, owner: str):
        log.append('open ' + owner)
        self.owner = owner
    @safe
    def history(self, entries: int = 1000000) -> Iterator[str]:
        """What went in."""
        try:
            for at in range(entries):
                yield f'{self.owner}{at}'
        finally:
            log.append('left ' + self.owner)
    @safe
    async def later(self, entries: int = 1000000) -> AsyncIterator[int]:
        try:
            for at in range(entries):
                await asyncio.sleep(0)
                yield at
        finally:
            await asyncio.sleep(0)
            log.append('left later ' + self.owner)
    @safe
    async def held(self) -> AsyncIterator[int]:
        global may_end
        may_end = asyncio.Event()
        try:
            for at in range(1000000): yield at
        finally:
            await may_end.wait()
            log.append('left held ' + self.owner)
    @safe
    def fails(self):
        yield 1
        raise LookupError('no more')
    def effects(self): yield 1
    @pure
    def lists(self): yield 2
    def close(self): log.append('closed ' + self.owner)

class Query(Account):
    __instance__ = 'percall'
`;

let bench: ObjectBench;
beforeAll(async () => {
  if (missing === undefined) bench = await objectBench({ 'bank/bank.py': bank, 'bank/data/.keep': '' });
});
afterAll(() => bench?.close());

const make = (name: string, owner: string): Promise<string> => bench.make(`bank/${name}`, [owner]);
const read = async (path: string): Promise<unknown> => {
  const answer = await bench.request('GET', path);
  return answer.code < 0x80 ? [dotted(answer.code), ...decodeCborSequence(answer.payload)] : told(answer);
};
const happened = async (...all: string[]): Promise<void> => {
  const seen: Value[] = [];
  await expect
    .poll(
      async () => {
        seen.push(...(valueOf(await bench.request('POST', '/func/bank/events')) as Value[]));
        return seen;
      },
      { timeout: 20_000 },
    )
    .toEqual(all);
};

test('a safe generator is read item by item, plain and async; any other gives a list', async () => {
  const path = await make('Account', 'ann');
  expect(valueOf(await bench.request('GET', path))).toMatchObject({
    methods: {
      history: { title: 'What went in.', safe: true, stream: true, returns: 'string' },
      later: { stream: true },
      effects: expect.not.objectContaining({ stream: true }) as object,
      lists: expect.not.objectContaining({ stream: true }) as object,
    },
  });
  expect(await read(`${path}/history?entries=2`)).toEqual(['2.05', 'ann0', 'ann1']);
  expect(await read(`${path}/later?entries=2`)).toEqual(['2.05', 0, 1]);
  expect(await read(`${path}/later?_from=5&_n=2`)).toEqual(['2.05', 5, 6]);
  expect(await read(`${path}/lists`)).toEqual(['2.05', [2]]);
  expect(valueOf(await bench.request('POST', `${path}/effects`))).toEqual([1]);
  expect(await read(`${path}/fails`)).toBe('function-failed');
  await bench.request('DELETE', path);
  await happened('open ann', 'left ann', 'left later ann', 'left later ann', 'closed ann');
});

test.each(['history', 'later'])('%s ends before its object does', async (name) => {
  const path = await make('Account', name);
  // A block of it, and its reader comes no more.
  await read(`${path}/${name}?_from=3&_n=1`);
  expect(await read(`${path}/${name}?_from=0&_n=1`)).toHaveLength(2);
  const items = bench.client.observe({ uri: `${bench.gateway.coap}${path}/${name}`, method: 'GET' });
  await items.next();
  await items.next();
  await bench.request('DELETE', path);
  const ends = name === 'later' ? 'left later later' : 'left history';
  await happened(`open ${name}`, ends, ends, ends, `closed ${name}`);
  let last = await items.next();
  while (last.done !== true && last.value.code < 0x80) last = await items.next();
  expect(last.done === true ? 'over' : told(last.value)).toBe('object-lost');
  await items.return();
});

test('however long a finally waits, its object is closed after it', async () => {
  const path = await make('Account', 'ann');
  const items = bench.client.observe({ uri: `${bench.gateway.coap}${path}/held`, method: 'GET' });
  await items.next();
  await items.next();
  const gone = bench.request('DELETE', path, undefined, bench.other);
  // From then on the end of the object is on its way, before the call that lets the generator go on.
  await expect.poll(async () => told(await bench.request('GET', path))).toBe('no-such-resource');
  await bench.request('POST', '/func/bank/let_end');
  expect(told(await gone)).toEqual(['2.02', undefined]);
  await happened('open ann', 'left held ann', 'closed ann');
  await items.return();
});

test.each(['history', 'later'])('%s of a class with an instance for each call has one of its own', async (name) => {
  const path = await make('Query', 'q');
  expect(await read(`${path}/${name}?entries=1`)).toHaveLength(2);
  const left = name === 'later' ? 'left later q' : 'left q';
  await happened('open q', left, 'closed q');
  const items = bench.client.observe({ uri: `${bench.gateway.coap}${path}/${name}`, method: 'GET' });
  await items.next();
  await items.next();
  await happened('open q');
  await items.return();
  await happened(left, 'closed q');
  await bench.request('DELETE', path);
});
