/**
 * Answers that come one after the other, as HTTP carries them:
 *
 *   text/event-stream      server-sent events (WHATWG HTML §9.2): `id`, `data`; at last an event `end` or `error`
 *   application/x-ndjson   JSON, an item on each line
 *   application/cbor-seq   RFC 8742
 *
 * The next one is asked for when the connection has taken the one before. In the latter two forms a failure ends the
 * connection in the middle, which a client sees as an answer that is not complete. Only events can say that there is nothing yet,
 * which proxies that end silent connections want to hear.
 */
import type { ServerResponse } from 'node:http';
import { textOf } from '../core/bytes.ts';
import type { Scheduler } from '../core/clock.ts';
import { seconds } from '../core/duration.ts';
import type { DoorFlow, FlowForm, FlowPart } from './gateway-face.ts';

export const flowTypes: Readonly<Record<FlowForm, string>> = {
  lines: 'application/x-ndjson',
  events: 'text/event-stream',
  sequence: 'application/cbor-seq',
};

/** The same, but it ends when whoever reads it may not any more. */
export class GuardedFlow implements DoorFlow {
  readonly form: FlowForm;
  readonly tag: string | undefined;
  readonly #flow: DoorFlow;
  readonly #check: () => void;
  #refuse: (error: unknown) => void = () => undefined;

  /** @param check throws then */
  constructor(flow: DoorFlow, check: () => void) {
    this.form = flow.form;
    this.tag = flow.tag;
    this.#flow = flow;
    this.#check = check;
  }

  get count(): number | undefined {
    return this.#flow.count;
  }

  next(): Promise<FlowPart | undefined> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      this.#flow
        .next()
        .then((part) => {
          this.#check();
          resolve(part);
        })
        .catch(reject);
    });
  }

  /** Ends it for whoever waits for what is next, where that may not be told. False then. */
  look(): boolean {
    try {
      this.#check();
      return true;
    } catch (error) {
      this.#refuse(error);
      return false;
    }
  }

  leave(): void {
    this.#flow.leave();
  }
}

/** WHATWG HTML §9.2.7: a comment "every 15 seconds or so". */
const commentEvery = seconds(15);

/** Writes what comes until the end, or until the client has gone. @throws what the flow fails with */
export async function writeFlow(
  raw: ServerResponse,
  flow: DoorFlow,
  first: FlowPart | undefined,
  scheduler: Scheduler,
): Promise<number> {
  let written = 0;
  let stopTimer = (): void => undefined;
  const waitToComment = (): void => {
    stopTimer();
    stopTimer = scheduler.after(commentEvery, () => {
      // What has not been taken yet is sign enough.
      if (!raw.writableNeedDrain) raw.write(':\n\n');
      waitToComment();
    });
  };
  let leave = (): void => undefined;
  raw.once('close', () => leave());
  const next = (): Promise<FlowPart | undefined> =>
    new Promise((resolve, reject) => {
      leave = () => resolve(undefined);
      flow.next().then(resolve, reject);
    });
  const write = async (bytes: string | Uint8Array): Promise<void> => {
    written += bytes.length;
    if (!raw.write(bytes)) await drained(raw);
    if (flow.form === 'events') waitToComment();
  };
  try {
    if (flow.form === 'events') waitToComment();
    for (let part = first ?? (await next()); part !== undefined && !raw.destroyed; part = await next()) {
      if (flow.form === 'sequence') await write(part.bytes);
      else if (flow.form === 'lines') await write(`${textOf(part.bytes) ?? ''}\n`);
      else await write(`id: ${part.id}\ndata: ${textOf(part.bytes) ?? ''}\n\n`);
    }
    if (flow.form === 'events' && !raw.destroyed)
      await write(`event: end\ndata: ${JSON.stringify({ count: flow.count })}\n\n`);
  } finally {
    stopTimer();
  }
  return written;
}

/** The connection has taken what was written, or is gone. */
const drained = async (raw: ServerResponse): Promise<void> => {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      raw.off('drain', done).off('close', done);
      resolve();
    };
    raw.on('drain', done).on('close', done);
  });
};
