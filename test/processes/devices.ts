/** Devices of a gateway of several processes, which know the process that Linux gives them. */
import { readFileSync } from 'node:fs';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { method } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { RawDevice } from '../gateway/raw-device.ts';

/** What the tests call: `probe/pid` says which process answers. */
export const probe = `
import { appendFileSync, readFileSync } from 'node:fs';
import { invalidate } from 'funcoap/library';
/** @safe */
export function pid(): number { return process.pid; }
/** Leaves a mark. */
export function mark(): string { appendFileSync('$MARKS', 'x'); return 'done'; }
/**
 * @pure
 * @maxAge 240
 */
export function marks(): number { return readFileSync('$MARKS').length; }
/** Leaves a mark, and says so. */
export function markAndTell(): void { appendFileSync('$MARKS', 'x'); invalidate({ method: 'marks' }); }
/** @safe */
export async function wait(): Promise<void> { appendFileSync('$MARKS', 'x'); await new Promise((resolve) => setTimeout(resolve, 60_000)); }
`;

const path = (...segments: string[]): Message['options'] =>
  segments.map((segment) => stringOption(optionNumber.uriPath, segment));

export const fetchOf = (library: string, name: string): Parameters<RawDevice['request']>[0] => ({
  code: method.FETCH,
  options: path('func', library, name),
  payload: encodeCbor([]),
});

export const postOf = (library: string, name: string): Parameters<RawDevice['request']>[0] => ({
  ...fetchOf(library, name),
  code: method.POST,
});

export const fetched = async (device: RawDevice, library: string, name: string, withinMs = 20_000): Promise<unknown> =>
  decodeCbor((await device.request(fetchOf(library, name), withinMs)).payload);

/** Devices, the first found for each of so many processes, by process id. */
export async function oneOfEach(port: number, processes: number): Promise<Map<number, RawDevice>> {
  const found = new Map<number, RawDevice>();
  for (let i = 0; i < 200 && found.size < processes; i++) {
    const device = await RawDevice.open(port);
    const pid = Number(await fetched(device, 'probe', 'pid'));
    if (found.has(pid)) device.close();
    else found.set(pid, device);
  }
  if (found.size < processes)
    throw new RangeError(`of ${processes} processes only ${[...found.keys()].join(', ')} answer`);
  return found;
}

/** The processes that a process has started. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

export function isRunning(pid: number): boolean {
  try {
    // What has ended and was not waited for yet is no process any more.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
