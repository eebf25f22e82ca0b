import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { channels } from '../../src/core/channels.ts';
import { openListener } from '../../src/transport/listener.ts';
import { findAddon, type CompileOptions } from '../../src/transport/native/compile.ts';
import { missingAddon } from './native-addon.ts';

const nobody = { receive: () => undefined, sendFailed: () => undefined };

describe('the native addon', { timeout: 60_000 }, () => {
  let folder = '';
  const find = (options: Partial<CompileOptions>): ReturnType<typeof findAddon> =>
    findAddon({ folders: [folder], compiler: 'cc', platform: process.platform, ...options });

  beforeEach(({ skip }) => {
    if (missingAddon !== undefined) skip(missingAddon);
    folder = mkdtempSync(join(tmpdir(), 'funcoap-addon-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is compiled once, and found from then on without a compiler', async () => {
    const first = await find({});
    expect(first).toMatchObject({ file: expect.stringContaining(folder) });
    expect(await find({ compiler: 'no-such-compiler' })).toMatchObject({ file: first.missing ?? first.file });
  });

  test('is compiled in the next folder where the first cannot be written', async () => {
    const found = await find({ folders: ['/proc/funcoap', folder] });
    expect(found).toMatchObject({ file: expect.stringContaining(folder) });
  });

  test('is compiled anew where what is there does not load', async () => {
    const made = await find({});
    const other = join(folder, 'other');
    mkdirSync(other);
    const file = join(other, basename(made.missing ?? made.file));
    writeFileSync(file, 'made for another machine', { mode: 0o755 });
    expect(await find({ folders: [other] })).toMatchObject({ file });
    expect(readFileSync(file).subarray(1, 4).toString()).toBe('ELF');
  });

  test('is neither loaded from nor written to a folder that others can write', async () => {
    await find({});
    chmodSync(folder, 0o777);
    expect((await find({ compiler: 'no-such-compiler' })).missing).toBe(`others can write to ${folder}`);
  });

  test.each([
    [{ compiler: 'no-such-compiler' }, /there is no C compiler: "no-such-compiler" cannot be run .*apt install gcc/],
    [{ compiler: 'false' }, /"false" cannot compile it/],
    [{ folders: ['/proc/funcoap'] }, /nothing can be written to \/proc\/funcoap/],
    [{ folders: [] }, /there is no folder to compile it in/],
    [{ platform: 'darwin' as const }, /it is for Linux only/],
  ])('is missing for a reason: %j', async (options, reason) => {
    expect((await find(options)).missing).toMatch(reason);
  });
});

describe('where there is no native addon', () => {
  const missing = (): Promise<{ missing: string }> => Promise.resolve({ missing: 'there is no C compiler' });
  const notices: unknown[] = [];
  const noticed = (notice: unknown): void => {
    notices.push(notice);
  };
  beforeEach(() => channels.transport.subscribe(noticed));
  afterEach(() => {
    channels.transport.unsubscribe(noticed);
    notices.length = 0;
  });

  test('the portable transport listens, and one notice says why and what it costs', async () => {
    const transport = await openListener({ listen: ['127.0.0.1'], port: 0, receiveBufferBytes: 2048 }, nobody, missing);
    expect(transport.addresses).toHaveLength(1);
    await transport.close();
    expect(notices).toEqual([
      { kind: 'portable-transport', message: expect.stringMatching(/because .*no C compiler\. It moves about half/) },
    ]);
  });

  test('nothing is said where dgram is asked for, and `native` is refused', async () => {
    const options = { listen: ['127.0.0.1'], port: 0, receiveBufferBytes: 2048 };
    await (await openListener({ ...options, transport: 'dgram' }, nobody, missing)).close();
    expect(notices).toEqual([]);
    await expect(openListener({ ...options, transport: 'native' }, nobody, missing)).rejects.toMatchObject({
      code: 'no-native-transport',
      message: expect.stringMatching(/no C compiler.*set it to auto/),
    });
  });
});
