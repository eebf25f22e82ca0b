/**
 * The frequent messages of messages.ts as frames, after the frame's number (link.ts):
 *
 *   run      1 · slot · id · method number · name of the method, where the number is new · remaining · time limit · when it left
 *              · caller (peer, correlation id, groups and identity, apart by zeros) · number of arguments · arguments
 *   done     2 · id · what is there · CBOR · value · tags · objects (id, class, how often given)
 *   yielded  3 · id
 *   heard    4 · id
 */
import type { Milliseconds } from '../../../core/duration.ts';
import { BrokenFrame } from './frame.ts';
import type { FrameReader } from './frame-reader.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { ReadCaller } from '../../../core/principal.ts';
import type { Value } from '../../../core/value.ts';
import type { Caller, GivenObject } from '../../call.ts';
import { PackedArguments } from '../../packed-arguments.ts';
import { Returned } from '../../returned.ts';
import type { FromWorker, RunMessage } from './messages.ts';

const kind = { run: 1, done: 2, yielded: 3, heard: 4 } as const;
const there = { cbor: 1, exact: 2, readIdentity: 4, tags: 8, readPeer: 16, objects: 32 } as const;
const separator = '\0';
const noTags: readonly string[] = [];

/** Methods have numbers in the order in which they are first called on a thread. */
export class RunWriter {
  readonly #numbers = new Map<string, number>();

  /** `at` is the time of day. */
  write(frame: FrameWriter, run: RunMessage, at: number): void {
    frame.byte(kind.run);
    frame.integer(run.slot);
    frame.float(run.id);
    const number = this.#numbers.get(run.method);
    frame.integer(number ?? this.#numbers.size);
    if (number === undefined) {
      frame.text(run.method);
      this.#numbers.set(run.method, this.#numbers.size);
    }
    frame.float(run.remaining);
    frame.float(run.timeLimit);
    frame.float(at);
    const { peer, groups, identity } = run.caller;
    // The identity last: a peer chooses it, and may have put a zero there. No name of a group has a space.
    frame.text(peer + separator + run.correlationId + separator + (groups?.join(' ') ?? '') + separator + identity);
    if (run.args instanceof PackedArguments) frame.raw(run.args.bytes);
    else frame.arguments(run.args);
  }
}

/** A run as the thread sees it. */
export interface ArrivedRun extends Omit<RunMessage, 'kind' | 'caller' | 'correlationId' | 'args'> {
  readonly args: readonly Value[];
  readonly at: number;
  readonly caller: string;
}

export class RunReader {
  readonly #names: string[] = [];

  read(frame: FrameReader): ArrivedRun {
    if (frame.byte() !== kind.run) throw new BrokenFrame('the gateway sends a worker nothing but runs as frames');
    const slot = frame.integer();
    const id = frame.float();
    const method = this.#method(frame);
    const remaining = frame.float() as Milliseconds;
    const timeLimit = frame.float() as Milliseconds;
    const at = frame.float();
    const caller = frame.text();
    const args = frame.arguments();
    frame.end();
    return { slot, id, method, remaining, timeLimit, at, caller, args };
  }

  #method(frame: FrameReader): string {
    const number = frame.integer();
    const known = this.#names[number];
    if (known !== undefined) return known;
    if (number !== this.#names.length) throw new BrokenFrame(`no method has the number ${number}`);
    const name = frame.text();
    this.#names.push(name);
    return name;
  }
}

/** Whose call an arrived run is. */
export function callerOf(caller: string): Caller & { readonly correlationId: string } {
  const first = caller.indexOf(separator);
  const second = caller.indexOf(separator, first + 1);
  const third = caller.indexOf(separator, second + 1);
  const groups = caller.slice(second + 1, third);
  return {
    peer: caller.slice(0, first),
    correlationId: caller.slice(first + 1, second),
    groups: groups === '' ? [] : groups.split(' '),
    identity: caller.slice(third + 1),
  };
}

export function writeDone(
  frame: FrameWriter,
  id: number,
  returned: Returned,
  { readCaller, tags }: { readonly readCaller: ReadCaller; readonly tags: readonly string[] },
  objects?: readonly GivenObject[],
): void {
  const { cbor, exact } = returned;
  frame.byte(kind.done);
  frame.float(id);
  frame.byte(
    (cbor === undefined ? 0 : there.cbor) |
      (exact === undefined ? 0 : there.exact) |
      (readCaller === 'identity' ? there.readIdentity : 0) |
      (readCaller === 'peer' ? there.readPeer : 0) |
      (tags.length === 0 ? 0 : there.tags) |
      (objects === undefined ? 0 : there.objects),
  );
  if (cbor !== undefined) frame.data(cbor);
  if (exact !== undefined) frame.data(exact);
  if (tags.length > 0) {
    frame.integer(tags.length);
    for (const tag of tags) frame.text(tag);
  }
  if (objects === undefined) return;
  frame.integer(objects.length);
  for (const object of objects) {
    frame.text(object.id);
    frame.text(object.class);
    frame.integer(object.times);
  }
}

export function writeSign(frame: FrameWriter, sign: 'yielded' | 'heard', id: number): void {
  frame.byte(kind[sign]);
  frame.float(id);
}

/** @throws BrokenFrame */
export function readFromWorker(frame: FrameReader): FromWorker {
  const what = frame.byte();
  const id = frame.float();
  const message = messageOf(what, id, frame);
  frame.end();
  return message;
}

function messageOf(what: number, id: number, frame: FrameReader): FromWorker {
  switch (what) {
    case kind.yielded:
      return { kind: 'yielded', id };
    case kind.heard:
      return { kind: 'heard', id };
    case kind.done:
      return readDone(id, frame);
    default:
      throw new BrokenFrame(`a worker says ${what}, which means nothing`);
  }
}

function readDone(id: number, frame: FrameReader): FromWorker {
  const flags = frame.byte();
  const cbor = (flags & there.cbor) === 0 ? undefined : frame.data();
  const exact = (flags & there.exact) === 0 ? undefined : frame.data();
  const tags = (flags & there.tags) === 0 ? noTags : readTags(frame);
  const objects = (flags & there.objects) === 0 ? undefined : readObjects(frame);
  const readCaller = (flags & there.readPeer) !== 0 ? 'peer' : (flags & there.readIdentity) !== 0 ? 'identity' : false;
  return { kind: 'done', id, returned: new Returned(cbor, exact), readCaller, tags, objects };
}

function readTags(frame: FrameReader): readonly string[] {
  const tags: string[] = [];
  for (let left = frame.integer(); left > 0; left--) tags.push(frame.text());
  return tags;
}

function readObjects(frame: FrameReader): readonly GivenObject[] {
  const objects: GivenObject[] = [];
  for (let left = frame.integer(); left > 0; left--)
    objects.push({ id: frame.text(), class: frame.text(), times: frame.integer() });
  return objects;
}
