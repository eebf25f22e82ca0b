/** Faults of servers that must not become ours. */
import { expect, test } from 'vitest';
import type { ClientRequest } from '../../src/coap/client.ts';
import type { TransferListener } from '../../src/coap/blockwise/client-transfer.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { optionNumber, uintOption } from '../../src/coap/codec/options.ts';
import { emptyBytes } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { endpointOf, Lockstep } from './lockstep.ts';

interface Ended {
  readonly codes: number[];
  readonly failures: string[];
}

function ask(
  peer: Lockstep,
  request: Partial<ClientRequest>,
): { readonly sent: Message | undefined; readonly ended: Ended } {
  const ended: Ended = { codes: [], failures: [] };
  const listener: TransferListener = {
    answered: ({ code }) => ended.codes.push(code),
    failed: (reason) => ended.failures.push(reason),
    progress: () => undefined,
  };
  const all: ClientRequest = {
    code: method.POST,
    options: [],
    payload: new Uint8Array(10),
    confirmable: true,
    szx: undefined,
    observe: false,
    maxResponseBytes: 1000,
    timeout: seconds(60),
    ...request,
  };
  peer.engine.request(endpointOf('server'), all, listener, peer.now);
  return { sent: peer.output()[0], ended };
}

test('an ACK with a code of a reserved class is ignored (RFC 7252 §4.2, §12.1)', () => {
  for (const code of [0x20, 0x60, 0xc0, 0xe1]) {
    const peer = new Lockstep();
    const { sent, ended } = ask(peer, {});
    const token = sent?.token ?? emptyBytes;
    expect(peer.send({ type: messageType.ACK, code, messageId: sent?.messageId ?? 0, token }, 'server')).toEqual([]);
    expect(ended).toEqual({ codes: [], failures: [] });
    // It has acknowledged nothing: the request is sent again.
    expect(peer.advance(3000)).toMatchObject([{ messageId: sent?.messageId, code: method.POST }]);
  }
});

test('2.31 to a request that is whole: it is not sent again, whatever Block1 says', () => {
  const peer = new Lockstep();
  const { sent, ended } = ask(peer, {});
  const continued = {
    type: messageType.ACK,
    code: responseCode.continue,
    messageId: sent?.messageId ?? 0,
    token: sent?.token ?? emptyBytes,
  };
  expect(peer.send({ ...continued, options: [uintOption(optionNumber.block1, 8)] }, 'server')).toEqual([]);
  expect(ended).toEqual({ codes: [], failures: ['bad-block'] });
  expect(peer.advance(60_000)).toEqual([]);
});

test('a closed port ends what was asked of it at once, and nothing else (RFC 7252 §4.2)', () => {
  for (const confirmable of [true, false]) {
    const peer = new Lockstep();
    const { ended } = ask(peer, { confirmable });
    const waiting = ask(peer, { confirmable }); // confirmable: behind NSTART
    const pinged: string[] = [];
    peer.engine.ping(
      endpointOf('server'),
      { answered: () => pinged.push('answered'), failed: (why) => pinged.push(why) },
      peer.now,
    );
    peer.output();
    peer.engine.sendFailed({ endpoint: endpointOf('somebody else'), code: 'ECONNREFUSED' }, peer.now);
    peer.engine.sendFailed({ endpoint: endpointOf('server'), code: 'ENOBUFS' }, peer.now);
    expect([...ended.failures, ...waiting.ended.failures, ...pinged]).toEqual([]);
    peer.engine.sendFailed({ endpoint: endpointOf('server'), code: 'ECONNREFUSED' }, peer.now);
    expect([ended.failures, waiting.ended.failures, pinged]).toEqual([
      ['unreachable'],
      ['unreachable'],
      ['unreachable'],
    ]);
    expect(peer.advance(100_000)).toEqual([]);
  }
});

test('a request that is acknowledged waits for its answer, whatever became of our last datagram', () => {
  const peer = new Lockstep();
  const { sent, ended } = ask(peer, {});
  peer.send({ type: messageType.ACK, code: 0, messageId: sent?.messageId ?? 0 }, 'server');
  peer.engine.sendFailed({ endpoint: endpointOf('server'), code: 'ECONNREFUSED' }, peer.now);
  expect(ended).toEqual({ codes: [], failures: [] });
});
