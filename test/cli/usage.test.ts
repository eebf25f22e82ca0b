import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exitCode } from '../../src/cli/exit-code.ts';
import { ran } from './terminal.ts';

describe('wrong usage is one sentence and exit code 2', () => {
  test.each<[string[], string]>([
    [['cal'], "unknown command 'cal'"],
    [['call'], "missing required argument 'uri'"],
    [['call', 'http://127.0.0.1/'], 'a CoAP URI begins with coap://'],
    [['call', '--block', '100', 'coap://127.0.0.1/'], 'It must be 16, 32, 64, 128, 256, 512 or 1024.'],
    [['call', '--etag', 'xyz', 'coap://127.0.0.1/'], 'It must be 1 to 8 bytes in hexadecimal.'],
    [['call', '--json', '--cbor', 'coap://127.0.0.1/'], 'cannot be used with'],
    [['call', '--timeout', 'soon', 'coap://127.0.0.1/'], '--timeout is "soon", but must be a duration'],
    [['ping', '--count', '0', 'coap://127.0.0.1/'], '--count is "0", but must be a whole number'],
    [['describe', 'coap://127.0.0.1/clock'], 'is not a function'],
    [['config', '--port', 'x'], 'coap.port in --port is "x", but must be a whole number from 0 to 65535.'],
    [['config', '--set', 'coap.prot=1'], 'coap.prot in --set is not a setting; did you mean coap.port?'],
    [['config', '--set', 'coap.port'], 'must be SETTING=VALUE'],
    [['config', '--config', '/none.json'], 'The configuration /none.json cannot be read: there is no such file.'],
    [['new', 'library', 'Bad Name'], 'cannot be the name of a library'],
  ])('%j', async (args, sentence) => {
    const { code, out, err } = await ran(args);
    expect(err).toContain(sentence);
    expect(out).toBe('');
    expect(code).toBe(exitCode.usage);
  });
});

test.each<[string[], string, string]>([
  [['config', '--json', '--port', 'x'], 'bad-configuration', 'coap.port'],
  [['call', '--json'], 'bad-flag', "missing required argument 'uri'"],
  [['ls', '--json', '--jsn'], 'bad-flag', "unknown option '--jsn'"],
  [['cal', '--json'], 'bad-flag', "unknown command 'cal'"],
])('with --json an error is one JSON object: %j', async (args, error, message) => {
  const { err, out, code } = await ran(args);
  expect(JSON.parse(err)).toEqual({ error, message: expect.stringContaining(message) });
  expect(out).toBe('');
  expect(code).toBe(exitCode.usage);
});

test('config shows each value and where it came from', async () => {
  const environment = { FUNCOAP_CACHE_BYTES: '1GiB' };
  const { code, out } = await ran(['config', '--port', '5684'], { environment });
  expect(code).toBe(0);
  expect(out).toMatch(/^coap\.port +--port +5684$/m);
  expect(out).toMatch(/^cache\.bytes +FUNCOAP_CACHE_BYTES +1GiB$/m);
  expect(out).toMatch(/^coap\.leisure +default +5s$/m);
  const json = await ran(['config', '--json'], { environment });
  expect(JSON.parse(json.out)).toContainEqual({ setting: 'cache.bytes', value: '1GiB', from: 'FUNCOAP_CACHE_BYTES' });
});

test('a variable that looks like a slip is warned about', async () => {
  const { code, err } = await ran(['config'], { environment: { FUNCOAP_COAP_PROT: '1' } });
  expect([code, err]).toEqual([
    0,
    'funcoap: The environment variable FUNCOAP_COAP_PROT is not a setting; did you mean FUNCOAP_COAP_PORT?\n',
  ]);
});

test('new library --json tells the files that it wrote', async () => {
  const workingFolder = mkdtempSync(join(tmpdir(), 'funcoap-cli-'));
  onTestFinished(() => rmSync(workingFolder, { recursive: true }));
  const { out } = await ran(['new', 'library', 'mine', '--json'], { workingFolder });
  expect(JSON.parse(out)).toEqual({
    library: 'mine',
    files: expect.arrayContaining([join('libraries', 'mine', 'index.ts')]),
  });
  // Nothing is left of how it came to be.
  expect(readdirSync(join(workingFolder, 'libraries'))).toEqual(['mine']);
  expect(JSON.parse((await ran(['new', 'library', 'mine', '--json'], { workingFolder })).err)).toMatchObject({
    error: 'cannot-create',
  });
});

test('new library never writes over what is there', async () => {
  const workingFolder = mkdtempSync(join(tmpdir(), 'funcoap-cli-'));
  onTestFinished(() => rmSync(workingFolder, { recursive: true }));
  expect((await ran(['new', 'library', 'mine'], { workingFolder })).code).toBe(0);
  const file = join(workingFolder, 'libraries', 'mine', 'index.ts');
  const before = readFileSync(file, 'utf8');
  const { code, err } = await ran(['new', 'library', 'mine', '--zod'], { workingFolder });
  expect(code).toBe(exitCode.usage);
  expect(err).toContain('it is there already; choose another name');
  expect(readFileSync(file, 'utf8')).toBe(before);
});
