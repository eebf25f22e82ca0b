import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallError } from '../../src/functions/call-error.ts';
import { channels, type LibraryChanged } from '../../src/core/channels.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { libraryFolder, problemOf } from './library-folder.ts';

const declared = `
import { fn, z, bytes, context, invalidArgument, tag, invalidate } from 'funcoap/library';
import { z as zod } from 'zod';
import os from 'node:os';
export { join } from 'node:path';
/** Adds two numbers.
 * @pure
 * @maxAge 240
 */
export function plain(a: number, b: number = 2): number { return a + b; }
export const add = fn({ params: { a: z.number(), b: z.number() }, pure: true, maxAge: 240 }, ({ a, b }) => a + b);
export const refuses = fn({ params: { a: z.string() } }, ({ a }) => { throw invalidArgument('a is not good.', 'a'); });
export const lies = fn({ returns: z.number() }, (): never => 'text' as never);
export const sameZod = fn({ safe: true }, () => z === zod);
export const sized = fn({ params: { data: bytes() }, safe: true }, ({ data }) => data.length);
/** @safe */ export async function sleep(ms: number) { await new Promise((done) => setTimeout(done, ms)); return 'rested'; }
/** @safe */ export function who() { return context().identity; }
/** @safe */ export function id() { tag('t'); return context().correlationId; }
export function* counter() { yield 1; }
export class Thing {}
export const version = '1';
export function throws() { throw new RangeError('secret path /etc'); }
export function change() { invalidate({ method: 'plain' }); }
/** @safe */ export function rows() { return [1, 2].values(); }
/** @safe */ export function nothing() {}
/** @safe */ export function odd() { return { at: new URL('coap://a/'), f: () => 1, set: new Set([1n]), __proto__x: 1, of: { toJSON: () => 5 } }; }
export const release = () => os.release();
`;

describe('a library of both tiers', () => {
  it('offers its own functions, and nothing that it imports or re-exports', async () => {
    const { registry } = await libraryFolder({ 'both/index.ts': declared });
    const [library] = registry.libraries();
    const callable = library?.functions.filter((fn) => fn.notCallable === undefined).map((fn) => fn.method);
    expect(callable).toEqual([
      'plain',
      'add',
      'refuses',
      'lies',
      'sameZod',
      'sized',
      'sleep',
      'who',
      'id',
      'throws',
      'change',
      'rows',
      'nothing',
      'odd',
      'release',
    ]);
    for (const name of ['constructor', 'toString', '__proto__', 'default', 'version']) {
      expect(() => registry.find('both', name)).toThrow(expect.objectContaining({ code: 'no-such-method' }));
    }
    expect(() => registry.find('both', 'join')).toThrow(expect.objectContaining({ code: 'not-callable' }));
  });

  it('lists what `export *` brings from its own files with the reason, and what packages bring not at all', async () => {
    const { registry } = await libraryFolder({
      'star/index.ts': "export * from './more.ts'; export * from 'node:path'; export const own = () => 1;",
      'star/more.ts': 'export const more = () => 1; export const _hidden = () => 1; export const constant = 1;',
      'path/index.ts': "export * from 'node:path'; export const own = () => 1;",
    });
    const listed = registry.libraries().map(({ functions }) => functions.map(({ method }) => method));
    expect(listed).toEqual([['own'], expect.arrayContaining(['own', 'more'])]);
    expect(() => registry.find('star', 'more')).toThrow(
      'it comes from ./more.ts: re-exports are not served; write a function of your own that calls it',
    );
    for (const name of ['_hidden', 'constant'])
      expect(() => registry.find('star', name)).toThrow(expect.objectContaining({ code: 'no-such-method' }));
  });

  it('lists generators and classes with the reason why they cannot be called', async () => {
    const { registry } = await libraryFolder({ 'both/index.ts': declared });
    for (const name of ['counter', 'Thing']) {
      expect(() => registry.find('both', name)).toThrow(expect.objectContaining({ code: 'not-callable' }));
    }
  });

  it('is described and called by position', async () => {
    const folder = await libraryFolder({ 'both/index.ts': declared });
    expect(folder.registry.find('both', 'plain')).toMatchObject({
      pure: true,
      safe: true,
      maxAge: 240_000,
      title: 'Adds two numbers.',
    });
    expect(folder.registry.find('both', 'add').parameters.map((p) => [p.name, p.type.kind, p.required, p.id])).toEqual([
      ['a', 'number', true, 0],
      ['b', 'number', true, 1],
    ]);
    expect(await folder.value('both', 'plain', 1)).toBe(3);
    expect(await folder.value('both', 'add', 1, 5)).toBe(6);
    expect(await folder.value('both', 'sized', new Uint8Array(3))).toBe(3);
    expect(await folder.value('both', 'sameZod')).toBe(true);
    expect(await folder.value('both', 'rows')).toEqual([1, 2]);
    expect(await folder.value('both', 'nothing')).toBeUndefined();
    expect(await folder.value('both', 'odd')).toEqual({
      at: 'coap://a/',
      f: '[function f]',
      set: [1n],
      __proto__x: 1,
      of: 5,
    });
  });

  it('tells a refused argument from a failure, and keeps what was thrown for the operator', async () => {
    const folder = await libraryFolder({ 'both/index.ts': declared });
    await expect(folder.call('both', 'add', ['x', 1])).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { parameter: { name: 'a', id: 0 } },
    });
    await expect(folder.call('both', 'refuses', ['x'])).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'a is not good.',
    });
    expect(await folder.problem('both', 'lies')).toBe('function-failed');
    await expect(folder.call('both', 'throws')).rejects.toMatchObject({
      code: 'function-failed',
      message: 'The function threw RangeError.',
      details: { remote: { name: 'RangeError', message: 'secret path /etc' } },
    });
  });

  it('says whether a function looked at its caller, and which tags its result has', async () => {
    const folder = await libraryFolder({ 'both/index.ts': declared });
    expect(await folder.call('both', 'who')).toMatchObject({ value: 'local', readCaller: 'identity' });
    expect(await folder.call('both', 'id')).toMatchObject({ value: 'c-1', readCaller: false, tags: ['t'] });
  });

  it('invalidates before its answer arrives', async () => {
    const folder = await libraryFolder({ 'both/index.ts': declared });
    const seen: unknown[] = [];
    folder.registry.onInvalidate((what) => seen.push(what));
    await folder.call('both', 'change');
    expect(seen).toEqual([{ library: 'both', method: 'plain' }]);
  });

  it('is found by the ids of the lock file', async () => {
    const { registry } = await libraryFolder({
      'both/index.ts': declared,
      'aaa/index.js': 'export function f() { return 1 }',
    });
    expect(registry.libraries().map((l) => [l.name, l.id])).toEqual([
      ['aaa', 0],
      ['both', 1],
    ]);
    expect(registry.findById(1, 1).method).toBe('add');
    expect(() => registry.findById(7, 0)).toThrow(expect.objectContaining({ code: 'no-such-library' }));
    expect(() => registry.findById(1, 99)).toThrow(expect.objectContaining({ code: 'no-such-method' }));
  });
});

describe('a library that misbehaves', () => {
  const loops = `
/** @safe */ export function loop() { for (;;); }
/** @safe */ export function unrolled() { for (;;) new Array(1000).fill(1.5); }
/** @safe */ export function regex() { return /^(a+)+$/.test('a'.repeat(40) + '!'); }
/** @safe */ export function bomb() { const a = []; for (;;) a.push({ n: a.length }); }
/** @safe */ export async function deaf() { await new Promise(() => {}); }
export async function lateLoop() { await null; await new Promise((r) => setTimeout(r, 10)); for (;;); }
export function exit() { process.exit(3); }
/** @safe */ export async function crash() { setTimeout(() => { throw new Error('late') }, 5); await new Promise(() => {}); }
/** @safe */ export async function reject() { Promise.reject(new Error('unhandled')); await new Promise(() => {}); }
/** @safe */ export async function abortable() {
  const { context } = await import('funcoap/library');
  await new Promise((_, no) => context().signal.addEventListener('abort', () => no(context().signal.reason)));
}
/** @safe */ export function quick() { return 'quick'; }
/** @safe */ export async function sleep(ms) { await new Promise((r) => setTimeout(r, ms)); return 'rested'; }
export async function work(ms) { await new Promise((r) => setTimeout(r, ms)); return 'worked'; }
`;
  const stuck = ['loop', 'unrolled', 'regex', 'deaf', 'lateLoop'];

  it.for(stuck)('has %s stopped at its time limit while other calls go on', async (method) => {
    const folder = await libraryFolder({ 'bad/index.js': loops }, {}, { grace: milliseconds(50), maxWorkers: 3 });
    const begun = performance.now();
    // The others have time enough on any machine.
    const stopped = folder
      .problem('bad', method, [], { timeLimit: milliseconds(200) })
      .then((problem) => ({ problem, after: performance.now() - begun }));
    const others = await Promise.all(Array.from({ length: 200 }, () => folder.value('bad', 'quick')));
    expect(new Set(others)).toEqual(new Set(['quick']));
    const { problem, after } = await stopped;
    expect(problem).toBe('time-limit');
    expect(after).toBeGreaterThanOrEqual(199);
    expect(await folder.value('bad', 'quick')).toBe('quick');
  });

  it('is out of memory alone', async () => {
    const folder = await libraryFolder({ 'bad/index.js': loops }, {}, { maxHeapMebibytes: 64, maxWorkers: 2 });
    expect(await folder.problem('bad', 'bomb')).toBe('memory-limit');
    expect(await folder.value('bad', 'quick')).toBe('quick');
  });

  it.for([
    ['exit', 'worker-lost'],
    ['crash', 'function-failed'],
    ['reject', 'function-failed'],
  ] as const)('ends only its own thread with %s', async ([method, problem]) => {
    const folder = await libraryFolder({ 'bad/index.js': loops, 'good/index.js': 'export function f() { return 1 }' });
    expect(await folder.problem('bad', method)).toBe(problem);
    expect(await folder.value('bad', 'quick')).toBe('quick');
    expect(await folder.value('good', 'f')).toBe(1);
  });

  it('has safe calls in a lost thread run again, and others fail as worker-lost', async () => {
    const folder = await libraryFolder({ 'bad/index.js': loops }, {}, { maxWorkers: 1 });
    const safe = folder.value('bad', 'sleep', 300);
    const unsafe = folder.problem('bad', 'work', [300]);
    await folder.value('bad', 'quick');
    expect(await folder.problem('bad', 'exit')).toBe('worker-lost');
    expect(await unsafe).toBe('worker-lost');
    expect(await safe).toBe('rested');
  });

  it('is told by its signal when nobody waits any more, and goes on being served', async () => {
    const folder = await libraryFolder({ 'bad/index.js': loops });
    const abort = new AbortController();
    const given = folder.problem('bad', 'abortable', [], { signal: abort.signal });
    await folder.value('bad', 'quick');
    abort.abort();
    expect(await given).toBe('cancelled');
    expect(await folder.value('bad', 'quick')).toBe('quick');
  });

  it('is refused beyond its queue', async () => {
    const folder = await libraryFolder({ 'bad/index.js': loops }, {}, { maxWorkers: 1, concurrency: 2, maxQueued: 3 });
    const all = Array.from({ length: 6 }, () => folder.call('bad', 'sleep', [100]).then(() => 'served', problemOf));
    expect(await Promise.all(all)).toEqual(['served', 'served', 'served', 'served', 'served', 'overloaded']);
  });

  it('is stopped while it loads, and is to be tried again', async () => {
    const { registry } = await libraryFolder({ 'endless/index.js': 'for (;;);' }, {}, { loadLimit: milliseconds(200) });
    expect(registry.libraries()[0]?.error).toMatch(/did not finish.*; it is tried again\.$/);
  });

  it('is told of where it loads, and hinders no other', async () => {
    const { registry } = await libraryFolder({
      'throws/index.js': '\nthrow new Error("no");',
      'exits/index.js': 'process.exit(1)',
      'good/index.js': 'export function f() {}',
    });
    const errors = Object.fromEntries(registry.libraries().map((l) => [l.name, l.error]));
    expect(errors['good']).toBeUndefined();
    expect(errors['throws']).toBe('index.js:2: no; mend it and save the file.');
    expect(errors['exits']).toContain('process.exit(1)');
    expect(() => registry.find('throws', 'f')).toThrow(expect.objectContaining({ code: 'library-failed' }));
  });
});

it('the stack of a failure ends with the function that was called', async () => {
  const { call } = await libraryFolder({
    'deep/index.ts': `import { fn } from 'funcoap/library';
      const inner = (): never => { throw new Error('no'); };
      export function plain() { inner(); }
      export async function later() { await new Promise(setImmediate); inner(); }
      export const declared = fn({}, () => inner());
      export function foreign() { JSON.parse('{'); }`,
  });
  for (const method of ['plain', 'later', 'declared', 'foreign']) {
    const error: unknown = await call('deep', method).catch((thrown: unknown) => thrown);
    const stack = error instanceof CallError ? (error.details.remote?.stack ?? '') : '';
    const frames = stack.split('\n').slice(1);
    expect({ method, last: frames.at(-1) }).toEqual({ method, last: expect.stringContaining('deep/index.ts') });
    expect(stack).not.toContain('run-call');
  }
});

describe('many libraries', () => {
  it('load a few at a time, so that the time of each is its own', async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'funcoap-loading-')), 'log');
    const noisy = `import { appendFileSync } from 'node:fs';
      appendFileSync(${JSON.stringify(log)}, '+');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      appendFileSync(${JSON.stringify(log)}, '-');
      export function f() { return 1; }`;
    const names = ['a', 'b', 'c', 'd', 'e'];
    const { registry } = await libraryFolder(Object.fromEntries(names.map((name) => [`${name}/index.ts`, noisy])), {
      maxLoading: 2,
    });
    expect(registry.libraries().map(({ error }) => error)).toEqual(names.map(() => undefined));
    let loading = 0;
    const counts = Array.from(readFileSync(log, 'latin1'), (step) => (step === '+' ? ++loading : --loading));
    expect(counts).toHaveLength(2 * names.length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
  });
});

describe('what lies in the folder and is no library', () => {
  it('is not made one by a call, and a call for any other place is told nothing', async () => {
    const folder = await libraryFolder({
      'notes': 'text',
      'a/index.js': 'export function f() {}',
      'No Name/index.js': '',
    });
    const told: string[] = [];
    const listen = (event: unknown): void => void told.push((event as LibraryChanged).library);
    channels.library.subscribe(listen);
    for (const name of ['notes', 'a/index.js', '../../../etc', 'funcoap.lock.json', 'No Name', 'a\0'])
      expect(await folder.problem(name, 'f')).toBe('no-such-library');
    channels.library.unsubscribe(listen);
    expect(folder.registry.libraries().map(({ name }) => name)).toEqual(['a']);
    expect(told).toEqual([]);
  });

  it('is reported once where it is a folder whose name cannot be a path', async () => {
    const told: LibraryChanged[] = [];
    const listen = (event: unknown): void => void told.push(event as LibraryChanged);
    channels.library.subscribe(listen);
    const folder = await libraryFolder({ 'No Name/index.js': '' });
    folder.write('b/index.js', 'export function f() {}');
    await folder.value('b', 'f');
    channels.library.unsubscribe(listen);
    expect(
      told.filter(({ message }) => message?.startsWith('its name cannot stand in a path; rename the folder')),
    ).toHaveLength(1);
  });
});

describe('what a library asks for', () => {
  it('may be written in TypeScript under node_modules', async () => {
    const folder = await libraryFolder({ 'node_modules/readme': '' });
    const { mkdirSync } = await import('node:fs');
    const { join } = await import('node:path');
    const { Registry } = await import('../../src/functions/registry.ts');
    const inner = join(folder.path, 'node_modules', 'pack', 'libraries');
    mkdirSync(inner, { recursive: true });
    folder.write(
      'node_modules/pack/libraries/deep/index.ts',
      "import { z } from 'zod';\nexport function f(a: number): number { return a; }\nexport const kind: string = typeof z;",
    );
    const registry = await Registry.open({ folder: inner, scheduler: systemScheduler });
    expect(registry.libraries().map((l) => [l.name, l.error])).toEqual([['deep', undefined]]);
    await registry.close();
  });

  it('arrives in one message with all else that is called in the same turn', async () => {
    // However long the thread takes to wake.
    const patient = { stallAfter: milliseconds(20_000) };
    const source = 'let earlier = 0; export function f() { queueMicrotask(() => { earlier = 0; }); return earlier++; }';
    const folder = await libraryFolder({ 'a/index.js': source }, {}, patient);
    const calls = [folder.value('a', 'f'), folder.value('a', 'f'), folder.value('a', 'f')];
    expect(await Promise.all(calls)).toEqual([0, 1, 2]);
  });

  it('stops every thread on close', async () => {
    const folder = await libraryFolder({
      'a/index.js': 'export async function wait() { await new Promise(() => {}) }',
    });
    const waiting = folder.problem('a', 'wait');
    await new Promise(setImmediate);
    await folder.registry.close();
    expect(await waiting).toBe('not-ready');
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Worker')).toEqual([]);
  });
});
