import { describe, expect, test } from 'vitest';
import type { Datagram, DatagramReceiver, DatagramTransport, HelloShares } from '../../src/core/datagram.ts';
import { after, milliseconds, type Instant } from '../../src/core/duration.ts';
import { drive, type SansIoEngine } from '../../src/transport/driver.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { MemoryNetwork } from '../../src/transport/memory.ts';

const at = (ms: number): Instant => ms as Instant;

class CountingScheduler extends ManualScheduler {
  armed = 0;
  override after(...args: Parameters<ManualScheduler['after']>): () => void {
    this.armed++;
    return super.after(...args);
  }
}

/** Answers everything, and does what a test asks of it. */
class Engine implements SansIoEngine {
  deadline: Instant | undefined = undefined;
  readonly polls: Instant[] = [];
  readonly failures: string[] = [];
  output: Datagram[] = [];
  helloShares: HelloShares = { fresh: 1, returning: 1 };
  receive(batch: readonly Datagram[]): void {
    for (const { bytes, endpoint } of batch) this.output.push({ bytes, endpoint, multicast: false });
  }
  poll(now: Instant): void {
    this.polls.push(now);
    if (this.deadline !== undefined && this.deadline <= now) this.deadline = undefined;
  }
  nextDeadline(): Instant | undefined {
    return this.deadline;
  }
  takeOutput(): readonly Datagram[] {
    const output = this.output;
    this.output = [];
    return output;
  }
  sendFailed({ code }: { code: string }): void {
    this.failures.push(code);
  }
}

class Transport implements DatagramTransport {
  readonly addresses = [];
  readonly sent: (readonly Datagram[])[] = [];
  closed = false;
  readonly admitted: HelloShares[] = [];
  endpoint(): never {
    throw new RangeError('not asked for here');
  }
  send(batch: readonly Datagram[]): void {
    this.sent.push(batch);
  }
  admit(shares: HelloShares): void {
    this.admitted.push(shares);
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const datagram = (byte: number): Datagram => ({
  bytes: Uint8Array.of(byte),
  endpoint: {
    key: 'peer',
    remote: { address: '127.0.0.1', port: 1 },
    local: { address: '127.0.0.1', port: 2 },
    loopback: true,
  },
  multicast: false,
});

async function setUp(early: readonly Datagram[] = []) {
  const engine = new Engine();
  const transport = new Transport();
  const scheduler = new CountingScheduler();
  let receiver: DatagramReceiver | undefined;
  const open = (given: DatagramReceiver): Transport => {
    receiver = given;
    if (early.length > 0) given.receive(early);
    return transport;
  };
  const driven = await drive(engine, open, scheduler);
  const receive = (...batch: Datagram[]): void => receiver?.receive(batch);
  return { engine, transport, scheduler, driven, receive, receiver: () => receiver };
}

describe('the driver', () => {
  test('sends what a batch caused as one batch', async () => {
    const { transport, receive } = await setUp();
    receive(datagram(1), datagram(2), datagram(3));
    expect(transport.sent.map((batch) => batch.map(({ bytes }) => bytes[0]))).toEqual([[1, 2, 3]]);
  });

  test('answers what arrived while the transport was opening', async () => {
    const { transport } = await setUp([datagram(9)]);
    expect(transport.sent.flat().length).toBe(1);
  });

  test('tells the transport which ClientHellos are of use when that changes, after a batch and after a deadline', async () => {
    const { engine, transport, scheduler, receive } = await setUp();
    receive(datagram(1));
    expect(transport.admitted).toEqual([]);
    const fewer = { fresh: 0.5, returning: 1 };
    engine.helloShares = fewer;
    receive(datagram(1));
    receive(datagram(1));
    expect(transport.admitted).toEqual([fewer]);
    engine.deadline = at(100);
    receive(datagram(1));
    engine.helloShares = { fresh: 1, returning: 1 };
    scheduler.moveTo(at(100));
    expect(transport.admitted).toEqual([fewer, { fresh: 1, returning: 1 }]);
  });

  test('polls at the deadline, and not before', async () => {
    const { engine, scheduler, receive } = await setUp();
    engine.deadline = at(100);
    receive(datagram(1));
    scheduler.moveTo(at(99.9));
    expect(engine.polls).toEqual([]);
    scheduler.moveTo(at(100));
    expect(engine.polls).toEqual([100]);
  });

  test('sets the timer anew only for an earlier deadline', async () => {
    const { engine, scheduler, receive } = await setUp();
    engine.deadline = at(100);
    for (let i = 0; i < 50; i++) {
      engine.deadline = at(100 + i);
      receive(datagram(i));
    }
    expect(scheduler.armed).toBe(1);
    engine.deadline = at(50);
    receive(datagram(1));
    expect(scheduler.armed).toBe(2);
    scheduler.moveTo(at(50));
    expect(engine.polls).toEqual([50]);
  });

  test('wakes for a deadline that moved later, and then waits for the rest', async () => {
    const { engine, scheduler, receive } = await setUp();
    engine.deadline = at(100);
    receive(datagram(1));
    engine.deadline = at(300);
    scheduler.moveTo(at(100));
    scheduler.moveTo(at(299));
    expect(engine.polls).toEqual([100]);
    scheduler.moveTo(at(300));
    expect(engine.polls).toEqual([100, 300]);
  });

  test('gathers what was woken for in one turn into one batch', async () => {
    const { engine, transport, driven } = await setUp();
    for (const byte of [1, 2, 3]) {
      engine.output.push(datagram(byte));
      driven.wake();
    }
    expect(transport.sent).toEqual([]);
    await Promise.resolve();
    expect(transport.sent.map((batch) => batch.length)).toEqual([3]);
  });

  test('sets the timer for a deadline that appeared outside of a batch', async () => {
    const { engine, scheduler, driven } = await setUp();
    engine.deadline = at(10);
    driven.wake();
    await Promise.resolve();
    scheduler.moveTo(at(10));
    expect(engine.polls).toEqual([10]);
  });

  test('tells the engine what did not leave', async () => {
    const { engine, receiver } = await setUp();
    receiver()?.sendFailed({ endpoint: datagram(1).endpoint, code: 'EHOSTUNREACH' });
    expect(engine.failures).toEqual(['EHOSTUNREACH']);
  });

  test('leaves nothing running when it is closed', async () => {
    const { engine, transport, scheduler, driven, receive } = await setUp();
    engine.deadline = at(10);
    receive(datagram(1));
    await driven.close();
    scheduler.moveTo(at(20));
    receive(datagram(2));
    driven.wake();
    await Promise.resolve();
    expect(engine.polls).toEqual([]);
    expect(transport.sent.length).toBe(1);
    expect(transport.closed).toBe(true);
  });

  test('drives an engine over the network in memory, retransmitting by its clock', async () => {
    /** Sends until it is answered, every 100 ms. */
    class Persistent extends Engine {
      readonly first: Datagram;
      answered: Instant | undefined = undefined;
      constructor(first: Datagram) {
        super();
        this.first = first;
        this.deadline = at(100);
        this.output.push(first);
      }
      override receive(): void {
        this.answered = network.scheduler.now();
        this.deadline = undefined;
      }
      override poll(now: Instant): void {
        if (this.deadline === undefined || this.deadline > now) return;
        this.output.push(this.first);
        this.deadline = after(now, milliseconds(100));
      }
    }
    const network = new MemoryNetwork({ random: () => 0.5, link: { delay: milliseconds(10) } });
    network.link('192.0.2.1', '192.0.2.2', { lose: (_bytes, count) => count < 3 });
    const server = new Engine();
    await drive(server, (r) => network.open({ address: '192.0.2.2', port: 5683 }, r), network.scheduler);
    const silent = { receive: () => undefined, sendFailed: () => undefined };
    const probe = network.open({ address: '192.0.2.1', port: 1000 }, silent);
    const endpoint = probe.endpoint({ address: '192.0.2.2', port: 5683 });
    await probe.close();
    const client = new Persistent({ bytes: Uint8Array.of(1), endpoint, multicast: false });
    await drive(client, (r) => network.open({ address: '192.0.2.1', port: 1000 }, r), network.scheduler);
    network.advance(milliseconds(1000));
    expect(client.answered).toBe(220);
  });
});
