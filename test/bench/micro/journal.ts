/**
 * What a DTLS record costs, received and answered, and what of it is what lets associations outlive the process (docs/decisions/0010):
 * two engines with the same devices, one with a store on disk and one without, in turn. The gateway's thread alone, and
 * the processor time of all threads, as the store writes on one of its own. And what it costs to write that an unsafe request
 * begins, before it runs, and how it was answered.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { utf8 } from '../../../src/core/bytes.ts';
import type { Datagram, Endpoint } from '../../../src/core/datagram.ts';
import { InternalError } from '../../../src/core/error.ts';
import { timeOfDay } from '../../../src/core/time-of-day.ts';
import type { AssociationEndpoint } from '../../../src/dtls/association.ts';
import { cipherSuites } from '../../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../../src/dtls/crypto.ts';
import { DtlsEngine } from '../../../src/dtls/engine.ts';
import { defaultDtlsLimits, defaultDtlsOptions } from '../../../src/dtls/options.ts';
import type { Crypto } from '../../../src/dtls/primitives.ts';
import { AssociationStore } from '../../../src/store/associations/association-store.ts';
import { JournalWriter } from '../../../src/store/associations/journal-writer.ts';
import { readBootId } from '../../../src/store/associations/part-state.ts';
import { SecretSeal } from '../../../src/store/secret-seal.ts';
import { withNativeCcm } from '../../../src/transport/native-ccm.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { spreadOf } from '../statistics.ts';
import type { StepTime } from './measure.ts';

const devices = 1000;
const recordsEach = 50;
/** As many as the transport hands over at a time. */
const batch = 32;
const rounds = 15;
const question: Uint8Array = new Uint8Array(40);

const endpointOf = (device: number, own: 'device' | 'gateway'): Endpoint => ({
  key: `${own} ${device}`,
  remote: { address: '127.0.0.1', port: own === 'device' ? 5684 : 10_000 + device },
  local: { address: '127.0.0.1', port: own === 'device' ? 10_000 + device : 5684 },
  loopback: true,
});

/** A gateway's engine and its devices, all with an association. */
class Site {
  readonly #gateway: DtlsEngine;
  readonly #client: DtlsEngine;
  readonly #associations: AssociationEndpoint[];

  constructor(crypto: Crypto, store: AssociationStore | undefined) {
    const now = systemScheduler.now();
    const key = utf8('a key of sixteen');
    const common = {
      ...defaultDtlsOptions,
      crypto,
      wallClock: () => Date.now(),
      cipherSuites: cipherSuites.filter(({ name }) => name === 'TLS_PSK_WITH_AES_128_CCM_8'),
      limits: { ...defaultDtlsLimits, maxHellosPerSecond: Infinity, maxHandshakesPerSecond: Infinity },
      connectionId: { length: 6, node: 0 },
    };
    const server = {
      preSharedKey: () => ({ name: 'device', key, allowLegacyMasterSecret: false }),
      allowLegacyMasterSecret: false,
      certificates: [],
      mayResume: () => false,
    };
    this.#gateway = new DtlsEngine({ ...common, server, journal: store }, () => undefined, now);
    this.#client = new DtlsEngine({ ...common, connectionId: undefined }, () => undefined, now);
    if (store !== undefined) {
      store.onReserved = (granted) => {
        for (const [id, until] of granted) this.#gateway.reserved(id, until, systemScheduler.now());
      };
    }
    const credentials = { preSharedKey: { identity: utf8('device'), key } };
    this.#associations = Array.from({ length: devices }, (_, device) => {
      const association = this.#client.connect(endpointOf(device, 'device'), credentials, now);
      while (this.#carry(device) > 0);
      return association;
    });
    if (this.#gateway.counters().associations !== devices) throw new InternalError('bench-micro', 'No association.');
  }

  /** What the devices ask in one round, sealed. */
  questions(): Datagram[] {
    const now = systemScheduler.now();
    return Array.from({ length: recordsEach }, () =>
      this.#associations.flatMap((endpoint, device) => {
        this.#client.send([{ bytes: question, endpoint, multicast: false }], now);
        const own = endpointOf(device, 'gateway');
        return this.#client
          .takeOutput()
          .map(({ bytes }) => ({ bytes: bytes.slice(), endpoint: own, multicast: false }));
      }),
    ).flat();
  }

  /** Returns how many were answered. */
  answer(asked: readonly Datagram[]): number {
    let answered = 0;
    for (let at = 0; at < asked.length; at += batch) {
      const now = systemScheduler.now();
      this.#gateway.receive(asked.slice(at, at + batch), now);
      this.#gateway.send(this.#gateway.takePlaintext(), now);
      answered += this.#gateway.takeOutput().length;
    }
    return answered;
  }

  #carry(device: number): number {
    const now = systemScheduler.now();
    const there = this.#client.takeOutput();
    this.#gateway.receive(
      there.map(({ bytes, multicast }) => ({ bytes, multicast, endpoint: endpointOf(device, 'gateway') })),
      now,
    );
    const back = this.#gateway.takeOutput();
    this.#client.receive(
      back.map(({ bytes, multicast }) => ({ bytes, multicast, endpoint: endpointOf(device, 'device') })),
      now,
    );
    return there.length + back.length;
  }
}

interface Times {
  readonly thread: number[];
  readonly process: number[];
}

export async function journalTimes(): Promise<StepTime[]> {
  const crypto = await withNativeCcm(nodeCrypto);
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-journal-'));
  const store = new AssociationStore({
    folder,
    part: 0,
    seal: new SecretSeal(randomBytes(32)),
    bootId: readBootId(),
    maxAssociations: devices,
    maxSessions: devices,
    writer: new JournalWriter(),
    scheduler: systemScheduler,
    timeOfDay: () => timeOfDay(Date.now()),
    onNotice: (_, text) => process.stderr.write(`${text}\n`),
  });
  try {
    const sites = [
      {
        name: 'DTLS record and answer',
        site: new Site(crypto, undefined),
        times: { thread: [], process: [] } as Times,
      },
      {
        name: 'the same, kept for a restart',
        site: new Site(crypto, store),
        times: { thread: [], process: [] } as Times,
      },
    ];
    for (let round = -2; round < rounds; round++) {
      // Each goes first every other time.
      for (const { site, times } of round % 2 === 0 ? sites : sites.toReversed()) {
        const asked = site.questions();
        // What was noted before is written, and numbers that were asked for are granted.
        await store.settled();
        await turn();
        const began = performance.now();
        const used = process.cpuUsage();
        if (site.answer(asked) !== asked.length) throw new InternalError('bench-micro', 'A record got no answer.');
        const thread = performance.now() - began;
        // What the thread that writes has still to do belongs to these records.
        await store.settled();
        const { user, system } = process.cpuUsage(used);
        if (round < 0) continue;
        times.thread.push((thread * 1e6) / asked.length);
        times.process.push(((user + system) * 1e3) / asked.length);
      }
    }
    if (readdirSync(folder).every((name) => statSync(join(folder, name)).size < 16 * devices))
      throw new InternalError('bench-micro', 'Nothing was kept.');
    const written = await unsafeTimes(store);
    return [
      ...sites.flatMap(({ name, times }) => [
        { name: `${name}, this thread`, nanoseconds: spreadOf(times.thread) ?? none },
        { name: `${name}, all threads`, nanoseconds: spreadOf(times.process) ?? none },
      ]),
      written,
    ];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

/** Is told to the store, answered once it is written, and over when that is noted. */
async function unsafeRequest(store: AssociationStore, messageId: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const answered = store.begin(
    {
      associationId: '0123456789abcdef',
      receiveMark: messageId,
      messageId: messageId & 0xffff,
      confirmable: true,
      fingerprint: messageId,
      expires: timeOfDay(Date.now()),
    },
    () => resolve(),
  );
  if (answered === undefined) throw new InternalError('bench-micro', 'There is no room for a request.');
  await promise;
  answered(question);
}

/** As many as one batch of datagrams brings wait for one write. */
async function unsafeTimes(store: AssociationStore): Promise<StepTime> {
  const groups = 100;
  const perRequest: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const used = process.cpuUsage();
    for (let first = 0; first < groups * batch; first += batch)
      await Promise.all(Array.from({ length: batch }, (_, at) => unsafeRequest(store, first + at)));
    const { user, system } = process.cpuUsage(used);
    if (round >= 0) perRequest.push(((user + system) * 1e3) / (groups * batch));
  }
  return {
    name: `an unsafe request written, ${batch} at once, all threads`,
    nanoseconds: spreadOf(perRequest) ?? none,
  };
}

const none = { median: 0, lowest: 0, highest: 0 };
