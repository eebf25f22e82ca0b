import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/error.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { LockFile } from '../../src/functions/lock-file.ts';
import { formatTable, maxId, parseTable, type LibraryNames } from '../../src/functions/lock-table.ts';
import { flat, library, math, oslist } from './lock-names.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-lock-'));
  path = join(folder, 'funcoap.lock.json');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const load = (): Promise<LockFile> => LockFile.load(path);

const refusal = async (text: string): Promise<UsageError> => {
  writeFileSync(path, text);
  const error: unknown = await load().catch((thrown: unknown) => thrown);
  if (error instanceof UsageError) return error;
  throw new Error('it is accepted');
};

describe('ids', () => {
  test('count from 0: libraries in the order of first locking, methods and parameters in order of declaration', async () => {
    const { ids, reason } = await (await load()).assign([oslist, math]);
    expect(reason).toBeUndefined();
    expect(Object.fromEntries(flat(ids))).toEqual({
      'oslist': 0,
      'oslist.list': 0,
      'oslist.list.databasefile': 0,
      'math': 1,
      'math.add': 0,
      'math.add.a': 0,
      'math.add.b': 1,
      'math.sub': 1,
      'math.sub.a': 0,
      'math.sub.b': 1,
    });
  });

  test('survive a restart', async () => {
    const first = await (await load()).assign([oslist, math]);
    expect((await (await load()).assign([math, oslist])).ids).toEqual(first.ids);
    expect((await load()).idsOf('math')).toEqual(first.ids.get('math'));
  });

  test('a parameter or method inserted in the middle shifts nobody', async () => {
    await (await load()).assign([math]);
    const { ids } = await (
      await load()
    ).assign([library('math', { add: ['a', 'carry', 'b'], mul: ['a'], sub: ['b', 'a'] })]);
    expect(Object.fromEntries(flat(ids))).toMatchObject({
      'math.add.a': 0,
      'math.add.b': 1,
      'math.add.carry': 2,
      'math.sub': 1,
      'math.sub.a': 0,
      'math.mul': 2,
    });
  });

  test('what is removed keeps its id until it comes back, and nobody else gets it', async () => {
    await (await load()).assign([math, oslist]);
    await (await load()).assign([library('math', { sub: ['a'], div: ['a'] }), library('new', {})]);
    const { ids } = await (await load()).assign([math, oslist]);
    expect(Object.fromEntries(flat(ids))).toMatchObject({
      'math': 0,
      'oslist': 1,
      'new': 2,
      'math.add': 0,
      'math.div': 2,
      'math.sub.b': 1,
    });
  });

  test("a number in a gap is not given out: it may have been somebody's", async () => {
    writeFileSync(path, '{"version":1,"libraries":{"kept":{"id":4,"methods":{"f":{"id":2,"parameters":{"a":6}}}}}}');
    const { ids } = await (await load()).assign([library('kept', { f: ['b'], g: [] }), math]);
    expect(Object.fromEntries(flat(ids))).toMatchObject({ 'kept.f.b': 7, 'kept.g': 3, 'math': 5 });
  });

  test('names that objects inherit are names like any other', async () => {
    const odd = library('constructor', { toString: ['hasOwnProperty'] });
    const proto: LibraryNames = { name: '__proto__', methods: [{ name: '__proto__', parameters: ['__proto__'] }] };
    const { ids } = await (await load()).assign([odd, proto]);
    expect(flat((await (await load()).assign([odd, proto])).ids)).toEqual(flat(ids));
    expect(ids.get('__proto__')?.methods.get('__proto__')?.parameters.get('__proto__')).toBe(0);
  });

  test('are bounded: what is beyond has none, and the reason says so', async () => {
    const many = Array.from({ length: maxId.parameter + 2 }, (_, i) => `p${i}`);
    const { ids, reason } = await (await load()).assign([library('wide', { f: many })]);
    expect(ids.get('wide')?.methods.get('f')?.parameters.size).toBe(maxId.parameter + 1);
    expect(reason).toMatch(/no number left/);
  });
});

describe('the file', () => {
  test('is readable, sorted by id, one method a line', async () => {
    await (await load()).assign([oslist, library('math', { add: ['a', 'b'], now: [] })]);
    expect(readFileSync(path, 'utf8')).toBe(`{
  "version": 1,
  "libraries": {
    "oslist": {
      "id": 0,
      "methods": {
        "list": { "id": 0, "parameters": { "databasefile": 0 } }
      }
    },
    "math": {
      "id": 1,
      "methods": {
        "add": { "id": 0, "parameters": { "a": 0, "b": 1 } },
        "now": { "id": 1, "parameters": {} }
      }
    }
  }
}
`);
  });

  test('is not touched where everything has its id', async () => {
    await (await load()).assign([math]);
    const text = readFileSync(path, 'utf8').replaceAll('  ', '\t');
    writeFileSync(path, text);
    await (await load()).assign([math]);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('leaves nothing beside itself', async () => {
    await (await load()).assign([math]);
    expect(readdirSync(folder)).toEqual(['funcoap.lock.json']);
  });

  test('is written through a link', async () => {
    const real = join(folder, 'real.json');
    writeFileSync(real, formatTable(new Map()));
    symlinkSync(real, path);
    await (await load()).assign([math]);
    expect(parseTable(readFileSync(real, 'utf8'), 'x').has('math')).toBe(true);
  });

  test.each([
    ['{', /is not JSON/],
    ['', /is not JSON/],
    ['[]', /must hold "version" and "libraries"/],
    ['{"version":2,"libraries":{}}', /has version 2, and this funcoap reads version 1/],
    ['{"version":1,"libraries":{},"more":1}', /must hold "version" and "libraries"/],
    ['{"version":1,"libraries":{"m":{"id":-1,"methods":{}}}}', /an id from 0 to 65535 at libraries\.m/],
    ['{"version":1,"libraries":{"m":{"id":"0","methods":{}}}}', /an id from 0 to 65535/],
    ['{"version":1,"libraries":{"m":{"id":0}}}', /"id" and "methods" at libraries\.m/],
    ['{"version":1,"libraries":{"m":{"id":0,"methods":{}},"n":{"id":0,"methods":{}}}}', /the id 0 to both 'm' and 'n'/],
    [
      '{"version":1,"libraries":{"m":{"id":0,"methods":{"f":{"id":0,"parameters":{"a":1,"b":1}}}}}}',
      /the id 1 to both 'a' and 'b'/,
    ],
    ['{"version":1,"libraries":{"m":{"id":0,"methods":{"f":{"id":0,"parameters":{"a":256}}}}}}', /an id from 0 to 255/],
    ['{\n<<<<<<< ours\n"version":1\n=======\n>>>>>>> theirs\n}', /merge conflict/],
  ])('that is damaged is an error that says how to mend it: %s', async (text, message) => {
    const error = await refusal(text);
    expect(error.code).toBe('lock-file');
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/version control/);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('that is damaged while the gateway runs is not overwritten', async () => {
    const lock = await load();
    await lock.assign([math]);
    writeFileSync(path, '{');
    await expect(lock.assign([oslist])).rejects.toThrow(UsageError);
    expect(readFileSync(path, 'utf8')).toBe('{');
    // What has its ids goes on.
    expect((await lock.assign([math])).reason).toBeUndefined();
  });

  test('put back to an earlier state keeps the ids that are in use', async () => {
    const lock = await load();
    await lock.assign([math]);
    const earlier = readFileSync(path, 'utf8');
    await lock.assign([oslist]);
    writeFileSync(path, earlier);
    const { ids } = await lock.assign([library('third', {})]);
    expect([ids.get('oslist')?.id, ids.get('third')?.id]).toEqual([1, 2]);
    expect((await load()).idsOf('oslist')?.id).toBe(1);
  });
});

describe('a folder that cannot be written', () => {
  const unprivileged = process.getuid?.() !== 0;

  test('leaves new names without ids and says why; known ones keep theirs', async () => {
    const lock = await LockFile.load(join(folder, 'gone', 'funcoap.lock.json'));
    const { ids, reason } = await lock.assign([math]);
    expect(ids.size).toBe(0);
    expect(reason).toMatch(/cannot be written \(ENOENT\), so new functions have no compact id/);
    mkdirSync(join(folder, 'gone'));
    expect((await lock.assign([math])).ids.get('math')?.id).toBe(0);
  });

  test.each(['folder', 'file'])('is noticed by permission: %s', async (what) => {
    await (await load()).assign([math]);
    const before = readFileSync(path, 'utf8');
    chmodSync(what === 'folder' ? folder : path, what === 'folder' ? 0o555 : 0o444);
    try {
      if (unprivileged) {
        const { ids, reason } = await (await load()).assign([math, oslist]);
        expect(reason).toMatch(/cannot be written \(EACCES\)/);
        expect([ids.get('math')?.id, ids.has('oslist')]).toEqual([0, false]);
      } else {
        // Permissions do not bind root: the same, as somebody else.
        if (what === 'file') chmodSync(folder, 0o777);
        const output = execFileSync(process.execPath, ['--input-type=module', '-e', childSource([math, oslist])], {
          uid: 65534,
          gid: 65534,
          encoding: 'utf8',
        });
        expect(JSON.parse(output)).toMatchObject({
          names: ['math'],
          reason: expect.stringMatching(/cannot be written \(EACCES\)/) as string,
        });
      }
      expect(readFileSync(path, 'utf8')).toBe(before);
    } finally {
      chmodSync(folder, 0o755);
    }
  });
});

/** A gateway of its own that assigns ids and prints what it got. */
function childSource(libraries: readonly LibraryNames[]): string {
  const module = fileURLToPath(new URL('../../src/functions/lock-file.ts', import.meta.url));
  return `import { LockFile } from ${JSON.stringify(module)};
    const lock = await LockFile.load(${JSON.stringify(path)});
    let last;
    for (const library of ${JSON.stringify(libraries)}) last = await lock.assign([library]);
    console.log(JSON.stringify({ names: [...last.ids.keys()], reason: last.reason }));`;
}

describe('several gateways', () => {
  test('that write at once lose no id and give none out twice', async () => {
    const gateways = await Promise.all(Array.from({ length: 6 }, load));
    await Promise.all(
      gateways.map((gateway, i) =>
        gateway.assign([library(`own${i}`, { f: ['a'] }), library('common', { [`f${i}`]: [] })]),
      ),
    );
    const table = parseTable(readFileSync(path, 'utf8'), path);
    expect([...table.values()].map((each) => each.id).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(table.get('common')?.methods.size).toBe(6);
    for (const [i, gateway] of gateways.entries()) expect(gateway.idsOf(`own${i}`)).toEqual(table.get(`own${i}`));
  });

  test('in processes of their own do the same', async () => {
    const run = (i: number): Promise<number | null> =>
      new Promise((resolve, reject) => {
        const own = Array.from({ length: 10 }, (_, n) => library(`p${i}-${n}`, { f: ['a'] }));
        const child = spawn(process.execPath, ['--input-type=module', '-e', childSource(own)], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        child.on('error', reject);
        child.on('exit', resolve);
      });
    expect(await Promise.all([run(0), run(1), run(2)])).toEqual([0, 0, 0]);
    const table = parseTable(readFileSync(path, 'utf8'), path);
    expect(table.size).toBe(30);
    expect(readdirSync(folder)).toEqual(['funcoap.lock.json']);
  });

  const options = { staleAfter: seconds(30), waitAtMost: milliseconds(60) };

  test('wait for each other, but not forever', async () => {
    writeFileSync(`${path}.lock`, `${process.pid} ${hostname()} token\n`);
    const { ids, reason } = await (await LockFile.load(path, options)).assign([math]);
    expect(ids.size).toBe(0);
    expect(reason).toMatch(/held by another gateway.*delete it if none is running/);
    expect(existsSync(`${path}.lock`)).toBe(true);
  });

  test('take over from one that died', async () => {
    const gone = execFileSync(process.execPath, ['-e', 'console.log(process.pid)'], { encoding: 'utf8' }).trim();
    writeFileSync(`${path}.lock`, `${gone} ${hostname()} token\n`);
    const gateways = await Promise.all(Array.from({ length: 4 }, load));
    const results = await Promise.all(gateways.map((gateway, i) => gateway.assign([library(`l${i}`, {})])));
    expect(results.map(({ reason }) => reason)).toEqual([undefined, undefined, undefined, undefined]);
    expect(parseTable(readFileSync(path, 'utf8'), path).size).toBe(4);
    expect(readdirSync(folder)).toEqual(['funcoap.lock.json']);
  });

  test('take over from another host only when its file is old', async () => {
    writeFileSync(`${path}.lock`, '1 elsewhere token\n');
    expect((await (await LockFile.load(path, options)).assign([math])).reason).toMatch(/held by another/);
    const old = new Date(Date.now() - 60_000);
    utimesSync(`${path}.lock`, old, old);
    // Also by who has no time left to wait.
    const now = { ...options, waitAtMost: milliseconds(0) };
    expect((await (await LockFile.load(path, now)).assign([math])).reason).toBeUndefined();
  });

  test('a token that is still being written is not taken for left behind', async () => {
    // No process has this number: with its line feed it would be one that died.
    writeFileSync(`${path}.lock`, `999999999 ${hostname()}`);
    expect((await (await LockFile.load(path, options)).assign([math])).reason).toMatch(/held by another/);
  });
});
