/** TD_COAP_LINK against the plugtest server, by libcoap's coap-client. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { coapClient, missingCoapClient, optionOf, type CoapClientRun } from './libcoap.ts';
import { openPlugtestServer, type PlugtestServer } from './server.ts';

const missing = missingCoapClient();

describe('TD_COAP_LINK', () => {
  let server: PlugtestServer;

  const run = (path: string): Promise<CoapClientRun> =>
    coapClient(`coap://127.0.0.1:${server.addresses[0]?.port}${path}`);
  const targets = (body: string): string[] => [...body.matchAll(/<([^>]*)>/g)].map(([, target = '']) => target);

  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  beforeAll(async () => {
    server = await openPlugtestServer({ port: 0 });
  });
  afterAll(() => server.close());

  test('01: GET /.well-known/core is a link list of every resource', async () => {
    const { last, body } = await run('/.well-known/core');
    expect(last.code).toBe('2.05');
    expect(optionOf(last, 'Content-Format')).toBe('application/link-format');
    expect(targets(body)).toEqual(expect.arrayContaining(['/test', '/obs', '/large', '/link1', '/path']));
    expect(body).toContain('</link1>;rt="Type1 Type2";if="If1"');
  });

  test.each([
    ['02', 'rt=Type1', ['/link1', '/link3']],
    ['03', 'rt=*', ['/link1', '/link2', '/link3']],
    ['04', 'rt=Type2', ['/link1', '/link2']],
    ['05', 'if=If*', ['/link1', '/link2']],
    ['06', 'sz=*', ['/large']],
    ['07', 'href=/link1', ['/link1']],
    ['08', 'href=/link*', ['/link1', '/link2', '/link3']],
    ['08', 'rt=Type4', []],
  ])('%s: GET /.well-known/core?%s lists %j', async (_, query, expected) => {
    const { last, body } = await run(`/.well-known/core?${query}`);
    expect(last.code).toBe('2.05');
    expect(targets(body)).toEqual(expected);
  });

  test('09: ?ct=40 finds /path, which lists /path/sub1, which is there', async () => {
    expect(targets((await run('/.well-known/core?ct=40')).body)).toEqual(['/path']);
    const { last, body } = await run('/path');
    expect(optionOf(last, 'Content-Format')).toBe('application/link-format');
    expect(targets(body)).toEqual(['/path/sub1', '/path/sub2', '/path/sub3']);
    for (const target of targets(body)) expect((await run(target)).last.code).toBe('2.05');
  });
});
