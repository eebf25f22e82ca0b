import { describe, expect, test } from 'vitest';
import { encodeBlock, findBlock, type Szx } from '../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findOption, opaqueOption, optionNumber, stringOption, type Option } from '../../src/coap/codec/options.ts';
import { encodeMessage } from '../../src/coap/codec/rfc7252.ts';
import { response } from '../../src/coap/response.ts';
import { minutes } from '../../src/core/duration.ts';
import { bytesOf, endpointOf, Lockstep } from './lockstep.ts';

const path = stringOption(optionNumber.uriPath, 'x');
const body = new Uint8Array(1000).fill(7);
const long = response(responseCode.content, {
  etag: Uint8Array.of(1, 2, 3, 4),
  contentFormat: 60,
  payload: body,
  kept: true,
});
const block2 = (num: number, szx: Szx): Option =>
  opaqueOption(optionNumber.block2, encodeBlock({ num, more: false, szx }));

describe('amplification to an unverified peer (RFC 7252 §11.3, RFC 9175 §2.4)', () => {
  test.each([0, 4, 8, 13, 64])(
    'with a token of %i bytes no answer is longer than max(3 × request, 136)',
    (tokenLength) => {
      const token = new Uint8Array(tokenLength).fill(1);
      for (let extra = 0; extra < 200; extra += 7) {
        const peer = new Lockstep(() => long);
        const query = stringOption(optionNumber.uriQuery, 'q'.repeat(extra));
        const request = bytesOf({ code: method.GET, messageId: 1, token, options: [path, query] });
        const [answer] = peer.sendBytes(request, 'far');
        expect(answer?.payload.length).toBeGreaterThanOrEqual(16);
        const bytes = answer && encodeMessage(answer);
        expect(bytes?.length).toBeLessThanOrEqual(Math.max(3 * request.length, 136));
        const isCut = (answer?.payload.length ?? 0) < 256;
        expect(findOption(answer?.options ?? [], optionNumber.echo)?.length).toBe(isCut ? 8 : undefined);
      }
    },
  );

  test('a peer on this machine is verified from the start', () => {
    const [answer] = new Lockstep(() => long).send({ code: method.GET, messageId: 1, options: [path] });
    expect(answer?.payload).toHaveLength(256);
    expect(findOption(answer?.options ?? [], optionNumber.echo)).toBeUndefined();
  });

  test('a short answer carries no Echo', () => {
    const peer = new Lockstep(() => response(responseCode.content, { payload: body.subarray(0, 40) }));
    const [answer] = peer.send({ code: method.GET, messageId: 1, options: [path] }, 'far');
    expect(answer?.payload).toHaveLength(40);
    expect(findOption(answer?.options ?? [], optionNumber.echo)).toBeUndefined();
  });

  test('the words of an error are left out rather than cut', () => {
    const peer = new Lockstep(() => response(responseCode.notFound, { contentFormat: 257, payload: body }));
    const [answer] = peer.send({ code: method.GET, messageId: 1, options: [path] }, 'far');
    expect(answer).toMatchObject({ code: responseCode.notFound, payload: new Uint8Array(0) });
    // No format, where nothing is in it.
    expect(findOption(answer?.options ?? [], optionNumber.contentFormat)).toBeUndefined();
  });

  test('the Echo that is returned verifies the address for ten minutes', () => {
    const peer = new Lockstep(() => long);
    const [cut] = peer.send({ code: method.GET, messageId: 1, options: [path] }, 'far');
    const echo = opaqueOption(
      optionNumber.echo,
      findOption(cut?.options ?? [], optionNumber.echo) ?? new Uint8Array(0),
    );
    const size = findBlock(cut?.options ?? [], optionNumber.block2);
    expect(size).toMatchObject({ num: 0, more: true });
    const [next] = peer.send({ code: method.GET, messageId: 2, options: [path, block2(1, 4), echo] }, 'far');
    expect(next?.payload).toHaveLength(256);
    expect(peer.requests).toHaveLength(1);
    peer.advance(minutes(10) - 1);
    expect(peer.send({ code: method.GET, messageId: 3, options: [path] }, 'far')[0]?.payload).toHaveLength(256);
    peer.advance(2);
    expect(peer.send({ code: method.GET, messageId: 4, options: [path] }, 'far')[0]?.payload.length).toBeLessThan(136);
  });

  test('an Echo of another address, a made-up one and an old one verify nothing', () => {
    const peer = new Lockstep(() => long);
    const echoOf = (name: string, messageId: number): Uint8Array => {
      const [answer] = peer.send({ code: method.GET, messageId, options: [path] }, name);
      return findOption(answer?.options ?? [], optionNumber.echo) ?? new Uint8Array(0);
    };
    const own = echoOf('far 1', 1);
    const other = echoOf('far 2', 1);
    expect(other).not.toEqual(own);
    const sizeWith = (echo: Uint8Array, messageId: number): number => {
      const options = [path, opaqueOption(optionNumber.echo, echo)];
      return peer.send({ code: method.GET, messageId, options }, 'far 1')[0]?.payload.length ?? 0;
    };
    expect(sizeWith(other, 2)).toBeLessThan(136);
    expect(sizeWith(new Uint8Array(8), 3)).toBeLessThan(136);
    expect(sizeWith(own.subarray(0, 4), 4)).toBeLessThan(136);
    peer.advance(minutes(10));
    expect(sizeWith(own, 5)).toBeLessThan(136);
  });

  test('an association is verified by its handshake, until it is heard from another address, and again by an Echo from there', () => {
    const peer = new Lockstep(() => long);
    const remote = { address: '198.51.100.7', port: 40_000 };
    const association = { ...endpointOf('far'), key: 'dtls 1', remote, verified: true };
    const ask = (messageId: number, ...options: readonly Option[]): Message | undefined => {
      const bytes = bytesOf({ code: method.GET, messageId, options: [path, ...options] });
      peer.engine.receive([{ bytes, endpoint: association, multicast: false }], peer.now);
      return peer.output()[0];
    };
    expect(ask(1)?.payload).toHaveLength(256);

    const moveTo = (port: number): void => {
      association.remote = { ...remote, port };
      association.verified = false;
      peer.engine.moved(association);
    };
    moveTo(50_000);
    const cut = ask(2);
    expect(cut?.payload.length).toBeLessThan(136);
    const echo = opaqueOption(optionNumber.echo, findOption(cut?.options ?? [], optionNumber.echo) ?? new Uint8Array());
    expect(ask(3, echo)?.payload).toHaveLength(256);
    moveTo(50_001);
    expect(ask(4, echo)?.payload.length).toBeLessThan(136);
  });

  test('a multicast answer is one datagram, cut like any other', () => {
    const peer = new Lockstep(() => long);
    peer.send({ type: messageType.NON, code: method.GET, messageId: 1, options: [path] }, 'far', true);
    const answers = peer.advance(10_000);
    expect(answers).toHaveLength(1);
    expect(answers[0] && encodeMessage(answers[0]).length).toBeLessThanOrEqual(136);
  });
});
