/** Unsafe requests that are kept beyond the end of the process: they wait until that is written, and never run a second time. */
import { describe, expect, test } from 'vitest';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { optionNumber, stringOption } from '../../../src/coap/codec/options.ts';
import type { BegunRequest, KeptRequest, Ledger } from '../../../src/coap/exchange/ledger.ts';
import { response } from '../../../src/coap/response.ts';
import { emptyBytes, utf8 } from '../../../src/core/bytes.ts';
import { milliseconds, minutes, seconds, type Instant } from '../../../src/core/duration.ts';
import { bytesOf, endpointOf, Lockstep, type LockstepOptions } from '../lockstep.ts';

const { CON, NON, ACK } = messageType;
const done = response(responseCode.changed, { payload: utf8('done') });
const path = stringOption(optionNumber.uriPath, 'x');
const token = Uint8Array.of(7, 8);
const post = { code: method.POST, messageId: 5, token, options: [path] };

interface Entry {
  readonly request: BegunRequest;
  readonly settle: (written: boolean, now: Instant) => void;
  reply: Uint8Array | undefined;
}

/** A ledger whose disk is the test: nothing is written until it says so. It keeps who is called `kept…`. */
class Disk implements Ledger {
  readonly fingerprintKey = 0x1234567;
  readonly entries: Entry[] = [];
  room = Infinity;

  keeps({ key }: { readonly key: string }): boolean {
    return key.startsWith('kept');
  }

  begin(request: BegunRequest, settle: Entry['settle']): { answered(reply: Uint8Array): void } | undefined {
    if (this.entries.length >= this.room) return undefined;
    const entry: Entry = { request, settle, reply: undefined };
    this.entries.push(entry);
    return { answered: (reply) => (entry.reply = new Uint8Array(reply)) };
  }

  /** For the next process. */
  kept(): KeptRequest[] {
    return this.entries.map(({ request, reply }) => ({ ...request, reply }));
  }
}

const peerOf = (disk: Disk, more: Partial<LockstepOptions> = {}): Lockstep =>
  new Lockstep(() => done, { ledger: disk, ...more });

const write = (peer: Lockstep, disk: Disk, written = true): Message[] => {
  disk.entries.at(-1)?.settle(written, peer.now);
  return peer.output();
};

describe('an unsafe request of a peer that is kept', () => {
  test.each([method.POST, method.PUT, method.DELETE, method.PATCH, method.iPATCH])(
    'runs only when it is written (code %i), and its reply is kept',
    (code) => {
      const disk = new Disk();
      const peer = peerOf(disk);
      expect(peer.send({ ...post, code }, 'kept')).toEqual([]);
      expect(peer.requests).toEqual([]);
      const [answer] = write(peer, disk);
      expect(answer).toMatchObject({ type: ACK, code: responseCode.changed, messageId: 5 });
      expect(peer.requests).toHaveLength(1);
      expect(disk.entries[0]?.reply).toEqual(answer && bytesOf(answer));
    },
  );

  test('is run once, however often it comes while it waits', () => {
    const disk = new Disk();
    const peer = peerOf(disk);
    for (let count = 0; count < 3; count++) expect(peer.send(post, 'kept')).toEqual([]);
    expect(disk.entries).toHaveLength(1);
    write(peer, disk);
    expect(peer.requests).toHaveLength(1);
  });

  test('gets 5.03 and does not run where it cannot be written, or there is no room', () => {
    const disk = new Disk();
    const peer = peerOf(disk);
    peer.send(post, 'kept');
    expect(write(peer, disk, false)).toMatchObject([
      { type: ACK, code: responseCode.serviceUnavailable, messageId: 5 },
    ]);
    disk.room = 0;
    const [refused] = peer.send({ ...post, messageId: 6 }, 'kept');
    expect(refused).toMatchObject({ type: ACK, code: responseCode.serviceUnavailable, messageId: 6 });
    expect(peer.send({ ...post, messageId: 6 }, 'kept')).toEqual([refused]);
    expect(peer.requests).toEqual([]);
    expect(peer.engine.counters().pending).toBe(0);
  });

  test('is acknowledged when the disk takes longer than the piggyback window; that is what is kept', () => {
    const disk = new Disk();
    const peer = peerOf(disk);
    peer.send(post, 'kept');
    const [empty] = peer.advance(seconds(2));
    expect(empty).toMatchObject({ type: ACK, code: 0, messageId: 5 });
    expect(disk.entries[0]?.reply).toEqual(empty && bytesOf(empty));
    expect(write(peer, disk)).toMatchObject([{ type: CON, code: responseCode.changed }]);
  });

  test('holds room for its body once, and gives it back', () => {
    const disk = new Disk();
    const peer = peerOf(disk, { limits: { maxAssemblyBytes: 1000 } });
    for (let messageId = 0; messageId < 20; messageId++) {
      peer.send({ ...post, messageId, payload: new Uint8Array(600) }, 'kept');
      expect(write(peer, disk)).toMatchObject([{ code: responseCode.changed }]);
    }
    expect(peer.engine.counters().pending).toBe(0);
  });
});

test.each([
  ['a safe request', { ...post, code: method.GET }, 'kept'],
  ['an unsafe request of anybody else', post, 'device'],
])('%s does not wait', (_, request, name) => {
  const disk = new Disk();
  const peer = peerOf(disk);
  expect(peer.send(request, name)).toMatchObject([{ type: ACK, code: responseCode.changed }]);
  expect(disk.entries).toEqual([]);
});

describe('after the process', () => {
  const next = (disk: Disk, peer = peerOf(disk)): Lockstep => {
    expect(peer.engine.restore(endpointOf('kept'), disk.kept(), peer.now)).toBe(true);
    return peer;
  };

  test('a retransmission gets the same bytes, and runs nothing', () => {
    const disk = new Disk();
    const before = peerOf(disk);
    before.send(post, 'kept');
    disk.entries[0]?.settle(true, before.now);
    const [answer] = before.outputBytes();
    const after = next(disk);
    after.engine.receive([{ bytes: bytesOf(post), endpoint: endpointOf('kept'), multicast: false }], after.now);
    expect(after.outputBytes()).toEqual([answer]);
    expect([after.requests.length, disk.entries.length]).toEqual([0, 1]);
  });

  test('of what was not answered, a CON gets 5.03, always the same, and a NON nothing', () => {
    const disk = new Disk();
    const before = peerOf(disk);
    before.send(post, 'kept');
    before.send({ ...post, type: NON, messageId: 6 }, 'kept');
    const after = next(disk);
    const [refused] = after.send(post, 'kept');
    expect(refused).toMatchObject({ type: ACK, code: responseCode.serviceUnavailable, messageId: 5, token });
    expect(after.send(post, 'kept')).toEqual([refused]);
    expect(after.send({ ...post, type: NON, messageId: 6 }, 'kept')).toEqual([]);
    expect(after.requests).toEqual([]);
  });

  test('another request with the same Message ID runs; so does the same one when its time is over', () => {
    const disk = new Disk();
    peerOf(disk).send(post, 'kept');
    const after = next(disk);
    after.send({ ...post, payload: utf8('other') }, 'kept');
    write(after, disk);
    expect(after.requests).toHaveLength(1);
    after.advance(minutes(5));
    after.send(post, 'kept');
    write(after, disk);
    expect(after.requests).toHaveLength(2);
  });

  test('where there is no room for all that was kept, that is said', () => {
    const disk = new Disk();
    const before = peerOf(disk);
    for (const messageId of [1, 2, 3]) before.send({ ...post, messageId }, 'kept');
    const after = peerOf(disk, { limits: { maxUnsafeRecords: 2 } });
    expect(after.engine.restore(endpointOf('kept'), disk.kept(), after.now)).toBe(false);
  });
});

describe('an association’s peer that was heard at another address', () => {
  /** Not on this machine, and not verified by its handshake any more. */
  const elsewhere = { ...endpointOf('far kept'), verified: false };

  test('has shown that it receives there by the ACK of what was sent there, and not of what was sent elsewhere', () => {
    const verified: string[] = [];
    const peer = new Lockstep(() => undefined, { onVerified: ({ key }) => verified.push(key) });
    const receive = (bytes: Uint8Array): Message[] => {
      peer.engine.receive([{ bytes, endpoint: elsewhere, multicast: false }], peer.now);
      return peer.output();
    };
    const answerLater = (messageId: number): number => {
      receive(bytesOf({ code: method.GET, messageId, token, options: [path] }));
      peer.advance(seconds(2));
      const [separate] = peer.respond(peer.requests.at(-1), done);
      expect(separate).toMatchObject({ type: CON, code: responseCode.changed });
      return separate?.messageId ?? 0;
    };
    const first = answerLater(1);
    peer.engine.moved(elsewhere);
    receive(bytesOf({ type: ACK, code: 0, messageId: first, token: emptyBytes }));
    expect(verified).toEqual([]);
    const second = answerLater(2);
    receive(bytesOf({ type: ACK, code: 0, messageId: second, token: emptyBytes }));
    expect(verified).toEqual(['far kept']);
    peer.advance(milliseconds(1));
  });
});
