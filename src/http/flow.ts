/**
 * Answers that come one after the other, as HTTP carries them:
 *
 *   text/event-stream      server-sent events (WHATWG HTML §9.2): `id`, `data`; at last an event `end` or `error`
 *   application/x-ndjson   JSON, an item on each line
 *   application/cbor-seq   RFC 8742
 *
 * The next one is asked for when the connection has taken the one before. In the latter two forms a failure ends the
 * connection in the middle, which a client sees as an answer that is not complete.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { textOf } from '../core/bytes.ts';
import type { DoorFlow, FlowForm, FlowPart } from './gateway-face.ts';

export const flowTypes: Readonly<Record<FlowForm, string>> = {
  lines: 'application/x-ndjson',
  events: 'text/event-stream',
  sequence: 'application/cbor-seq',
};

/** Writes what comes until the end. @throws what the flow fails with; the client may have gone then */
export async function writeFlow(raw: ServerResponse, flow: DoorFlow, first: FlowPart | undefined): Promise<number> {
  let written = 0;
  const write = async (bytes: string | Uint8Array): Promise<void> => {
    written += bytes.length;
    if (!raw.write(bytes)) await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
  };
  for (let part = first ?? (await flow.next()); part !== undefined && !raw.destroyed; part = await flow.next()) {
    if (flow.form === 'sequence') await write(part.bytes);
    else if (flow.form === 'lines') await write(`${textOf(part.bytes) ?? ''}\n`);
    else await write(`id: ${part.id}\ndata: ${textOf(part.bytes) ?? ''}\n\n`);
  }
  if (flow.form === 'events' && !raw.destroyed)
    await write(`event: end\ndata: ${JSON.stringify({ count: flow.count })}\n\n`);
  return written;
}
