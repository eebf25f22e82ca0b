/** Both ends of a link in one thread: what postMessage would carry is handed over when the test says so. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokenFrame } from '../../../../src/functions/runtimes/node/frame.ts';
import { Link, type Parcel } from '../../../../src/functions/runtimes/node/link.ts';
import { createRing } from '../../../../src/functions/runtimes/node/ring.ts';

interface Ends {
  readonly sender: Link;
  readonly receiver: Link;
  readonly parcels: Parcel[];
  readonly received: unknown[];
}

function ends(capacity?: number): Ends {
  const [there, back] = [createRing(capacity), createRing(capacity)];
  const parcels: Parcel[] = [];
  const received: unknown[] = [];
  const nothing = (): void => undefined;
  const sender = new Link({
    outgoing: there,
    incoming: back,
    post: (parcel) => parcels.push(parcel),
    frame: nothing,
    message: nothing,
  });
  const receiver = new Link({
    outgoing: back,
    incoming: there,
    post: nothing,
    frame: (reader) => {
      received.push(reader.text());
      reader.end();
    },
    message: (message) => received.push(message),
  });
  return { sender, receiver, parcels, received };
}

const frame = (link: Link, text: string): void => {
  link.begin().text(text);
  link.send();
};

describe('a link', () => {
  it('hands everything on in the order in which it was sent, by whichever way and however late it came', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('frame'), length: fc.nat(120) }),
      fc.constant({ kind: 'message' } as const),
      fc.constant({ kind: 'parcel' } as const),
      fc.constant({ kind: 'drain' } as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { sender, receiver, parcels, received } = ends(256);
        let sent = 0;
        for (const { kind, ...more } of steps) {
          if (kind === 'frame') frame(sender, `${sent++}`.padEnd('length' in more ? more.length : 0));
          else if (kind === 'message') sender.sendMessage(`${sent++}`);
          else if (kind === 'drain') receiver.drain();
          else if (parcels.length > 0) receiver.accept(parcels.shift() ?? null);
        }
        while (parcels.length > 0) receiver.accept(parcels.shift() ?? null);
        while (!receiver.drain());
        expect(received.map(Number)).toEqual(Array.from({ length: sent }, (_, i) => i));
      }),
    );
  });

  it('wakes once for a batch', () => {
    const { sender, receiver, parcels, received } = ends();
    for (const text of ['a', 'b', 'c']) {
      frame(sender, text);
      sender.wake();
    }
    expect(parcels).toEqual([null]);
    receiver.accept(null);
    expect(received).toEqual(['a', 'b', 'c']);
    frame(sender, 'd');
    sender.wake();
    expect(parcels).toHaveLength(2);
  });

  it('carries what is larger than a ring', () => {
    const { sender, receiver, parcels, received } = ends();
    frame(sender, 'first');
    frame(sender, 'x'.repeat(100_000));
    frame(sender, 'last');
    receiver.drain();
    expect(received).toEqual(['first']);
    for (const parcel of parcels) receiver.accept(parcel);
    expect(received.map((text) => String(text).length)).toEqual([5, 100_000, 4]);
  });

  it('lets the event loop turn before it goes on with very many', () => {
    const { sender, receiver, received } = ends();
    for (let i = 0; i < 200; i++) frame(sender, 'x');
    expect(receiver.drain()).toBe(false);
    expect(received.length).toBeLessThan(200);
    expect(receiver.drain()).toBe(true);
    expect(received).toHaveLength(200);
  });

  it('takes no parcel whose frame has another number', () => {
    const { receiver } = ends();
    // An empty text stands behind the number: nothing else is wrong with it.
    const text = [0, 0, 0, 0];
    const accept = (number: number): boolean =>
      receiver.accept({ number, frame: Uint8Array.from([0, 0, 0, 0, ...text]) });
    expect(accept(0)).toBe(true);
    expect(() => accept(1)).toThrow(BrokenFrame);
  });

  it.each([5, 'x', undefined, {}, { number: 0 }, { number: '0', message: 1 }, { number: 0, frame: [0, 0, 0, 0] }])(
    'takes nothing that is no parcel: %j',
    (parcel) => {
      expect(() => ends().receiver.accept(parcel)).toThrow(BrokenFrame);
    },
  );

  it('keeps no parcels without end for one that never comes', () => {
    const { receiver, received } = ends();
    const flood = (): void => {
      for (let number = 1; number <= 70_000; number++) receiver.accept({ number, message: number });
    };
    expect(flood).toThrow(BrokenFrame);
    expect(received).toEqual([]);
  });
});
