/**
 * What funcoap's transport costs alone: an engine that turns every datagram into a constant answer behind its
 * own Message ID and token, as servers/limit.c does, over the transport and the driver of the gateway.
 *
 * usage: node echo.ts PORT CODE HEX       CODE as a number (69 is 2.05), HEX: options and payload of the answer
 */
import type { Datagram } from '../../../src/core/datagram.ts';
import { drive, type SansIoEngine } from '../../../src/transport/driver.ts';
import { openListener } from '../../../src/transport/listener.ts';

const [port = '0', codeText = '69', hex = ''] = process.argv.slice(2);
const code = Number(codeText);
const tail = new Uint8Array(Buffer.from(hex, 'hex'));

/** RFC 7252 §3, §4.2: in place of the request's type its answer's, then the code; no more is looked at. */
function answerTo({ bytes, endpoint }: Datagram): Datagram | undefined {
  const [first = 0, asked = 0] = bytes;
  const headBytes = 4 + (first & 0x0f);
  const type = (first >> 4) & 3;
  if (bytes.length < headBytes || type > 1) return undefined;
  if (asked === 0)
    return { bytes: new Uint8Array([0x70, 0, bytes[2] ?? 0, bytes[3] ?? 0]), endpoint, multicast: false };
  const answer = new Uint8Array(headBytes + tail.length);
  // At these lengths quicker than views of the parts.
  for (let i = 0; i < headBytes; i++) answer[i] = bytes[i] ?? 0;
  for (let i = 0; i < tail.length; i++) answer[headBytes + i] = tail[i] ?? 0;
  answer[0] = (first & 0xcf) | ((type === 0 ? 2 : 1) << 4);
  answer[1] = code;
  return { bytes: answer, endpoint, multicast: false };
}

class Echo implements SansIoEngine {
  #output: Datagram[] = [];

  receive(batch: readonly Datagram[]): void {
    for (const datagram of batch) {
      const answer = answerTo(datagram);
      if (answer !== undefined) this.#output.push(answer);
    }
  }

  poll(): void {}

  nextDeadline(): undefined {
    return undefined;
  }

  takeOutput(): readonly Datagram[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}

await drive(new Echo(), (receiver) => openListener({ listen: ['127.0.0.1'], port: Number(port) }, receiver));
