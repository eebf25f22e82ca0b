/**
 * An object of a class of a library in CBOR: tag 39 ("identifier", draft-bormann-cbor-lang) around its path, a text string.
 *
 *     d8 27                                 tag 39
 *        6b 2f 6f 2f 33 6b 50 30 61 5a 5f 71    "/o/3kP0aZ_q"
 *
 * Written by encode.ts; read only where one of these is asked for. In a batch the tag holds an array, and means something else.
 */
import { ObjectReference, objectIdOf } from '../core/object-reference.ts';
import type { Value } from '../core/value.ts';
import type { OwnTag } from './decode-tags.ts';
import { malformedCbor } from './malformed.ts';

export const referenceTag = 39;

function referenceIn(content: Value, at: number): ObjectReference {
  const id = typeof content === 'string' ? objectIdOf(content) : undefined;
  if (id !== undefined) return new ObjectReference(id);
  throw malformedCbor(`tag ${referenceTag} must hold the path of an object, such as "/o/3kP0aZ_q"`, at);
}

/** For who takes objects. */
export const asReference: OwnTag = { tag: referenceTag, value: referenceIn };

/** For who shows what it gets: the path as text, as JSON has it. */
export const asPath: OwnTag = { tag: referenceTag, value: (content, at) => referenceIn(content, at).path };
