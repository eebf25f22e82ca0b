/** The frequent messages of a worker and the gateway, as frames: what the other side can do to them is a BrokenFrame. */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../../src/core/duration.ts';
import {
  readFromWorker,
  RunReader,
  RunWriter,
  writeSign,
} from '../../../../src/functions/runtimes/node/call-frames.ts';
import { BrokenFrame } from '../../../../src/functions/runtimes/node/frame.ts';
import { FrameReader } from '../../../../src/functions/runtimes/node/frame-reader.ts';
import { FrameWriter } from '../../../../src/functions/runtimes/node/frame-writer.ts';
import type { RunMessage } from '../../../../src/functions/runtimes/node/messages.ts';

const run = (method: string): RunMessage => ({
  kind: 'run',
  id: 7,
  slot: 0,
  method,
  args: [1, 'x'],
  caller: { identity: 'lamp', peer: 'p' },
  correlationId: 'c',
  remaining: milliseconds(100),
  timeLimit: milliseconds(50),
});

const written = (write: (frame: FrameWriter) => void): FrameReader => {
  const frame = new FrameWriter();
  write(frame);
  return new FrameReader(frame.bytes.slice(0, frame.length));
};

describe('a run', () => {
  it('names its method the first time, and says its number from then on', () => {
    const [writer, reader] = [new RunWriter(), new RunReader()];
    const lengths = ['add', 'subtract', 'add', 'subtract'].map((method) => {
      const frame = new FrameWriter();
      writer.write(frame, run(method), 5);
      expect(reader.read(new FrameReader(frame.bytes.slice(0, frame.length)))).toMatchObject({
        method,
        args: [1, 'x'],
      });
      return frame.length;
    });
    expect([lengths[2], lengths[3]]).toEqual([lengths[0], lengths[0]].map((length = 0) => length - 4 - 3));
  });

  it('of a method whose name was never said is broken, and so is what is no run', () => {
    const writer = new RunWriter();
    const [first, second] = ['add', 'subtract'].map((method) =>
      written((frame) => writer.write(frame, run(method), 5)),
    );
    expect(() => new RunReader().read(second ?? written(() => undefined))).toThrow('no method has the number 1');
    expect(new RunReader().read(first ?? written(() => undefined)).method).toBe('add');
    const other = written((frame) => {
      frame.byte(4);
      new RunWriter().write(frame, run('add'), 5);
    });
    expect(() => new RunReader().read(other)).toThrow('nothing but runs');
  });
});

describe('what a worker says', () => {
  it('is a sign of a call', () => {
    const said = (sign: 'yielded' | 'heard'): unknown => readFromWorker(written((frame) => writeSign(frame, sign, 9)));
    expect([said('yielded'), said('heard')]).toEqual([
      { kind: 'yielded', id: 9 },
      { kind: 'heard', id: 9 },
    ]);
  });

  it.each([0, 1, 5, 255])('is broken where it is of kind %s', (kind) => {
    const read = (): unknown =>
      readFromWorker(
        written((frame) => {
          frame.byte(kind);
          frame.float(9);
        }),
      );
    expect(read).toThrow(BrokenFrame);
    expect(read).toThrow('which means nothing');
  });
});
