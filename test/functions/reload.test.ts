import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { channels, type LibraryChanged, type LibraryPrinted } from '../../src/core/channels.ts';
import { libraryFolder, type LibraryFolder } from './library-folder.ts';

const gives = (text: string): string => `/** @pure */ export function f() { return '${text}'; }`;

const changeOf = (folder: LibraryFolder): Promise<string> =>
  new Promise((resolve) => {
    const stop = folder.registry.onChange((library) => {
      stop();
      resolve(library);
    });
  });

describe('the next call', () => {
  it('runs what was written before it, and has another version', async () => {
    const folder = await libraryFolder({ 'a/index.ts': gives('one') });
    const before = folder.registry.find('a', 'f').version;
    for (const text of ['two', 'three', 'four']) {
      folder.write('a/index.ts', gives(text));
      expect(await folder.value('a', 'f')).toBe(text);
    }
    expect(folder.registry.find('a', 'f').version).not.toBe(before);
  });

  it('finds a library that was dropped in', async () => {
    const folder = await libraryFolder({});
    folder.write('new/index.ts', gives('new'));
    expect(await folder.value('new', 'f')).toBe('new');
  });

  it('does not find a library that was deleted', async () => {
    const folder = await libraryFolder({ 'a/index.ts': gives('one') });
    folder.remove('a');
    expect(await folder.problem('a', 'f')).toBe('no-such-library');
  });

  it('follows editors that write a new file and rename it', async () => {
    const folder = await libraryFolder({ 'a/index.ts': gives('one') });
    folder.write('a/.index.ts.swp', gives('two'));
    renameSync(join(folder.path, 'a/.index.ts.swp'), join(folder.path, 'a/index.ts'));
    expect(await folder.value('a', 'f')).toBe('two');
  });

  it('follows a library folder that is a symbolic link', async () => {
    const folder = await libraryFolder({ 'Store/one/index.ts': gives('one') });
    symlinkSync(join(folder.path, 'Store/one'), join(folder.path, 'linked'));
    expect(await folder.value('linked', 'f')).toBe('one');
    folder.write('Store/one/index.ts', gives('two'));
    expect(await folder.value('linked', 'f')).toBe('two');
  });
});

describe('a change', () => {
  it('of a file that the entry imports is seen, in folders made later too', async () => {
    const folder = await libraryFolder({
      'a/index.ts': "import { text } from './parts/text.ts';\nexport function f() { return text; }",
      'a/parts/text.ts': "export const text = 'one';",
    });
    expect(await folder.value('a', 'f')).toBe('one');
    const changed = changeOf(folder);
    folder.write('a/parts/text.ts', "export const text = 'two';");
    await changed;
    expect(await folder.value('a', 'f')).toBe('two');
  });

  it('lets calls in flight finish on the code that they began on', async () => {
    const slow = (text: string): string =>
      `export async function f() { await new Promise((r) => setTimeout(r, 400)); return '${text}'; }`;
    const folder = await libraryFolder({ 'a/index.ts': slow('one') });
    const first = folder.value('a', 'f');
    const deleted = folder.value('a', 'f');
    await new Promise(setImmediate);
    folder.write('a/index.ts', slow('two'));
    const second = folder.value('a', 'f');
    expect(await Promise.all([first, deleted, second])).toEqual(['one', 'one', 'two']);
  });

  it('that does not load leaves the last good version, and says where the mistake is', async () => {
    const folder = await libraryFolder({ 'a/index.ts': gives('one'), 'b/index.ts': gives('other') });
    folder.write('a/index.ts', 'export function f( {');
    expect(await folder.value('a', 'f')).toBe('one');
    expect(folder.registry.libraries().find((l) => l.name === 'a')).toMatchObject({
      error: expect.stringMatching(/^index\.ts:1:\d+: /),
      functions: [{ method: 'f' }],
    });
    expect(await folder.value('b', 'f')).toBe('other');
    folder.write('a/index.ts', gives('one'));
    expect(await folder.value('a', 'f')).toBe('one');
    expect(folder.registry.libraries().find((l) => l.name === 'a')?.error).toBeUndefined();
    folder.write('a/index.ts', gives('mended'));
    expect(await folder.value('a', 'f')).toBe('mended');
  });

  it('is tried again when what failed is saved once more: what it missed may be there now', async () => {
    const folder = await libraryFolder({ 'a/index.js': "import { x } from 'later'; export const f = () => x;" });
    expect(await folder.problem('a', 'f')).toBe('library-failed');
    folder.write('a/node_modules/later/package.json', '{"type":"module","exports":"./index.js"}');
    folder.write('a/node_modules/later/index.js', "export const x = 'there';");
    utimesSync(join(folder.path, 'a/index.js'), new Date(), new Date());
    expect(await folder.value('a', 'f')).toBe('there');
  });

  it('of time alone makes no new version', async () => {
    const folder = await libraryFolder({ 'a/index.ts': gives('one'), 'a/node_modules/x/index.js': '', 'a/data/x': '' });
    const before = folder.registry.find('a', 'f');
    utimesSync(join(folder.path, 'a/index.ts'), new Date(), new Date(0));
    folder.write('a/data/x', 'data');
    folder.write('a/node_modules/x/index.js', '1');
    await folder.value('a', 'f');
    expect(folder.registry.find('a', 'f')).toBe(before);
  });

  it('keeps ids: a parameter inserted in the middle shifts nobody', async () => {
    const folder = await libraryFolder({ 'a/index.ts': 'export function f(a: number, b: number) {}' });
    folder.write('a/index.ts', 'export function f(a: number, between: number, b: number) {}\nexport function g() {}');
    await folder.registry.pending('a');
    expect(folder.registry.find('a', 'f').parameters.map((p) => [p.name, p.id])).toEqual([
      ['a', 0],
      ['between', 2],
      ['b', 1],
    ]);
  });
});

it('reports folders whose names cannot stand in a path, and folders without an entry', async () => {
  const seen: LibraryChanged[] = [];
  const listen = (event: unknown): void => void seen.push(event as LibraryChanged);
  channels.library.subscribe(listen);
  const folder = await libraryFolder({
    'Upper/index.ts': gives('one'),
    'empty/notes.txt': '',
    '.git/index.ts': gives('x'),
  });
  channels.library.unsubscribe(listen);
  expect(seen.map((event) => [event.library, event.state])).toEqual(
    expect.arrayContaining([
      ['Upper', 'failed'],
      ['empty', 'failed'],
    ]),
  );
  expect(folder.registry.libraries().map((l) => l.name)).toEqual(['empty']);
  mkdirSync(join(folder.path, 'other'));
  writeFileSync(join(folder.path, 'other/index.ts'), gives('x'));
  expect(await folder.value('other', 'f')).toBe('x');
});

it('publishes what a library prints, up to a limit', async () => {
  const printed: string[] = [];
  const enough = new Promise<void>((resolve) => {
    channels.libraryPrinted.subscribe((event) => {
      printed.push((event as LibraryPrinted).text);
      resolve();
    });
  });
  const folder = await libraryFolder(
    { 'a/index.ts': "export function f() { for (let i = 0; i < 1000; i++) console.log('x'.repeat(1000)); }" },
    { maxOutputPerSecond: 5000 },
  );
  await folder.call('a', 'f');
  await enough;
  expect(printed.join('').length).toBeLessThan(20_000);
});
