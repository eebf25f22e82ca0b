/** What outlives the process, on real files: a process that is killed is a store that nobody closes. */
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  copyFileSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { minutes, seconds, type Milliseconds } from '../../../src/core/duration.ts';
import { timeOfDay } from '../../../src/core/time-of-day.ts';
import type { AssociationSnapshot } from '../../../src/dtls/association-journal.ts';
import type { Session } from '../../../src/dtls/session.ts';
import { AssociationStore, type AssociationStoreOptions } from '../../../src/store/associations/association-store.ts';
import type { KeptAssociation } from '../../../src/store/associations/kept-part.ts';
import { readMarks } from '../../../src/store/associations/mark-file.ts';
import { JournalWriter } from '../../../src/store/associations/journal-writer.ts';
import { SecretSeal } from '../../../src/store/secret-seal.ts';
import { ManualScheduler } from '../../../src/transport/manual-scheduler.ts';
import { patience } from '../../patience.ts';

const key = new Uint8Array(32).fill(7);
const today = timeOfDay(1_800_000_000_000);
const id = (number: number): string => number.toString(16).padStart(8, '0').padEnd(16, 'a');
const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

const snapshot = (number: number, more: Partial<AssociationSnapshot> = {}): AssociationSnapshot => ({
  id: id(number),
  side: 'server',
  endpoint: {
    key: 'not kept',
    remote: { address: '192.0.2.7', port: 5000 + number },
    local: { address: '192.0.2.1', port: 5684 },
    loopback: false,
  },
  identity: { kind: 'psk', name: '7f1c8f7e-0000-4000-8000-00000000000a' },
  cipherSuite: 0xc0a8,
  readKeys: { macKey: bytes(0, 0), key: bytes(16, 1), iv: bytes(4, 2) },
  writeKeys: { macKey: bytes(0, 0), key: bytes(16, 3), iv: bytes(4, 4) },
  ownCid: bytes(6, number),
  peerCid: bytes(3, 9),
  sendSequence: 1024,
  receiveMark: 0,
  maxContentBytes: 16384,
  returnRoutability: true,
  ...more,
});

const session: Session = {
  cipherSuite: 0xc0a8,
  masterSecret: bytes(48, 5),
  identity: { kind: 'psk', name: 'lamp' },
  createdMs: today,
};

let folder: string;
let notices: string[];
let scheduler: ManualScheduler;
/** Its thread takes longer to start than all else here. */
const writer = new JournalWriter();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-associations-'));
  notices = [];
  scheduler = new ManualScheduler();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A process begins; those before it were killed unless they were closed. */
function start(more: Partial<AssociationStoreOptions> = {}): AssociationStore {
  return new AssociationStore({
    folder,
    part: 0,
    seal: new SecretSeal(key),
    bootId: 'this boot',
    maxAssociations: 100,
    maxSessions: 4,
    writer,
    scheduler,
    timeOfDay: () => today,
    onNotice: (_, text) => notices.push(text),
    ...more,
  });
}

/** What was noted is written. */
async function written(store: AssociationStore, number = 1): Promise<void> {
  store.reserve(id(number), 4096);
  await store.settled();
}

const begun = (
  number: number,
  messageId: number,
  expiresIn: Milliseconds = minutes(4),
): Parameters<AssociationStore['begin']>[0] => ({
  associationId: id(number),
  receiveMark: 10 + messageId,
  messageId,
  confirmable: true,
  fingerprint: -messageId,
  expires: timeOfDay(today + expiresIn),
});

const begin = (
  store: AssociationStore,
  request: Parameters<AssociationStore['begin']>[0],
): Promise<(reply: Uint8Array) => void> =>
  new Promise((resolve, reject) => {
    const answered = store.begin(request, (ok) =>
      ok && answered !== undefined ? resolve(answered) : reject(new Error('not written')),
    );
    if (answered === undefined) reject(new Error('refused'));
  });

const one = (store: AssociationStore): KeptAssociation => {
  const [kept, ...others] = store.takeKept();
  if (kept === undefined || others.length > 0) throw new Error('not one');
  return kept;
};

describe('a process that was killed leaves', () => {
  test('associations as they were: keys, address, newest mark, and the end of what was reserved', async () => {
    const store = start();
    const taken = store.opened(snapshot(1));
    store.received(taken, 5);
    store.received(taken, 2 ** 40 + 3);
    const moved = { ...snapshot(1).endpoint, remote: { address: 'fe80::1%wlp0s20f3', port: 65535 } };
    store.moved(id(1), moved);
    await written(store);
    const { slot, place, requests, ...kept } = one(start());
    const { endpoint, ...expected } = snapshot(1, { receiveMark: 2 ** 40 + 3, sendSequence: 4096 });
    expect(kept).toEqual(expected);
    expect([slot, requests]).toEqual([0, []]);
    expect(place).toEqual({ remote: moved.remote, local: endpoint.local, loopback: false });
  });

  test('no keys in the clear, and files that are its owner’s alone', async () => {
    const store = start();
    store.opened(snapshot(1));
    await begin(store, begun(1, 1)).then((answered) => answered(bytes(32, 0x55)));
    await written(store);
    for (const name of readdirSync(folder)) {
      const content = readFileSync(join(folder, name));
      for (const secret of [bytes(16, 1), bytes(16, 3), bytes(32, 0x55)])
        expect(content.includes(Buffer.from(secret))).toBe(false);
      expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    }
  });

  test('nothing of those that were closed, and a place for others', async () => {
    const store = start({ maxAssociations: 1 });
    store.opened(snapshot(1));
    await written(store);
    store.closed(id(1));
    store.opened(snapshot(2));
    store.opened(snapshot(3));
    expect([1, 2, 3].map((number) => store.keeps(id(number)))).toEqual([false, true, false]);
    await written(store, 2);
    expect(one(start()).id).toBe(id(2));
  });

  test('which unsafe requests were begun, what they got, and a mark at least as new', async () => {
    const store = start();
    store.opened(snapshot(1));
    const answered = await begin(store, begun(1, 1));
    await begin(store, begun(1, 2));
    answered(bytes(300, 6));
    await written(store);
    const kept = one(start());
    expect(kept.receiveMark).toBe(12);
    expect(kept.requests).toMatchObject([
      { messageId: 1, fingerprint: -1, confirmable: true, reply: bytes(300, 6) },
      { messageId: 2, fingerprint: -2, reply: undefined },
    ]);
    // Still after one more.
    expect(one(start()).requests).toHaveLength(2);
  });

  test('sessions that can be resumed by ID, the newest where there are too many, and not those that were forgotten', async () => {
    const store = start();
    for (let number = 1; number <= 6; number++) store.remembered(bytes(32, number), session);
    store.forgotten(bytes(32, 6));
    await written(store);
    const kept = start().takeKeptSessions();
    expect(new Set(kept.map(({ id }) => id[0]))).toEqual(new Set([3, 4, 5]));
    expect(kept).toHaveLength(3);
    expect(kept[0]?.session).toEqual(session);
  });

  test('and not without one that took the place of another which is forgotten later', async () => {
    const store = start();
    for (let number = 1; number <= 5; number++) store.remembered(bytes(32, number), session);
    store.forgotten(bytes(32, 1));
    await written(store);
    const kept = start().takeKeptSessions();
    expect(new Set(kept.map(({ id }) => id[0]))).toEqual(new Set([2, 3, 4, 5]));
  });

  test('the key that tells requests apart', () => {
    const store = start();
    expect(start().fingerprintKey).toBe(store.fingerprintKey);
  });
});

test('numbers are granted, and unsafe requests may run, only when that is on the way to the disk', async () => {
  const store = start();
  store.opened(snapshot(1));
  const events: string[] = [];
  store.onReserved = (granted) => events.push(`reserved ${granted.get(id(1))}`);
  store.reserve(id(1), 2048);
  const ran = begin(store, begun(1, 1)).then(() => events.push('runs'));
  expect(start().takeKept()).toEqual([]);
  expect(events).toEqual([]);
  await ran;
  expect(events).toEqual(['reserved 2048', 'runs']);
  const kept = one(start());
  expect([kept.sendSequence, kept.requests.length]).toEqual([2048, 1]);
});

test('a mark is on its way to the disk within 10 ms, though nothing else is to be written, also after a silence', async () => {
  const store = start();
  const slot = store.opened(snapshot(1));
  await written(store);
  // Time stands still for the store: what is written now, its thread writes by itself.
  const onDisk = (): number | undefined =>
    readMarks(new Uint8Array(readFileSync(join(folder, '0.marks'))), slot, id(1))?.receiveMark;
  const took = async (mark: number): Promise<number> => {
    const noted = performance.now();
    store.received(slot, mark);
    for (const patience = noted + 5000; onDisk() !== mark && performance.now() < patience;) await turn();
    expect(onDisk()).toBe(mark);
    return performance.now() - noted;
  };
  const times: number[] = [];
  for (let mark = 1; mark <= 20; mark++) times.push(await took(mark));
  await delay(150);
  times.push(await took(21));
  // Other programs may have the processor for a while, and not each time.
  expect(Math.min(...times)).toBeLessThanOrEqual(10);
});

describe('what was written is believed', () => {
  const writeOne = async (more: Partial<AssociationStoreOptions> = {}): Promise<AssociationStore> => {
    const store = start(more);
    store.opened(snapshot(1));
    await begin(store, begun(1, 1));
    await written(store);
    return store;
  };

  test('after the machine was stopped in order', async () => {
    const store = await writeOne();
    await store.close();
    expect(one(start({ bootId: 'another boot' })).requests).toHaveLength(1);
    expect(notices).toEqual([]);
  });

  test('not after it was not: all is forgotten, with one sentence', async () => {
    await writeOne();
    const store = start({ bootId: 'another boot' });
    expect(store.takeKept()).toEqual([]);
    expect(notices).toEqual([expect.stringContaining('the machine was not stopped in order')]);
    expect(start({ bootId: 'another boot' }).takeKept()).toEqual([]);
  });

  test('not where the system does not say which boot it is, unless the process was stopped in order', async () => {
    const store = await writeOne({ bootId: undefined });
    expect(start({ bootId: undefined }).takeKept()).toEqual([]);
    await store.close();
  });

  test('not where the files are copies, which may be of an earlier time', async () => {
    await writeOne();
    const path = join(folder, '0.marks');
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
    expect(start().takeKept()).toEqual([]);
    expect(notices).toEqual([expect.stringContaining('the files are copies')]);
  });

  test.each([true, false])(
    'nor where all are put back in their places, times and all: stopped in order %s',
    async (inOrder) => {
      const store = await writeOne();
      if (inOrder) await store.close();
      const backup = readdirSync(folder).map((name) => {
        const path = join(folder, name);
        return { path, content: readFileSync(path), at: statSync(path).mtime };
      });
      one(start());
      for (const { path, content, at } of backup) {
        writeFileSync(path, content);
        utimesSync(path, at, at);
      }
      expect(start().takeKept()).toEqual([]);
      expect(notices).toEqual([expect.stringContaining('the files are copies')]);
    },
  );

  test('not with another key file', async () => {
    await writeOne();
    expect(start({ seal: new SecretSeal(bytes(32, 1)) }).takeKept()).toEqual([]);
  });

  test('each association for itself: one that is damaged, or whose mark is another’s, is forgotten alone', async () => {
    const store = start();
    for (const number of [1, 2, 3]) store.opened(snapshot(number));
    await written(store);
    damage(join(folder, '0.associations'), 640 + 40);
    damage(join(folder, '0.marks'), 32);
    expect(one(start()).id).toBe(id(1));
    expect(notices).toEqual([expect.stringContaining('2 of 3 DTLS sessions')]);
  });

  test('a log whose last write was cut short, without it', async () => {
    const store = await writeOne();
    await begin(store, begun(1, 2));
    const path = join(folder, '0.requests.1');
    truncateSync(path, statSync(path).size - 1);
    expect(one(start()).requests.map(({ messageId }) => messageId)).toEqual([1]);
    expect(notices).toEqual([]);
  });

  test('a log that is damaged elsewhere, not at all: it does not know what has run', async () => {
    const store = await writeOne();
    await begin(store, begun(1, 2));
    damage(join(folder, '0.requests.1'), 70);
    expect(start().takeKept()).toEqual([]);
    expect(notices).toEqual([expect.stringContaining('the log of their requests is damaged')]);
  });
});

test('the log of requests is as long as what is in it is of use', async () => {
  let now = today;
  const store = start({ timeOfDay: () => now });
  store.opened(snapshot(1));
  for (let minute = 0; minute < 10; minute++) {
    await begin(store, { ...begun(1, minute), expires: timeOfDay(now + minutes(2)) });
    now = timeOfDay(now + minutes(1));
  }
  expect(readdirSync(folder).filter((name) => name.includes('requests')).length).toBeLessThanOrEqual(3);
});

describe('while it cannot be written', () => {
  test('no unsafe request begins and no number is granted; then all goes on', async () => {
    const store = start();
    store.opened(snapshot(1));
    // In the way of the log's next file.
    const obstacle = join(folder, '0.requests.1');
    mkdirSync(obstacle);
    const granted: number[] = [];
    store.onReserved = (all) => granted.push(...all.values());
    await expect(begin(store, begun(1, 1))).rejects.toThrow('not written');
    store.reserve(id(1), 2048);
    await expect(begin(store, begun(1, 2))).rejects.toThrow('refused');
    expect(notices).toEqual([expect.stringMatching(/cannot be written: .*EEXIST.* get 5\.03/)]);
    scheduler.advance(seconds(1));
    expect([granted, notices.length]).toEqual([[], 1]);
    rmdirSync(obstacle);
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        scheduler.advance(seconds(1));
        if (granted.length === 0) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    expect(notices[1]).toContain('can be written again');
    await begin(store, begun(1, 3));
    const kept = one(start());
    expect(kept.sendSequence).toBe(2048);
    expect(kept.requests.map(({ messageId }) => messageId)).toContain(3);
  });
});

describe('a process that ends while it cannot be written', () => {
  const obstacle = (): string => join(folder, '0.requests.1');

  async function failing(): Promise<AssociationStore> {
    const store = start();
    store.opened(snapshot(1));
    await written(store);
    mkdirSync(obstacle());
    // Answered 5.03: what came with this record, and with those after it, must not be read again by whoever has recorded it.
    await expect(begin(store, begun(1, 1))).rejects.toThrow('not written');
    return store;
  }

  test('leaves nothing that is believed, however it ends', async () => {
    await failing();
    rmdirSync(obstacle());
    expect(start().takeKept()).toEqual([]);
    expect(notices.at(-1)).toContain('the disk did not take what was to be written');
  });

  test('also where it is stopped in order', async () => {
    const own = new JournalWriter();
    const store = start({ writer: own });
    store.opened(snapshot(1));
    await written(store);
    // In the way of this file, and of the one that is tried with the last write.
    const obstacles = [obstacle(), join(folder, '0.requests.2')];
    for (const path of obstacles) mkdirSync(path);
    await expect(begin(store, begun(1, 1))).rejects.toThrow('not written');
    await store.close();
    for (const path of obstacles) rmdirSync(path);
    expect(start().takeKept()).toEqual([]);
  });

  test('leaves all of it once it could be written again', async () => {
    const store = await failing();
    store.received(0, 77);
    rmdirSync(obstacle());
    scheduler.advance(seconds(1));
    await vi.waitFor(() => expect(notices.at(-1)).toContain('can be written again'), patience);
    await begin(store, begun(1, 80));
    expect(one(start()).receiveMark).toBe(90);
  });

  test('is not believed before its state could be written again too', async () => {
    const store = await failing();
    rmdirSync(obstacle());
    mkdirSync(join(folder, '0.state.new'));
    scheduler.advance(seconds(1));
    await delay(50);
    expect(notices.some((text) => text.includes('can be written again'))).toBe(false);
    await expect(begin(store, begun(1, 2))).rejects.toThrow('refused');
    rmdirSync(join(folder, '0.state.new'));
    await vi.waitFor(() => {
      scheduler.advance(seconds(1));
      expect(notices.at(-1)).toContain('can be written again');
    }, patience);
    await begin(store, begun(1, 3));
    expect(one(start()).requests.map(({ messageId }) => messageId)).toContain(3);
  });
});

test('the thread that writes is there before anything is to be written, so that the first association does not wait for it', async () => {
  const own = new JournalWriter();
  const threads = once(process, 'worker', { signal: AbortSignal.timeout(1000) });
  start({ writer: own });
  await threads;
  await own.close();
});

function damage(path: string, at: number): void {
  const content = readFileSync(path);
  content[at] = (content[at] ?? 0) ^ 1;
  writeFileSync(path, content, { flag: 'r+' });
}
