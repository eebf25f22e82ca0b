/** Streams that take seconds, or processes: in threads that never end, under a reload, in Python. */
import { describe, expect, test } from 'vitest';
import { seconds } from '../../src/core/duration.ts';
import { libraryFolder, type LibraryFolder } from '../functions/library-folder.ts';
import { all, notes, open, problem, streamSource } from '../functions/open-streams.ts';

const python = `
import asyncio
from typing import AsyncIterator, Iterator
from funcoap import context, safe

@safe
def count(to: int = 3) -> Iterator[int]:
    """Counts."""
    for i in range(to):
        yield i

@safe
async def slow(to: int = 3) -> AsyncIterator[int]:
    for i in range(to):
        await asyncio.sleep(0.001)
        yield i

@safe
def fails():
    yield 1
    raise ValueError('no more')

@safe
async def never():
    try:
        await asyncio.sleep(3600)
        yield 1
    finally:
        note('never')

@safe
def tidies():
    try:
        i = 0
        while True:
            yield i
            i += 1
    finally:
        note('ended')

@safe
def who():
    yield context().identity

def note(text):
    with open(context().data_folder + '/notes', 'a') as notes:
        notes.write(text + '\\n')

def effects():
    yield 1
    yield 2
`;

const folder = (): Promise<LibraryFolder> => libraryFolder({ 'py/py.py': python, 'py/data/notes': '' });

describe('in threads', () => {
  test('that compute without end are stopped at the limit of a call, and calls beside them go on', async () => {
    const library = await libraryFolder(
      { 'ts/index.ts': streamSource, 'ts/data/notes': '' },
      {},
      { timeLimit: seconds(0.2) },
    );
    const [spins, counts] = [await open(library, 'ts', 'spins'), await open(library, 'ts', 'count')];
    await Promise.all([spins.next(0), counts.next(0)]);
    const stuck = problem(() => spins.next(0));
    expect(await library.value('ts', 'list')).toEqual([1, 2]);
    expect(await stuck).toBe('time-limit');
    // It may have been in the same thread.
    expect(['worker-lost', 'none']).toContain(await problem(() => counts.next(0)));
    spins.close();
  });

  test('of a replaced version go on for a while, then they are lost', async () => {
    const library = await libraryFolder(
      { 'ts/index.ts': streamSource, 'ts/data/notes': '' },
      { linger: seconds(0.01) },
      { streamGrace: seconds(0.3) },
    );
    const stream = await open(library, 'ts', 'tidies');
    await stream.next(0);
    library.write('ts/index.ts', `${streamSource}\nexport function more() {}`);
    expect(await library.value('ts', 'more')).toBeUndefined();
    expect((await stream.next(0))?.value).toBe(1);
    await expect.poll(() => problem(() => stream.next(0)), { timeout: 3000 }).toMatch(/not-ready|worker-lost/);
  });
});

describe('in Python', () => {
  test('generators that are safe are streams; others are read to their end', async () => {
    const library = await folder();
    expect(library.registry.find('py', 'count')).toMatchObject({
      stream: true,
      returns: { kind: 'union' },
      title: 'Counts.',
    });
    expect(library.registry.find('py', 'slow')).toMatchObject({ stream: true, returns: { kind: 'union' } });
    expect(await library.value('py', 'effects')).toEqual([1, 2]);
    expect(await all(await open(library, 'py', 'count', 4), 1)).toEqual([1, 2, 3]);
    expect(await all(await open(library, 'py', 'slow'))).toEqual([0, 1, 2]);
    expect(await all(await open(library, 'py', 'who'))).toEqual(['local']);
  });

  test('are closed, and end with what they raise', async () => {
    const library = await folder();
    const fails = await open(library, 'py', 'fails');
    await fails.next(0);
    expect(await problem(() => fails.next(0))).toBe('function-failed');
    const stream = await open(library, 'py', 'tidies');
    expect((await stream.next(0))?.value).toBe(0);
    stream.close();
    await notes(library, 'py', 'ended');
    const waits = await open(library, 'py', 'never');
    const next = waits.next(0);
    waits.close();
    expect(await next).toBeUndefined();
    await notes(library, 'py', 'never');
  });
});
