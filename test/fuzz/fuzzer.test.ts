import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Chance } from './chance.ts';
import { Fuzzer } from './fuzzer.ts';
import { mutate } from './mutator.ts';
import { Oracle } from './oracle.ts';
import { PollutionWatch } from './pollution.ts';
import { endpointOf } from './stack.ts';

const fixedSeed = 20_260_101;

test(
  '50,000 nearly right, spoiled and random datagrams: clean answers or silence, and nothing is left of them',
  { timeout: 60_000 },
  async () => {
    const fuzzer = await Fuzzer.open(fixedSeed);
    try {
      await fuzzer.run(50_000);
      await fuzzer.settle();
      const { answers } = fuzzer.report;
      // The fuzzer reaches what it is meant to reach: without these it would test the parser only.
      for (const code of [0x43, 0x44, 0x45, 0x5f, 0x80, 0x82, 0x84, 0x85, 0x86, 0x88, 0x8f, 0x96, 0xa0, 0xa4, 0xa5]) {
        expect(answers.get(code) ?? 0, `answers ${code.toString(16)}`).toBeGreaterThan(0);
      }
    } finally {
      await fuzzer.close();
    }
  },
);

test('the heap is back where it was after 20,000 datagrams, within 4 MB', { timeout: 60_000 }, async () => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const fuzzer = await Fuzzer.open(fixedSeed + 1);
  try {
    await fuzzer.run(10_000);
    await fuzzer.settle();
    const before = heap();
    await fuzzer.run(20_000);
    await fuzzer.settle();
    expect(heap() - before).toBeLessThan(4 << 20);
  } finally {
    await fuzzer.close();
  }
});

test('the same seed makes the same datagrams', () => {
  const run = (): number[] => {
    const chance = new Chance(7);
    return Array.from({ length: 50 }, () => [...mutate(chance.bytes(20), chance, chance.bytes(20))]).flat();
  };
  expect(run()).toEqual(run());
});

test.each([
  ['a response to no request', '50450001'],
  ['not a registered response code', '505e0001'],
  ['acknowledges what was never sent', '60000001'],
  ['what is no message', '6045'],
  ['a device takes 4', '50450001450102030405'],
])('the oracle notices: %s', (fault, digits) => {
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const oracle = new Oracle();
  expect(() => oracle.passed([{ bytes, endpoint: endpointOf('near-1'), multicast: false }])).toThrow(fault);
});

test('the oracle notices a second response, a CON for a NON, and three times too much', () => {
  const oracle = new Oracle();
  const endpoint = endpointOf('far-1');
  const request = { bytes: Uint8Array.of(0x50, 0x01, 0, 1), peer: 'far-1', multicast: false };
  const non = (length: number, id: number): Uint8Array =>
    Uint8Array.from([0x50, 0x45, 0, id, 0xff, ...new Array<number>(length).fill(1)]);
  oracle.sending(request);
  expect(() => oracle.answered(request, [{ bytes: non(200, 1), endpoint, multicast: false }])).toThrow(/unverified/);
  expect(() => oracle.passed([{ bytes: Uint8Array.of(0x40, 0x45, 0, 9), endpoint, multicast: false }])).toThrow(
    /a CON for a NON/,
  );
  oracle.passed([{ bytes: non(1, 2), endpoint, multicast: false }]);
  expect(() => oracle.passed([{ bytes: non(1, 3), endpoint, multicast: false }])).toThrow(/one response too many/);
});

test('writing to a prototype is noticed', () => {
  const watch = new PollutionWatch();
  watch.check();
  Reflect.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true });
  try {
    expect(() => watch.check()).toThrow(/prototype/);
  } finally {
    Reflect.deleteProperty(Object.prototype, 'polluted');
  }
});
