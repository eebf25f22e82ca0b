/** A library can get hold of the memory that its thread shares with the gateway. It can end its own thread with that, and no more. */
import { expect, it, vi } from 'vitest';
import { milliseconds } from '../../src/core/duration.ts';
import { libraryFolder } from './library-folder.ts';

const library = `
import { parentPort, workerData } from 'node:worker_threads';
/** @safe */ export function quick() { return 'quick'; }
export function scribble(value) { new Int32Array(workerData.outgoing).fill(value); return 'scribbled'; }
export function post(message) { parentPort.postMessage(message); return 'posted'; }
export function noise() { const w = new Uint8Array(workerData.outgoing); for (let i = 256; i < w.length; i++) w[i] = i * 7; return 'noise'; }
`;

it.each([
  ['scribble', [0x7fff_ffff]],
  ['scribble', [-5]],
  ['scribble', [3]],
  ['noise', []],
  ['post', [7]],
  ['post', [{ number: 'x', frame: new Uint8Array(3) }]],
  ['post', [{ number: 1, frame: new Uint8Array(3) }]],
  ['post', [{ number: 2, message: { kind: 'failed', id: 1 } }]],
  ['post', [{ number: 2, message: null }]],
] as const)('%s(%j) ends a thread, and calls go on', async (method, args) => {
  const folder = await libraryFolder({ 'bad/index.js': library }, {}, { timeLimit: milliseconds(500), maxWorkers: 1 });
  expect(await folder.value('bad', 'quick')).toBe('quick');
  expect(['no problem', 'worker-lost', 'function-failed', 'time-limit']).toContain(
    await folder.problem('bad', method, args),
  );
  // A call that is given to the thread while it ends may be taken for the one that ended it.
  await vi.waitFor(async () => expect(await folder.value('bad', 'quick')).toBe('quick'), { timeout: 10_000 });
});
