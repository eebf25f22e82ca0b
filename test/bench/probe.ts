/** One request and its answer, before the load: the server is there, and this is its ETag. */
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { codeClass, dotted, method } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findOption, optionNumber, stringOption, uintOption, type Option } from '../../src/coap/codec/options.ts';
import { emptyBytes, hex } from '../../src/core/bytes.ts';
import { InternalError } from '../../src/core/error.ts';
import { counter, digits, type Call } from './calls.ts';
import { contestants } from './contestants.ts';
import type { Server } from './servers.ts';

export interface Probed {
  /** In hexadecimal. */
  readonly etag: string | undefined;
  /** From the start of the process to this answer, to some 10 ms. */
  readonly startUpMs: number;
}

const patienceMs = 60_000;
const intervalMs = 10;

function messageOf(call: Call): Message {
  const options: Option[] = call.path
    .replace(digits, '00000')
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => stringOption(optionNumber.uriPath, segment));
  if (call.payload !== undefined) options.push(uintOption(optionNumber.contentFormat, 60));
  for (const item of call.query?.split('&') ?? []) options.push(stringOption(optionNumber.uriQuery, item));
  const payload = call.payload?.replace(counter, '00010000');
  return {
    type: messageType.CON,
    code: method[call.method],
    messageId: randomBytes(2).readUInt16BE(),
    token: randomBytes(4),
    options,
    payload: payload === undefined ? emptyBytes : Buffer.from(payload, 'hex'),
  };
}

/** Sends copies of one message until there is an answer: a server may take its time to start. */
function answerTo(bytes: Uint8Array, port: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const send = (): void => socket.send(bytes, port, '127.0.0.1', () => {});
    const end = (answer: Uint8Array | undefined): void => {
      clearTimeout(timer);
      clearInterval(repeat);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), patienceMs);
    const repeat = setInterval(send, intervalMs);
    socket.on('message', (answer) => {
      // An empty acknowledgement: the answer follows in a message of its own.
      if (answer[1] !== 0) end(answer);
    });
    send();
  });
}

async function probeCoap(server: Server, call: Call): Promise<string | undefined> {
  const bytes = await answerTo(encodeMessage(messageOf(call)), server.port);
  const { title } = contestants[server.name];
  if (bytes === undefined)
    throw new InternalError(
      'bench-probe',
      `${title} did not answer on port ${server.port} within ${patienceMs / 1000} s. ${server.complaint()}`,
    );
  const answer = decodeMessage(bytes);
  if (isMalformed(answer)) throw new InternalError('bench-probe', `${title} answered with what is no CoAP message.`);
  if (codeClass(answer.code) !== 2)
    throw new InternalError(
      'bench-probe',
      `${title} answered ${dotted(answer.code)} to the call that is measured. ${server.complaint()}`,
    );
  const etag = findOption(answer.options, optionNumber.etag);
  return etag === undefined ? undefined : hex(etag);
}

async function probeHttp({ port, name }: Server, { path, json }: Call): Promise<void> {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    try {
      const headers = { 'content-type': 'application/json' };
      const body = json?.request ?? '';
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { method: 'POST', headers, body });
      if (answer.ok && (await answer.text()) === json?.answer) return;
      throw new InternalError('bench-probe', `${name} answered ${answer.status} to the call that is measured.`);
    } catch (error) {
      if (error instanceof InternalError) throw error;
      await sleep(intervalMs); // nobody listens yet
    }
  }
  throw new InternalError('bench-probe', `${name} did not answer on port ${port} within ${patienceMs / 1000} s.`);
}

/** The load's first request over DTLS finds out the rest; a ClientHello that nobody receives is repeated after a second. */
async function awaitSocket({ listens, name, port, complaint }: Server): Promise<undefined> {
  const until = performance.now() + patienceMs;
  while (!listens()) {
    if (performance.now() > until)
      throw new InternalError('bench-probe', `${name} did not listen on port ${port}. ${complaint()}`);
    await sleep(intervalMs);
  }
}

export async function probe(server: Server, call: Call): Promise<Probed> {
  const { protocol, call: translate } = contestants[server.name];
  const etag = await {
    http: () => probeHttp(server, call),
    coap: () => probeCoap(server, translate(call)),
    coaps: () => awaitSocket(server),
  }[protocol]();
  return { etag: etag ?? undefined, startUpMs: performance.now() - server.startedAt };
}

/** A call that nobody waits for, as NON (RFC 7252 §4.3). */
export async function postOnce(port: number, path: string, query: string): Promise<void> {
  const call: Call = { method: 'GET', path, query, confirmable: false, code: '2.05', answer: undefined };
  const bytes = encodeMessage({ ...messageOf(call), type: messageType.NON, code: method.POST });
  const socket = createSocket('udp4');
  await new Promise((resolve) => {
    socket.send(bytes, port, '127.0.0.1', resolve);
  });
  socket.close();
}
