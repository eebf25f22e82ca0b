/**
 * Does to the native addon what nobody should: wrong arguments, descriptors that point anywhere, buffers taken
 * away, sockets closed from within, threads that end in the middle of traffic. Run by native-sanitizer.test.ts.
 *
 * Usage: node --expose-gc native-exerciser.ts ADDON [detach|exit|terminate|idle]     the last four in a thread
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { UdpHandle } from '../../src/transport/native/addon.ts';
import { descriptorWords, openFlag, openWords, outgoingHeadBytes, word } from '../../src/transport/native/addon.ts';
import { loadAddon } from './build-addon.ts';

const file = isMainThread ? (process.argv[2] ?? '') : (workerData as { file: string }).file;
const mode = isMainThread ? 'main' : (workerData as { mode: string }).mode;
const addon = loadAddon(file);
const out = new Int32Array(addon.outgoing, 0, 256 * descriptorWords);
const loopback = 0x7f000001;

function check(isSo: boolean, what: string): void {
  if (!isSo) throw new RangeError(`${mode}: ${what}`);
}

let state = 7;
const dice = (sides: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % sides;
};

function optionWords(port: number, flags: number, descriptor = -1): Int32Array {
  const options = new Int32Array(openWords.length);
  options[openWords.family] = 4;
  options[openWords.port] = port;
  options[openWords.flags] = flags;
  options[openWords.receiveBufferBytes] = 1 << 22;
  options[openWords.address + 3] = loopback;
  options[openWords.descriptor] = descriptor;
  return options;
}

function open(event: (event: number, value: number) => void, port = 0): { handle: UdpHandle; port: number } {
  const options = optionWords(port, openFlag.packetInfo);
  const handle = addon.open(options, event);
  if (typeof handle === 'number') throw new RangeError(`open: ${handle}`);
  return { handle, port: options[openWords.port] ?? 0 };
}

function describe(i: number, port: number, length: number, offset = outgoingHeadBytes): void {
  out.fill(0, i * descriptorWords, (i + 1) * descriptorWords);
  out[i * descriptorWords + word.offset] = offset;
  out[i * descriptorWords + word.length] = length;
  out[i * descriptorWords + word.port] = port;
  out[i * descriptorWords + word.remote + 3] = loopback;
}

/** Turns of the event loop until something is so. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 100_000; turn++) {
    if (isSo()) return;
    await setImmediate();
  }
  throw new RangeError(`${mode}: ${what}`);
}

/** A socket that only sends: all descriptors up to `end`, however often it has to wait. */
function sender(): { handle: UdpHandle; send(end: number): Promise<void> } {
  let waits = false;
  const { handle } = open((event) => {
    if (event === 1) waits = false;
  });
  const isReady = (): boolean => !waits;
  const send = async (end: number): Promise<void> => {
    for (let next = 0; next < end;) {
      next = addon.send(handle, next, end);
      waits = next < end;
      if (waits) await until(isReady, 'it becomes writable');
    }
  };
  return { handle, send };
}

/** Whatever it is given, it throws or refuses. */
function wrongArguments(): void {
  const { handle } = open(() => undefined);
  const values: unknown[] = [
    undefined,
    null,
    0,
    -1,
    1e300,
    Number.NaN,
    '',
    'x'.repeat(10_000),
    true,
    {},
    [],
    () => undefined,
    Symbol('s'),
    1n,
    new Int32Array(0),
    new Int32Array(4),
    new Int32Array(64).fill(-1),
    new Int32Array(64).fill(0x7fffffff),
    new Uint8Array(64),
    new Float64Array(64),
    new ArrayBuffer(64),
    Object.create(handle),
    new Proxy(handle, {}),
    handle,
  ];
  const functions = Object.entries(addon).flatMap(([name, fn]: [string, unknown]) =>
    typeof fn === 'function' && name !== 'close' ? [fn as (...args: unknown[]) => unknown] : [],
  );
  for (let i = 0; i < 20_000; i++) {
    const args = Array.from({ length: dice(5) }, () => values[dice(values.length)]);
    try {
      const got = functions[dice(functions.length)]?.(...args);
      if (typeof got === 'object' && got !== null) addon.close(got);
    } catch (error) {
      check(error instanceof Error, 'an error is an error');
    }
  }
  addon.close(handle);
  addon.close(handle);
  for (const value of values) {
    try {
      addon.close(value as UdpHandle);
    } catch (error) {
      check(error instanceof TypeError, 'close refuses what is no socket');
    }
  }
}

/** Nothing outside the buffer is read, whatever the descriptors say. */
function wrongDescriptors(): void {
  const { handle, port } = open(() => undefined);
  const numbers = [0, 1, -1, 15, 16_383, 16_384, 65_507, 65_536, 278_527, 278_528, 278_529, 0x7fffffff, -0x80000000];
  for (let round = 0; round < 500; round++) {
    for (let i = 0; i < 64; i++) {
      describe(
        i,
        dice(4) === 0 ? (numbers[dice(numbers.length)] ?? 0) : port,
        numbers[dice(numbers.length)] ?? 0,
        numbers[dice(numbers.length)],
      );
      if (dice(3) === 0)
        for (let at = word.scope; at < descriptorWords; at++)
          out[i * descriptorWords + at] = numbers[dice(numbers.length)] ?? 0;
    }
    addon.send(handle, 0, 64);
  }
  addon.close(handle);
}

/** Datagrams of all lengths arrive whole; what is thrown in between is nobody's trouble but the process's. */
async function traffic(): Promise<void> {
  let received = 0;
  let bytes = 0;
  let thrown = 0;
  const incoming = new Int32Array(addon.incoming, 0, 64 * descriptorWords);
  const onThrown = (): void => {
    thrown++;
  };
  process.on('uncaughtException', onThrown);
  const receiver = open((event, count) => {
    if (event !== 0) return;
    for (let i = 0; i < count; i++) bytes += incoming[i * descriptorWords + word.length] ?? 0;
    received += count;
    throw new RangeError('from within');
  });
  const from = sender();
  let sent = 0;
  let expected = 0;
  const isComplete = (): boolean => received === expected;
  for (let round = 0; round < 40; round++) {
    let length = 0;
    for (let i = 0; i < 100; i++) {
      const one = i === 0 ? 65_507 : i === 1 ? 0 : dice(200);
      describe(i, receiver.port, one);
      length += one;
    }
    await from.send(100);
    for (let i = 0; i < 100; i++) check(out[i * descriptorWords + word.result] === 0, 'it is sent');
    sent += length;
    expected += 100;
    await until(isComplete, 'all arrives');
  }
  check(bytes === sent, 'every byte arrives');
  check(thrown > 0, 'what is thrown is seen');
  process.off('uncaughtException', onThrown);
  addon.close(receiver.handle);
  addon.close(from.handle);
}

/** Closed within its own event, with more to read. */
async function closedFromWithin(): Promise<void> {
  for (let round = 0; round < 50; round++) {
    let events = 0;
    const { handle, port } = open(() => {
      events++;
      addon.close(handle);
      globalThis.gc?.();
    });
    for (let i = 0; i < 200; i++) describe(i, port, 10);
    const other = sender();
    await other.send(200);
    await until(() => events === 1, 'it is told once');
    addon.close(other.handle);
    try {
      addon.send(handle, 0, 1);
      check(false, 'a closed socket sends nothing');
    } catch (error) {
      check(error instanceof Error, 'and says so');
    }
  }
  globalThis.gc?.();
  await setImmediate();
  globalThis.gc?.();
}

/** A socket that is held keeps what comes until it is adopted; nothing that is no such socket is. */
async function held(): Promise<void> {
  for (const descriptor of [-1, 0, 1, 2, 9999, 0x7fffffff]) {
    const refused = addon.open(optionWords(0, openFlag.adopt, descriptor), () => undefined);
    check(typeof refused === 'number' && refused < 0, `descriptor ${descriptor} is refused`);
  }
  const options = optionWords(0, openFlag.packetInfo | openFlag.reusePort);
  const descriptor = addon.hold(options);
  const port = options[openWords.port] ?? 0;
  check(descriptor > 0 && port > 0, 'a socket is held');
  check(addon.hold(optionWords(port, 0)) < 0, 'and its port is taken for whoever does not share it');
  for (const none of [-1, 0, 9999]) check(addon.divideByConnectionId(none) < 0, `descriptor ${none} divides nothing`);
  check(addon.divideByConnectionId(descriptor) === 0, 'its datagrams can be divided by Connection IDs');
  const wrongFamily = optionWords(0, openFlag.adopt, descriptor);
  wrongFamily[openWords.family] = 6;
  check(addon.open(wrongFamily, () => undefined) === -22, 'it is not adopted as one of another family');
  const { handle, send } = sender();
  for (let i = 0; i < 100; i++) describe(i, port, 10);
  await send(100);
  let received = 0;
  const adopted = optionWords(0, openFlag.adopt, descriptor);
  const owner = addon.open(adopted, (event, value) => {
    if (event === 0) received += value;
  });
  if (typeof owner === 'number') throw new RangeError(`adopt: ${owner}`);
  check(adopted[openWords.port] === port, 'it says its port');
  await until(() => received === 100, 'what came before is read');
  addon.close(owner);
  addon.close(handle);
}

/** In a thread of its own, which is left in the middle of it. */
async function inThread(): Promise<void> {
  const { handle, port } = open(() => undefined);
  const sockets = Array.from({ length: 20 }, () => open(() => undefined));
  for (let i = 0; i < 200; i++) describe(i, port, 100);
  addon.send(handle, 0, 200);
  parentPort?.postMessage('ready');
  if (mode === 'detach') {
    structuredClone(null, { transfer: [addon.outgoing, addon.incoming] });
    try {
      addon.send(handle, 0, 200);
      check(false, 'nothing is sent from a buffer that is gone');
    } catch (error) {
      check(error instanceof Error, 'and it says so');
    }
    await setImmediate();
    await setImmediate();
    for (const one of sockets) addon.close(one.handle);
    addon.close(handle);
  } else if (mode === 'exit') process.exit(0);
  else if (mode === 'terminate') for (;;) addon.send(handle, 0, 200);
  // idle: the sockets keep it alive
}

async function threads(): Promise<void> {
  for (const each of ['detach', 'exit', 'terminate', 'idle', 'terminate', 'idle']) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { file, mode: each } });
    const exited = once(worker, 'exit') as Promise<[number]>;
    await once(worker, 'message');
    if (each === 'terminate' || each === 'idle') await worker.terminate();
    const [code] = await exited;
    check(code === (each === 'terminate' || each === 'idle' ? 1 : 0), `a thread that does ${each} ends with ${code}`);
  }
}

if (isMainThread) {
  wrongArguments();
  wrongDescriptors();
  await traffic();
  await closedFromWithin();
  await held();
  await threads();
  // One is left open: the process ends all the same.
  open(() => undefined);
  process.stdout.write('exercised\n', () => process.exit(0));
} else await inThread();
