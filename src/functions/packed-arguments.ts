/**
 * Bound arguments as the bytes of a frame. A large body is decoded and bound on a thread of its own, and what comes of it
 * goes through the gateway's thread to the one that runs the function without being made into values there.
 */
import type { Value } from '../core/value.ts';
import { FrameReader } from './runtimes/node/frame-reader.ts';
import { FrameWriter } from './runtimes/node/frame-writer.ts';

export class PackedArguments {
  /** Their number, and each of them: what a run carries (call-frames.ts). */
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  static of(args: readonly Value[]): PackedArguments {
    const writer = new FrameWriter();
    writer.arguments(args);
    return new PackedArguments(writer.bytes.slice(0, writer.length));
  }

  /** Made anew each time. */
  get values(): readonly Value[] {
    return new FrameReader(this.bytes).arguments();
  }
}
