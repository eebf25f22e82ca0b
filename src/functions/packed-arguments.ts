/**
 * Bound arguments as the bytes of a frame. A large body is decoded and bound on a thread of its own, and what comes of it
 * goes through the gateway's thread to the one that runs the function without being made into values there.
 */
import { ObjectReference } from '../core/object-reference.ts';
import type { Value } from '../core/value.ts';
import { FrameReader, type FromReference } from './runtimes/node/frame-reader.ts';
import { FrameWriter } from './runtimes/node/frame-writer.ts';
import { ReferenceWriter } from './runtimes/node/reference-writer.ts';

export class PackedArguments {
  /** Their number, and each of them: what a run carries (call-frames.ts). */
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** @param mayRefer references to objects may be among them */
  static of(args: readonly Value[], mayRefer: boolean): PackedArguments {
    const writer = mayRefer ? new ReferenceWriter() : new FrameWriter();
    writer.arguments(args);
    return new PackedArguments(writer.bytes.slice(0, writer.length));
  }

  /** Made anew each time. */
  get values(): readonly Value[] {
    const asReference: FromReference = (id, classes) => new ObjectReference(id, classes);
    return new FrameReader(this.bytes, this.bytes.length, asReference).arguments();
  }
}
