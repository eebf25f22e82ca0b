/** Objects, for doors beside CoAP. What may be done with them and how is decided in object-requests.ts. */
import { emptyBytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { after, type Milliseconds } from '../core/duration.ts';
import type { Offer } from '../functions/call-error.ts';
import type { FunctionDescription } from '../functions/description.ts';
import type { DoorAnswer, DoorCall, DoorFlow } from '../http/gateway-face.ts';
import { checkStreamWords } from './control-words.ts';
import { describedAnswer, plainAnswer, valueFormat } from './door-answers.ts';
import {
  boundArguments,
  checkMaking,
  describedClass,
  describedMember,
  memberCall,
  objectRepresentation,
  readObjectWords,
  streamArguments,
  type ObjectVisitor,
} from './object-requests.ts';
import { openStreamFlow } from './door-flows.ts';
import type { Objects } from './objects.ts';
import type { Streams } from './streams/streams.ts';

/** A class was asked: POST makes an object of it. */
export async function askClass(
  objects: Objects,
  of: FunctionDescription,
  { query, safe, accept, body, bodyFormat }: DoorCall,
  visitor: ObjectVisitor,
): Promise<DoorAnswer> {
  const { describe, argumentItems: items } = readObjectWords(query);
  if (describe !== undefined) {
    visitor.access.checkKnown(of, visitor);
    return describedAnswer(describedClass(of, describe, visitor), accept);
  }
  checkMaking(of, safe ? 'ask' : 'call', visitor);
  const made = await objects.make(of, boundArguments(of, { body, bodyFormat, items }), visitor);
  return { ...plainAnswer(emptyBytes, undefined), made };
}

/** What runs streams. */
export interface ObjectStreaming {
  readonly streams: Streams;
  readonly clock: Clock;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
}

/** @param call its path is `o`, an id, and a member, or none where what the object offers is asked */
export async function askObject(
  objects: Objects,
  { path, query, accept, body, bodyFormat, signal, flow }: DoorCall,
  verb: Offer,
  visitor: ObjectVisitor,
  streaming: ObjectStreaming,
): Promise<DoorAnswer | DoorFlow> {
  const [, id = '', name] = path;
  const object = objects.find(id, visitor.caller);
  const { describe, argumentItems: items, stream } = readObjectWords(query);
  if (name === undefined) return describedAnswer(describedClass(object.of, describe ?? 'description', visitor), accept);
  if (describe !== undefined) return describedAnswer(describedMember(object, name, describe, visitor), accept);
  const { fn, operation } = memberCall(object, name, verb, visitor);
  checkStreamWords(stream, fn);
  if (fn.stream === true) {
    const { caller, correlationId, access } = visitor;
    const { streams, clock, timeLimit } = streaming;
    const { part, ...called } = streamArguments(object, boundArguments(fn, { body, bodyFormat, items }));
    return await openStreamFlow({
      streams,
      call: { function: fn, ...called, caller, correlationId, deadline: after(clock.now(), fn.timeLimit ?? timeLimit) },
      part,
      words: stream,
      wish: flow(),
      check: () => access.checkFunction(fn, visitor),
    });
  }
  const wanted = valueFormat(accept);
  const args = boundArguments(fn, { body, bodyFormat, items }, operation);
  const used = await objects.use(object, fn, args, { ...visitor, signal: signal() });
  const { bytes, format, etag } = objectRepresentation(used, wanted);
  const { queued, ran } = used;
  return { ...plainAnswer(bytes, format), etag: verb === 'ask' ? etag : undefined, queued, ran };
}
