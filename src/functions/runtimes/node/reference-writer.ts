/**
 * Writes frames in which references to objects stand among the values. A writer of its own, so that calls without them,
 * which are nearly all, are written without looking for any.
 */
import { ObjectReference } from '../../../core/object-reference.ts';
import type { Value } from '../../../core/value.ts';
import { FrameWriter } from './frame-writer.ts';
import { kind } from './frame.ts';

export class ReferenceWriter extends FrameWriter {
  override value(value: Value, depth?: number): void {
    if (!(value instanceof ObjectReference)) {
      super.value(value, depth);
      return;
    }
    this.byte(kind.reference);
    this.text(value.id);
    const classes = value.classes ?? [];
    this.integer(classes.length);
    for (const name of classes) this.text(name);
  }
}
