/** A gateway of this process with libraries in Python, and clients that make objects there. */
import { vi } from 'vitest';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../../src/cbor/limits.ts';
import { asPath } from '../../../src/cbor/reference-tag.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../../src/client/coap-request.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../../src/coap/codec/options.ts';
import type { Value } from '../../../src/core/value.ts';
import { decodeProblem } from '../../../src/functions/problem-details.ts';
import { ask, startGateway, type TestGateway } from '../../http/gateway.ts';

export interface ObjectBench {
  readonly gateway: TestGateway;
  readonly client: CoapClient;
  /** Of another peer. */
  readonly other: CoapClient;
  request(method: CoapRequest['method'], path: string, value?: Value, from?: CoapClient): Promise<CoapResponse>;
  /** The path of an object of `library/Class`. */
  make(target: string, args?: readonly Value[], from?: CoapClient): Promise<string>;
  close(): Promise<void>;
}

export async function objectBench(libraries: Readonly<Record<string, string>>): Promise<ObjectBench> {
  const gateway = await pythonGateway(libraries);
  const [client, other] = [await openCoapClient({}), await openCoapClient({})];
  const request: ObjectBench['request'] = (method, path, value, from = client) =>
    from.request({
      uri: gateway.coap + path,
      method,
      ...(value !== undefined && { payload: encodeCbor(value), contentFormat: 60 }),
    });
  return {
    gateway,
    client,
    other,
    request,
    make: async (target, args = [], from = client) => {
      for (;;) {
        const made = await request('POST', `/func/${target}`, args, from);
        // A process that is started again takes its time on a busy machine.
        if (dotted(made.code) === '5.03') continue;
        if (made.code >= 0x80) throw new Error(`${target}: ${decodeProblem(made.payload).name}`);
        return placeOf(made) ?? '';
      }
    },
    close: async () => {
      await client.close();
      await other.close();
      await gateway.close();
    },
  };
}

/** A busy machine takes its time to start Python, and then the gateway tries again: no test is about that. */
export async function pythonGateway(libraries: Readonly<Record<string, string>>): Promise<TestGateway> {
  const gateway = await startGateway({ libraries });
  const hasLoaded = async (): Promise<boolean> => {
    const said = Object.values((await ask(`${gateway.url}/func`)).json as object) as { functions?: number }[];
    return said.length > 0 && said.every(({ functions = 0 }) => functions > 0);
  };
  await vi.waitUntil(hasLoaded, { timeout: 100_000, interval: 50 });
  return gateway;
}

export function placeOf({ options }: CoapResponse): string | undefined {
  const place = findStrings(options, optionNumber.locationPath) ?? [];
  return place.length === 0 ? undefined : `/${place.join('/')}`;
}

/** Objects in it are their paths. */
export const valueOf = ({ payload }: CoapResponse): Value =>
  payload.length === 0 ? undefined : decodeCbor(payload, defaultDecodeLimits, asPath);

/** The code and the value, or the name of the problem. */
export const told = (answer: CoapResponse): Value =>
  answer.code < 0x80 ? [dotted(answer.code), valueOf(answer)] : decodeProblem(answer.payload).name;
