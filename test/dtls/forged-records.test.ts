import { expect, test } from 'vitest';
import { seconds } from '../../src/core/duration.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import { Link, type InFlight } from './link.ts';

function forgedAndLink(): { forged: InFlight; honest: InFlight; link: Link } {
  const link = new Link({ server: { limits: { ...defaultDtlsLimits, maxForgedRecords: 3 } } });
  const endpoint = link.establish();
  link.mangle = () => [];
  link.say(endpoint, 'transfer 100');
  link.run();
  const honest = link.sent.at(-1);
  if (honest === undefined) throw new Error('nothing was sent');
  const forged = { ...honest, bytes: honest.bytes.map((byte, i) => (i === honest.bytes.length - 1 ? byte ^ 1 : byte)) };
  link.mangle = (datagram) => [datagram];
  return { forged, honest, link };
}

test('an association ends when more tags were guessed at than is safe, and its peer is told (RFC 9147 §4.5.3)', () => {
  const { forged, honest, link } = forgedAndLink();
  for (let i = 0; i < 3; i++) link.deliver(forged);
  expect(link.server.of('closed')).toEqual([]);
  link.deliver(forged);
  link.run();
  expect(link.server.of('closed').map(({ reason }) => reason)).toEqual([{ kind: 'by-us' }]);
  expect(link.client.of('closed').map(({ reason }) => reason)).toEqual([{ kind: 'by-peer', alert: 'close_notify' }]);
  link.deliver(honest);
  expect(link.server.received).toEqual([]);
});

test('what is replayed, too short for a tag, or comes without protection, is no guess', () => {
  const { forged, honest, link } = forgedAndLink();
  for (let i = 0; i < 10; i++) link.deliver(honest);
  for (let i = 0; i < 10; i++) link.deliver(forged);
  // Of a header alone thousands go into a datagram.
  const short = [...honest.bytes.subarray(0, 5), 0, 0, 0, 0, 1, 0, 0, 0];
  link.deliver({ ...honest, bytes: Uint8Array.from(Array.from({ length: 10 }, () => short).flat()) });
  const plain = forged.bytes.with(4, 0);
  for (let i = 0; i < 10; i++) link.deliver({ ...forged, bytes: plain });
  link.advance(seconds(1));
  expect(link.server.of('closed')).toEqual([]);
  expect(link.server.received.map(({ text }) => text)).toEqual(['transfer 100']);
});

test('so many guesses are right at most once in 2^28, with tags of 8 bytes', () => {
  expect(defaultDtlsLimits.maxForgedRecords).toBeLessThanOrEqual(2 ** (64 - 28));
});
