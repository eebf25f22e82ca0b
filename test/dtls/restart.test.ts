import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { after, minutes, type Instant } from '../../src/core/duration.ts';
import type { AssociationEndpoint } from '../../src/dtls/association.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import { decodeRecords } from '../../src/dtls/record.ts';
import { reservedBlock } from '../../src/dtls/reservations.ts';
import { MemoryJournal } from './journal.ts';
import { endpointOf, Host, Link, pskClient, pskServer, type InFlight } from './link.ts';

const connectionId = { length: 6, node: 1 };

/** A link whose server can be killed and started again with nothing but its journal. */
class RestartLink extends Link {
  journal = new MemoryJournal();
  #server: Host;

  constructor() {
    const journal = new MemoryJournal();
    super({ server: { connectionId, journal } });
    this.journal = journal;
    this.#server = this.server;
  }

  get running(): Host {
    return this.#server;
  }

  /** SIGKILL, and a new process. */
  restart(): AssociationEndpoint[] {
    this.journal.asked.length = 0;
    this.#server = new Host({ server: pskServer, connectionId, journal: this.journal }, this.now);
    Object.defineProperty(this, 'server', { value: this.#server });
    return [...this.journal.stored.values()].flatMap(
      (snapshot) => this.#server.engine.restore(snapshot, this.now) ?? [],
    );
  }

  write(): void {
    this.journal.write((id, until) => this.running.engine.reserved(id, until, this.now));
  }
}

function connected(): { link: RestartLink; endpoint: AssociationEndpoint } {
  const link = new RestartLink();
  const endpoint = link.establish();
  link.say(endpoint, 'hello');
  link.run();
  return { link, endpoint };
}

const serverEndpoint = (link: RestartLink): AssociationEndpoint => {
  const endpoint = link.running.received.at(-1)?.endpoint;
  if (endpoint === undefined) throw new Error('nothing was heard');
  return endpoint as AssociationEndpoint;
};

describe('an association after the process was killed', () => {
  test('goes on without a handshake, both ways, as the same endpoint', () => {
    const { link, endpoint } = connected();
    const before = serverEndpoint(link);
    const handshakes = link.sent.length;
    const [restored] = link.restart();
    expect(restored?.key).toBe(before.key);
    expect(restored?.association.identity).toEqual({ kind: 'psk', name: 'lamp' });
    link.say(endpoint, 'still there?');
    link.run();
    link.say(serverEndpoint(link), 'yes', link.running);
    link.run();
    expect(link.client.received).toEqual([]); // no number is reserved yet
    link.write();
    link.run();
    expect(link.running.received.map(({ text }) => text)).toEqual(['still there?']);
    expect(link.client.received.map(({ text }) => text)).toEqual(['yes']);
    expect(link.sent.length - handshakes).toBe(2);
  });

  test('goes on from another address too', () => {
    const { link, endpoint } = connected();
    link.restart();
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'moved meanwhile');
    link.run();
    expect(serverEndpoint(link).remote.address).toBe('elsewhere');
    expect(link.running.of('moved')).toHaveLength(1);
  });

  test('keeps the address of before in the journal until the new one is verified', () => {
    const { link, endpoint } = connected();
    const stored = (): string | undefined => [...link.journal.stored.values()][0]?.endpoint.remote.address;
    link.restart();
    link.write();
    link.mangle = (datagram) => (datagram.to === 'client' ? [] : [datagram]);
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'moved meanwhile');
    link.run();
    expect(stored()).toBe('client');
    link.running.engine.verify(serverEndpoint(link), link.now);
    expect(stored()).toBe('elsewhere');
  });

  test('is answered elsewhere at once, and is there when it has answered a path challenge (RFC 9853)', () => {
    const { link, endpoint } = connected();
    link.restart();
    link.write();
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'moved meanwhile');
    link.run();
    expect(link.running.events.map(({ type }) => type)).toEqual(['moved', 'verified']);
    expect([...link.journal.stored.values()][0]?.endpoint.remote.address).toBe('elsewhere');
  });

  test('whose record was not marked in time and is replayed from elsewhere is answered there, and stays where it is', () => {
    const { link, endpoint } = connected();
    const unmarked = link.sent.length;
    const stored = new Map(link.journal.stored);
    link.say(endpoint, 'read, and not marked');
    link.run();
    const captured = link.sent[unmarked];
    if (captured === undefined) throw new Error('nothing was sent');
    for (const [id, snapshot] of stored) link.journal.stored.set(id, snapshot);
    link.restart();
    link.write();
    // Whoever replays it cannot answer what comes back.
    const toAttacker: string[] = [];
    link.mangle = (datagram) => {
      if (datagram.to !== 'client') return [datagram];
      toAttacker.push(serverEndpoint(link).remote.address);
      return [];
    };
    link.deliver({ ...captured, from: 'attacker' });
    link.say(serverEndpoint(link), 'an answer', link.running);
    link.run();
    expect(toAttacker).toContain('attacker');
    expect(serverEndpoint(link).association.endpoint.remote.address).toBe('client');
    // What is said long after goes where it is at home.
    link.now = after(link.now, minutes(5));
    link.say(serverEndpoint(link), 'news', link.running);
    expect(serverEndpoint(link).remote.address).toBe('client');
    expect(serverEndpoint(link).verified).toBe(true);
  });

  test('reads no record that it has read before, wherever it comes from', () => {
    const { link } = connected();
    const captured = link.sent.filter(({ to }) => to === 'server');
    link.restart();
    for (const datagram of captured) link.deliver({ ...datagram, from: 'attacker' });
    expect(link.running.received).toEqual([]);
    expect(link.running.of('moved')).toEqual([]);
  });

  test('uses no nonce twice, however often it is killed and whatever was not written', { timeout: 60_000 }, () => {
    const { link, endpoint } = connected();
    const nonces: string[] = [];
    const seen = (datagrams: readonly InFlight[]): void => {
      for (const { bytes, to } of datagrams) {
        if (to !== 'client') continue;
        for (const { epoch, sequence } of decodeRecords(bytes, 0)) if (epoch === 1) nonces.push(`${epoch}.${sequence}`);
      }
    };
    seen(link.sent);
    for (let kill = 0; kill < 5; kill++) {
      for (let i = 0; i < reservedBlock * 0.8; i++) {
        const start = link.sent.length;
        link.say(endpoint, 'ping');
        link.run();
        link.say(serverEndpoint(link), 'pong', link.running);
        link.run();
        seen(link.sent.slice(start));
        if (kill % 2 === 0) link.write();
      }
      link.restart();
    }
    expect(nonces.length).toBeGreaterThan(reservedBlock * 2);
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  test('sends nothing beyond what is durably reserved, and goes on when it is', () => {
    const { link } = connected();
    const peer = serverEndpoint(link);
    for (let i = 0; i < reservedBlock + 5; i++) link.say(peer, `${i}`, link.running);
    link.run();
    const before = link.client.received.length;
    expect(before).toBeLessThanOrEqual(reservedBlock);
    link.write();
    link.run();
    expect(link.client.received.length).toBeGreaterThan(before);
    expect(link.client.received.length).toBe(reservedBlock + 5);
  });

  test('is forgotten when it was closed', () => {
    const { link, endpoint } = connected();
    link.client.engine.close(endpoint, link.now);
    link.run();
    expect(link.restart()).toEqual([]);
  });

  test('with a suite or a length of Connection ID that is not spoken any more, is not restored', () => {
    const { link } = connected();
    const [snapshot] = link.journal.stored.values();
    if (snapshot === undefined) throw new Error('nothing was stored');
    const host = new Host({ server: pskServer, connectionId: { length: 4, node: 1 } }, link.now);
    expect(host.engine.restore(snapshot, link.now)).toBeUndefined();
    const other = new Host({ server: pskServer, connectionId }, link.now);
    expect(other.engine.restore({ ...snapshot, cipherSuite: 0x1301 }, link.now)).toBeUndefined();
  });
});

test(
  '1000 devices with Connection IDs go on after a kill, each from another address, with no handshake and no nonce twice',
  { timeout: 60_000 },
  () => {
    const journal = new MemoryJournal();
    const now = 1000 as Instant;
    const limits = { ...defaultDtlsLimits, maxHandshakesPerSecond: 1000 };
    const options = { server: pskServer, connectionId, journal, limits };
    let server = new Host(options, now);
    const nonces = new Set<string>();
    const devices = Array.from({ length: 1000 }, (_, i) => {
      const name = `device-${i}`;
      // It does not know that its address changes: that happens at a NAT.
      return { host: new Host({}, now), gateway: endpointOf('server', name), name, address: name };
    });

    /** Carries datagrams between a device and the server until both are silent. */
    const exchange = ({ host, gateway, name, address }: (typeof devices)[number]): void => {
      for (;;) {
        const [up, down] = [host.engine.takeOutput(), server.engine.takeOutput()];
        if (up.length + down.length === 0) return;
        for (const { bytes } of up) server.receive(bytes, endpointOf(address, 'server'), now);
        for (const { bytes } of down) {
          for (const { epoch, sequence } of decodeRecords(bytes, 0)) {
            if (epoch === 0) continue;
            const nonce = `${name}.${sequence}`;
            expect(nonces.has(nonce)).toBe(false);
            nonces.add(nonce);
          }
          host.receive(bytes, gateway, now);
        }
      }
    };
    const associations = devices.map((device) => {
      const endpoint = device.host.engine.connect(device.gateway, pskClient, now);
      exchange(device);
      return endpoint;
    });
    expect(journal.stored.size).toBe(1000);

    server = new Host(options, now);
    for (const snapshot of journal.stored.values()) expect(server.engine.restore(snapshot, now)).toBeDefined();
    journal.write((id, until) => server.engine.reserved(id, until, now));
    devices.forEach((device, i) => {
      const endpoint = associations[i];
      if (endpoint === undefined) throw new Error('there is no association');
      device.address += '/moved';
      device.host.engine.send([{ bytes: utf8(`reading ${i}`), endpoint, multicast: false }], now);
      exchange(device);
      const heard = server.received.at(-1);
      expect(heard?.text).toBe(`reading ${i}`);
      if (heard === undefined) return;
      server.engine.send([{ bytes: utf8(`stored ${i}`), endpoint: heard.endpoint, multicast: false }], now);
      exchange(device);
      expect(device.host.received.map(({ text }) => text)).toEqual([`stored ${i}`]);
    });
    expect(server.of('established')).toEqual([]);
    expect(server.engine.counters()).toMatchObject({ associations: 1000, handshakes: 0 });
  },
);
