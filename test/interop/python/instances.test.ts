/** Whose the instances of Python classes are, over CoAP, with a real python3. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CoapClient } from '../../../src/client/coap-client.ts';
import type { Value } from '../../../src/core/value.ts';
import { decodeProblem } from '../../../src/functions/problem-details.ts';
import { objectBench, told, valueOf, type ObjectBench } from './object-bench.ts';
import { missingPython } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const city = `
import asyncio
log = []
def events():
    told = log[:]
    log.clear()
    return told

class Hall:
    __instance__ = 'single'
    def __init__(self, count: int = 0):
        log.append('hall')
        self.count = count
    def add(self) -> int:
        self.count += 1
        return self.count
    def close(self):
        with open('closed', 'a') as file: file.write('closed')

class Basket:
    __instance__ = 'session'
    def __init__(self): self._items = []
    def put(self, item: str) -> int:
        self._items.append(item)
        return len(self._items)
    def close(self): log.append('no basket')

class Query:
    __instance__ = 'percall'
    def __init__(self, table: str):
        log.append('query ' + table)
        self.table, self._used = table, 0
    @property
    def name(self) -> str: return self.table
    @name.setter
    def name(self, value: str): log.append('set ' + value)
    def rows(self) -> int:
        self._used += 1
        return self._used
    async def later(self):
        await asyncio.sleep(0)
        log.append('later')
        return self.table + ' later'
    def lazily(self):
        yield self.table
        log.append('read')
    async def lazily_later(self):
        yield self.table
        log.append('read later')
    def fail(self): raise LookupError('no rows')
    def close(self): log.append('gone')

class Kept(Query):
    close = None

class Later(Query):
    async def aclose(self):
        log.append('going')
        await asyncio.sleep(0)
        log.append('gone later')
        raise OSError('nobody is told')
`;

let bench: ObjectBench;
let other: CoapClient;
beforeAll(async () => {
  if (missing !== undefined) return;
  bench = await objectBench({ 'city/city.py': city, 'city/data/.keep': '' });
  ({ other } = bench);
});
afterAll(() => bench?.close());

const coap: ObjectBench['request'] = (...asked) => bench.request(...asked);
const call = async (path: string, value?: Value, from?: CoapClient): Promise<Value> => {
  const answer = await coap('POST', path, value, from);
  return answer.code < 0x80 ? valueOf(answer) : told(answer);
};
const make = (name: string, args: readonly Value[], from?: CoapClient): Promise<string> =>
  bench.make(`city/${name}`, args, from);

test('single: one for all callers, which stays when one of them lets go of it', async () => {
  const [mine, theirs] = [await make('Hall', [5]), await make('Hall', [7], other)];
  expect(mine).not.toBe(theirs);
  expect(await make('Hall', [])).toBe(mine);
  expect([await call(`${mine}/add`), await call(`${theirs}/add`, undefined, other)]).toEqual([6, 7]);
  expect(await call('/func/city/events')).toEqual(['hall']);
  await coap('DELETE', mine);
  expect(await call(`${theirs}/add`, undefined, other)).toBe(8);
  await coap('DELETE', theirs, undefined, other);
  const again = await make('Hall', []);
  expect(await call(`${again}/add`)).toBe(9);
  const closed = join(bench.gateway.folder, 'libraries', 'city', 'data', 'closed');
  expect(existsSync(closed)).toBe(false);
  const file = join(bench.gateway.folder, 'libraries', 'city', 'city.py');
  writeFileSync(file, `${city}# edited\n`);
  await expect.poll(() => existsSync(closed) && readFileSync(closed, 'utf8'), { timeout: 30_000 }).toBe('closed');
});

test('session: one for each peer without an identity', async () => {
  const [mine, theirs] = [await make('Basket', []), await make('Basket', [], other)];
  expect(mine).not.toBe(theirs);
  expect(await make('Basket', [])).toBe(mine);
  expect([await call(`${mine}/put`, ['a']), await call(`${mine}/put`, ['b'])]).toEqual([1, 2]);
  expect(await call(`${theirs}/put`, ['c'], other)).toBe(1);
  await coap('DELETE', mine);
  expect(await call('/func/city/events')).toEqual(['no basket']);
  expect(await call(`${await make('Basket', [])}/put`, ['a'])).toBe(1);
});

test('percall: each call makes one, and lets go of it when its result is there', async () => {
  const query = await make('Query', ['t']);
  expect(await call('/func/city/events')).toEqual([]);
  expect([await call(`${query}/rows`), await call(`${query}/rows`)]).toEqual([1, 1]);
  expect(await call('/func/city/events')).toEqual(['query t', 'gone', 'query t', 'gone']);
  expect(told(await coap('GET', `${query}/name`))).toEqual(['2.05', 't']);
  await coap('PUT', `${query}/name`, 'x');
  expect(await call('/func/city/events')).toEqual(['query t', 'gone', 'query t', 'set x', 'gone']);
  expect(await call(`${query}/later`)).toBe('t later');
  expect(await call('/func/city/events')).toEqual(['query t', 'later', 'gone']);
  expect([await call(`${query}/lazily`), await call(`${query}/lazily_later`)]).toEqual([['t'], ['t']]);
  expect(await call('/func/city/events')).toEqual(['query t', 'read', 'gone', 'query t', 'read later', 'gone']);
  expect(await call(`${query}/fail`)).toBe('function-failed');
  expect(await call('/func/city/events')).toEqual(['query t', 'gone']);
  await coap('DELETE', query);
  expect(await call('/func/city/events')).toEqual([]);
});

test('percall: one that is let go of by a coroutine, which may fail', async () => {
  const query = await make('Later', ['t']);
  const failed = await coap('POST', `${query}/fail?_why`);
  expect(decodeProblem(failed.payload).detail).toMatch(/LookupError/);
  expect(await call('/func/city/events')).toEqual(['query t', 'going', 'gone later']);
  expect(await call(`${query}/rows`)).toBe('function-failed');
  expect(await call('/func/city/events')).toEqual(['query t', 'going', 'gone later']);
  expect(await call(`${await make('Kept', ['t'])}/rows`)).toBe(1);
});
