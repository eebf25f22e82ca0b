/** Requests with equal words share what follows from them, and only those. */
import { expect, test } from 'vitest';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { optionNumber, stringOption, uintOption } from '../../src/coap/codec/options.ts';
import { response } from '../../src/coap/response.ts';
import { hashRange } from '../../src/core/bytes.ts';
import { Lockstep } from './lockstep.ts';

const ok = response(responseCode.content);
const path = stringOption(optionNumber.uriPath, 'x');
const payload = Uint8Array.of(1, 2, 3);

function wordsOf(...messages: Parameters<Lockstep['send']>[0][]): unknown[] {
  const peer = new Lockstep(() => ok);
  for (const [at, message] of messages.entries()) peer.send({ ...message, messageId: at });
  return peer.requests.map(({ wording }) => wording);
}

test('from the third time on, the same words are the same object, whoever asks under whichever token', () => {
  const peer = new Lockstep(() => ok);
  for (let n = 1; n <= 4; n++) {
    peer.send({ code: method.FETCH, messageId: n, token: Uint8Array.of(n), options: [path], payload }, `device ${n}`);
  }
  const [first, second, third, fourth] = peer.requests.map(({ wording }) => wording);
  expect(first?.remembered).toBe(false);
  expect(second).not.toBe(first);
  expect(second?.remembered).toBe(true);
  expect(third).toBe(second);
  expect(fourth).toBe(second);
});

test('another method, option, payload or length is other words', () => {
  const one = { code: method.FETCH, messageId: 0, options: [path], payload };
  const others = [
    { ...one, code: method.POST },
    { ...one, options: [path, uintOption(optionNumber.accept, 60)] },
    { ...one, payload: Uint8Array.of(1, 2, 4) },
    { ...one, payload: Uint8Array.of(1, 2, 3, 0) },
    { ...one, options: [] },
  ];
  for (const other of others) {
    const words = wordsOf(one, one, one, other, other, other);
    expect(new Set(words.slice(1)).size).toBe(3); // the remembered one, the other's first, the other remembered
  }
});

test('words that are remembered do not change when the datagram they came in does', () => {
  const peer = new Lockstep(() => ok);
  for (let n = 1; n <= 3; n++) peer.send({ code: method.FETCH, messageId: n, options: [path], payload });
  const wording = peer.requests[2]?.wording;
  expect(wording?.payload).toEqual(payload);
  expect(wording?.payload.buffer.byteLength).toBeLessThan(32);
});

test('words longer than 512 bytes are not remembered', () => {
  const long = { code: method.FETCH, messageId: 0, options: [path], payload: new Uint8Array(513) };
  expect(new Set(wordsOf(long, long, long)).size).toBe(3);
});

test('where no words are to be remembered, none are', () => {
  const peer = new Lockstep(() => ok, { limits: { maxWordings: 0 } });
  for (let n = 1; n <= 4; n++) peer.send({ code: method.FETCH, messageId: n, options: [path], payload });
  expect(peer.requests.map(({ wording }) => wording.remembered)).toEqual([false, false, false, false]);
});

test('nearly all of as many requests as there is half the room for are remembered, in whatever order they come', () => {
  const peer = new Lockstep(() => ok, { limits: { maxWordings: 4096 } });
  for (let n = 0; n < 5 * 2000; n++) {
    peer.send({ code: method.FETCH, messageId: n, options: [path], payload: Uint8Array.of(n % 2000, (n % 2000) >> 8) });
  }
  const last = peer.requests.slice(-2000).filter(({ wording }) => wording.remembered);
  expect(last.length).toBeGreaterThan(1900);
});

test('words of more than 16 options are not remembered', () => {
  const many = { code: method.GET, messageId: 0, options: Array.from({ length: 17 }, () => path) };
  expect(new Set(wordsOf(many, many, many)).size).toBe(3);
});

test('words with one hash are told apart by their bytes', () => {
  const contentOf = (n: number): Uint8Array => {
    const more = Math.imul(n, 0x9e3779b1); // what differs in one word alone has never one hash
    return Uint8Array.of(0xff, n, n >> 8, n >> 16, n >> 24, more, more >> 8, more >> 16, more >> 24);
  };
  const key = Math.floor(0.5 * 0x1_0000_0000) | 1; // the test's chance is always a half
  const seen = new Map<number, number>();
  let pair: readonly [number, number] | undefined;
  for (let n = 0; pair === undefined && n < 1_000_000; n++) {
    const hash = hashRange(contentOf(n), 0, 9, method.FETCH, key);
    const other = seen.get(hash);
    if (other !== undefined) pair = [other, n];
    seen.set(hash, n);
  }
  if (pair === undefined) throw new Error('no two of a million have one hash');
  const [one, other] = pair.map((n) => contentOf(n).slice(1));
  const peer = new Lockstep(() => ok);
  for (const [at, asked] of [one, one, one, other, one].entries()) {
    peer.send({ code: method.FETCH, messageId: at, payload: asked ?? payload });
  }
  expect(peer.requests.map((request) => request.payload)).toEqual([one, one, one, other, one]);
});

test('requests with other payloads share their terms, and with other options, methods or paths they do not', () => {
  const send = { code: method.FETCH, messageId: 0, options: [path] };
  const peer = new Lockstep(() => ok);
  for (let n = 1; n <= 5; n++) peer.send({ ...send, messageId: n, payload: Uint8Array.of(n) });
  peer.send({ ...send, messageId: 6 });
  const terms = peer.requests.map(({ wording }) => wording.terms);
  expect(new Set(terms.slice(1)).size).toBe(1);
  expect(peer.requests.map(({ wording }) => wording.payload[0])).toEqual([1, 2, 3, 4, 5, undefined]);
  for (const other of [
    { ...send, code: method.POST },
    { ...send, options: [path, uintOption(optionNumber.accept, 60)] },
  ]) {
    for (let n = 1; n <= 3; n++)
      peer.send({ ...other, messageId: 100 * other.code + 10 * other.options.length + n, payload });
    expect(peer.requests.at(-1)?.wording.terms).not.toBe(terms[2]);
    expect(peer.requests.at(-1)?.wording.terms).toBe(peer.requests.at(-2)?.wording.terms);
  }
});

test('where more is asked for than there is room for, what is remembered stays', () => {
  const peer = new Lockstep(() => ok, { limits: { maxWordings: 64 } });
  const asked = 150;
  for (let n = 0; n < 12 * asked; n++) {
    peer.send({ code: method.FETCH, messageId: n, options: [path], payload: Uint8Array.of(n % asked, 1) });
  }
  const last = new Set(peer.requests.slice(-asked).map(({ wording }) => wording));
  const before = peer.requests.slice(-2 * asked, -asked).filter(({ wording }) => last.has(wording));
  expect(before.length).toBeGreaterThan(32);
});
