/** One request and its answer, before the load: the server is there, and this is its ETag. */
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { codeClass, dotted, method } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findOption, optionNumber, stringOption, uintOption, type Option } from '../../src/coap/codec/options.ts';
import { emptyBytes, hex } from '../../src/core/bytes.ts';
import { InternalError } from '../../src/core/error.ts';
import { counter, type Request } from './scenarios.ts';

function messageOf(request: Request): Message {
  const options: Option[] = request.path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => stringOption(optionNumber.uriPath, segment));
  if (request.payload !== undefined) options.push(uintOption(optionNumber.contentFormat, 60));
  for (const item of request.query?.split('&') ?? []) options.push(stringOption(optionNumber.uriQuery, item));
  const payload = request.payload?.replace(counter, '00010000');
  return {
    type: messageType.CON,
    code: method[request.method],
    messageId: randomBytes(2).readUInt16BE(),
    token: randomBytes(4),
    options,
    payload: payload === undefined ? emptyBytes : Buffer.from(payload, 'hex'),
  };
}

/** The first message that comes back, or undefined where none does in time. */
function answerTo(bytes: Uint8Array, port: number, timeoutMs: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (answer: Uint8Array | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), timeoutMs);
    socket.once('message', (answer) => end(answer));
    socket.once('error', () => end(undefined));
    socket.send(bytes, port, '127.0.0.1');
  });
}

/** Asks until there is an answer: a server may take its time to start. Its ETag in hexadecimal, if it has one. */
export async function probe(server: string, port: number, request: Request): Promise<string | undefined> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const bytes = await answerTo(encodeMessage(messageOf(request)), port, 300);
    if (bytes === undefined) continue;
    const answer = decodeMessage(bytes);
    if (isMalformed(answer)) throw new InternalError('bench-probe', `${server} answered with what is no CoAP message.`);
    if (codeClass(answer.code) !== 2)
      throw new InternalError('bench-probe', `${server} answered ${dotted(answer.code)} to the call that is measured.`);
    const etag = findOption(answer.options, optionNumber.etag);
    return etag === undefined ? undefined : hex(etag);
  }
  throw new InternalError('bench-probe', `${server} did not answer on port ${port} within 15 s.`);
}
