/** Objects whose leases end, a thousand of them, made over CoAP and HTTP in a gateway of its own. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { openCoapClient } from '../../src/client/coap-client.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { ask, post } from '../http/gateway.ts';

const source = `
import { appendFileSync } from 'node:fs';
export class Note {
  text: string = 'kept';
  close(): void { appendFileSync('$MARKS', 'x'); }
}
`;

test('a thousand objects that nobody uses any more are let go of, each closed once; one that is used stays', async () => {
  const gateway = await GatewayProcess.start({
    libraries: { 'desk/index.ts': source },
    settings: ['objects.lease=12s', 'objects.total=1000', 'http.listen=127.0.0.1', 'http.port=0'],
  });
  onTestFinished(() => gateway.stop());
  const client = await openCoapClient({});
  onTestFinished(() => client.close());
  const url = gateway.httpUrls[0] ?? '';
  const coap = (path: string, method: 'GET' | 'POST') => client.request({ uri: gateway.uri + path, method });
  const overCoap = async (): Promise<string> => {
    const { options } = await coap('/func/desk/Note', 'POST');
    return `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`;
  };
  const overHttp = async (): Promise<string> => String((await post(`${url}/func/desk/Note`, [])).headers.location);
  const paths: string[] = [];
  for (let i = 0; i < 50; i++) {
    paths.push(...(await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? overCoap() : overHttp())))));
  }
  expect(new Set(paths).size).toBe(1000);
  const full = await coap('/func/desk/Note', 'POST');
  expect([dotted(full.code), decodeProblem(full.payload).name, gateway.marks]).toEqual(['5.03', 'overloaded', 0]);

  const [used = '', ...others] = paths;
  await vi.waitFor(
    async () => {
      expect((await ask(`${url}${used}/text`)).json).toBe('kept');
      expect(gateway.marks).toBe(999);
    },
    { timeout: 40_000, interval: 200 },
  );
  expect(dotted((await coap(others[0] ?? '', 'GET')).code)).toBe('4.04');
  expect((await ask(`${url}${others.at(-1)}`)).status).toBe(404);
  // There is room again for as many.
  await Promise.all(Array.from({ length: 20 }, async () => expect(await overCoap()).toMatch(/^\/o\/[\w-]{8}$/)));
  expect(gateway.marks).toBe(999);
});
