/** Frames through shared memory: in order, whole, and with nothing believed that the other side wrote. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BrokenRing,
  createRing,
  maxFrameBytes,
  RingReader,
  RingWriter,
} from '../../../../src/functions/runtimes/node/ring.ts';

const pair = (capacity?: number): { memory: SharedArrayBuffer; writer: RingWriter; reader: RingReader } => {
  const memory = createRing(capacity);
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) };
};
const target = new Uint8Array(maxFrameBytes);
const read = (reader: RingReader): number[] | undefined => {
  const length = reader.read(target);
  return length < 0 ? undefined : [...target.subarray(0, length)];
};

describe('a ring', () => {
  it('gives the frames that were put in, in their order, however it wraps and however full it is', () => {
    const frame = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, fc.constant(undefined)), { maxLength: 200 }), (steps) => {
        const { writer, reader } = pair(128);
        const expected: number[][] = [];
        for (const step of steps) {
          if (step === undefined) expect(read(reader)).toEqual(expected.shift());
          else if (writer.write(step, step.length)) expected.push([...step]);
          else expect(expected.length).toBeGreaterThan(0);
        }
        for (const left of expected) expect(read(reader)).toEqual(left);
        expect(reader.empty).toBe(true);
        expect(read(reader)).toBeUndefined();
      }),
    );
  });

  it('goes on where its counters pass 2^32', () => {
    const { memory, reader: _, writer: __ } = pair(128);
    const words = new Int32Array(memory);
    const near = -64;
    words[0] = near;
    words[16] = near;
    const [writer, reader] = [new RingWriter(memory, near), new RingReader(memory, near)];
    for (let i = 0; i < 20; i++) {
      expect(writer.write(Uint8Array.of(i, i), 2)).toBe(true);
      expect(read(reader)).toEqual([i, i]);
    }
  });

  it('takes no frame that is too large for it, and none when it is full', () => {
    const { writer } = pair(128);
    expect(writer.write(new Uint8Array(maxFrameBytes + 1), maxFrameBytes + 1)).toBe(false);
    expect(writer.write(new Uint8Array(60), 60)).toBe(true);
    expect(writer.write(new Uint8Array(60), 60)).toBe(true);
    expect(writer.write(new Uint8Array(1), 1)).toBe(false);
  });

  it('wakes a reader once for each time that it went to sleep', () => {
    const { writer, reader } = pair();
    // A new ring's reader sleeps.
    expect([writer.takeAsleep(), writer.takeAsleep()]).toEqual([true, false]);
    expect(reader.sleep()).toBe(true);
    expect([writer.readerSleeps, writer.takeAsleep(), writer.takeAsleep()]).toEqual([true, true, false]);
    writer.write(Uint8Array.of(1), 1);
    expect(reader.sleep()).toBe(false);
  });
});

describe('damaged memory', () => {
  const damages: readonly (readonly [string, (words: Int32Array) => void])[] = [
    ['an end beyond the ring', (words) => (words[16] = 1 << 20)],
    ['an end before the beginning', (words) => (words[16] = -8)],
    ['an end between words', (words) => (words[16] = 7)],
    ['a frame longer than what was written', (words) => (words[64] = 100)],
    ['a negative length', (words) => (words[64] = -5)],
    ['the largest length', (words) => (words[64] = 0x7fff_ffff)],
    ['an end that says to begin anew', (words) => (words[64] = -1)],
    ['a frame larger than any', (words) => ([words[16], words[64]] = [8192, maxFrameBytes + 1])],
  ];
  it.each(damages)('%s is a BrokenRing', (_name, damage) => {
    const { memory, writer, reader } = pair();
    writer.write(Uint8Array.of(1, 2, 3), 3);
    damage(new Int32Array(memory));
    expect(() => reader.read(target)).toThrow(BrokenRing);
  });

  it('with a frame that goes over its end is a BrokenRing', () => {
    const { memory, writer, reader } = pair(128);
    writer.write(new Uint8Array(60), 60);
    reader.read(target);
    const words = new Int32Array(memory);
    // 64 bytes are left before the end, and the frame says that it has 70.
    [words[16], words[64 + 16]] = [64 + 76, 70];
    expect(() => reader.read(target)).toThrow(BrokenRing);
  });

  it('never makes a reader read without end, or outside of the ring', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(95), fc.integer()), { maxLength: 8 }), (scribbles) => {
        const { memory, writer, reader } = pair(128);
        writer.write(Uint8Array.of(1, 2, 3), 3);
        const words = new Int32Array(memory);
        for (const [at, value] of scribbles) words[at] = value;
        try {
          for (let i = 0; i < 100; i++) if (reader.read(target) < 0) break;
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenRing);
        }
      }),
    );
  });
});
