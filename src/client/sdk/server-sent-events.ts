/**
 * Server-sent events (WHATWG HTML §9.2) from the body of an answer.
 * Left out: a carriage return alone as the end of a line, and `retry`, since whoever reads asks again by rules of its own.
 */

export interface ServerSentEvent {
  /** Empty where the server gave it none. */
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** @param tooLong what to throw where one event is longer than so many characters */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  maxLength: number,
  tooLong: () => Error,
): AsyncGenerator<ServerSentEvent, void> {
  const decoder = new TextDecoder();
  let text = '';
  /** As much of its end as can be the beginning of an empty line: nothing is looked at with each part of a long event. */
  let tail = '';
  for await (const part of body) {
    const more = decoder.decode(part, { stream: true });
    text += more;
    const fresh = tail + more;
    if (emptyLine.test(fresh)) {
      const blocks = text.split(emptyLine);
      text = blocks.pop() ?? '';
      tail = text.slice(-beginningLength);
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== undefined) yield event;
      }
    } else tail = fresh.slice(-beginningLength);
    if (text.length > maxLength) throw tooLong();
  }
}

/** Ends an event. */
const emptyLine = /\r?\n\r?\n/;
const beginningLength = 3;

/** Undefined for comments, which keep a connection open. */
function eventOf(block: string): ServerSentEvent | undefined {
  let event = '';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ''] = /^([^:]+)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'event') event = value;
    else if (name === 'id') id = value;
    else if (name === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { event, id, data: data.join('\n') };
}
