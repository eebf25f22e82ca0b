/** Functions that are streams, in real threads: what is one, and how it is asked for items. Others: test/interop/streams.test.ts. */
import { expect, test } from 'vitest';
import { libraryFolder } from './library-folder.ts';
import { all, notes, open, problem, streamSource } from './open-streams.ts';

test('a stream gives its items one by one, is closed, and fails with what its function threw', async () => {
  const library = await libraryFolder({ 'ts/index.ts': streamSource, 'ts/data/notes': '' });
  // generators that are safe, and what returns async iterables, are streams; others say why not
  {
    const { registry } = library;
    const described = registry.libraries().find(({ name }) => name === 'ts');
    const streams = described?.functions.filter(
      ({ stream, notCallable }) => stream === true && notCallable === undefined,
    );
    expect(streams?.map(({ method }) => method)).toEqual(
      expect.arrayContaining(['count', 'slow', 'later', 'promised', 'checked', 'tidies']),
    );
    expect(registry.find('ts', 'count')).toMatchObject({ stream: true, safe: true, returns: { kind: 'number' } });
    expect(registry.find('ts', 'promised').returns).toEqual({ kind: 'number' });
    expect(registry.find('ts', 'checked').returns).toMatchObject({ kind: 'integer' });
    expect(registry.find('ts', 'list').stream).toBeUndefined();
    for (const [method, why] of [
      ['effects', '@safe'],
      ['unsafe', '@safe'],
      ['cached', 'not cached'],
      ['within', 'in a worker'],
    ] as const)
      expect(() => registry.find('ts', method)).toThrow(why);
    expect(await library.value('ts', 'list')).toEqual([1, 2]);
  }
  // give their items one by one, also behind those that are skipped
  {
    expect(await all(await open(library, 'ts', 'count', 4))).toEqual([0, 1, 2, 3]);
    expect(await all(await open(library, 'ts', 'slow'), 1)).toEqual([1, 2]);
    expect(await all(await open(library, 'ts', 'promised'))).toEqual([0, 1]);
    expect(await all(await open(library, 'ts', 'count', 2), 5)).toEqual([]);
    expect(await all(await open(library, 'ts', 'odd'))).toEqual([
      undefined,
      new Map([['a', 1]]),
      { b: 1, a: [2n ** 70n] },
    ]);
    const [first] = [await (await open(library, 'ts', 'count')).next(2)];
    expect(first?.cbor).toEqual(new Uint8Array([2]));
  }
  // are asked for no item before somebody wants it, and their finally runs when they are closed
  {
    const stream = await open(library, 'ts', 'tidies');
    expect((await stream.next(0))?.value).toBe(0);
    expect((await stream.next(0))?.value).toBe(1);
    stream.close();
    await notes(library, 'ts', 'began\nended');
    const waits = await open(library, 'ts', 'never');
    const next = waits.next(0);
    const told = await open(library, 'ts', 'told');
    expect((await told.next(0))?.value).toBe(Infinity);
    expect((await told.next(0))?.value).toBe('local');
    told.close();
    waits.close();
    expect(await next).toBeUndefined();
    await notes(library, 'ts', 'told');
  }
  // end with what their function threw, or what it does not hold to
  {
    const stream = await open(library, 'ts', 'fails');
    await stream.next(0);
    expect(await problem(() => stream.next(0))).toBe('function-failed');
    expect(await problem(async () => all(await open(library, 'ts', 'checked', 1.5)))).toBe('function-failed');
    expect(await problem(() => open(library, 'ts', 'checked', 'x'))).toBe('invalid-argument');
  }
});

test('streams that wait for an item keep no call from its thread', async () => {
  const library = await libraryFolder(
    { 'ts/index.ts': streamSource, 'ts/data/notes': '' },
    {},
    { concurrency: 2, maxWorkers: 1 },
  );
  const streams = await Promise.all([1, 2, 3].map(() => open(library, 'ts', 'never')));
  const items = streams.map((stream) => stream.next(0));
  expect(await library.value('ts', 'list')).toEqual([1, 2]);
  for (const stream of streams) stream.close();
  expect(await Promise.all(items)).toEqual([undefined, undefined, undefined]);
});
