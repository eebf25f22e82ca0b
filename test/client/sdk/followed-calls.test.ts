/** Streams of a function that was changed since it was described: begun once more, and only where nothing was given yet. */
import { expect, test } from 'vitest';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { responseCode } from '../../../src/coap/codec/codes.ts';
import { response, type Response } from '../../../src/coap/response.ts';
import { concatBytes } from '../../../src/core/bytes.ts';
import { problems } from '../../../src/functions/call-error.ts';
import type { Value } from '../../../src/core/value.ts';
import { ScriptedGateway } from './scripted-gateway.ts';

const told = (...items: Value[]): Response =>
  response(responseCode.content, {
    contentFormat: contentFormat.cborSequence,
    payload: concatBytes(items.map((item) => encodeCbor(item))),
  });

const refused = response(responseCode.unprocessableEntity, {
  contentFormat: contentFormat.problemDetails,
  payload: encodeCbor({ 'funcoap:e': new Map([[0, problems['wrong-type'].number]]) }),
});

/** What a loop over a stream gives, and the code of the error that it ends with. */
async function read(gateway: ScriptedGateway, ...script: Response[]): Promise<readonly [Value[], unknown]> {
  const gw = await gateway.open();
  const stream = gw.lib.read as unknown as RemoteFunction<[], Readonly<Record<string, never>>, AsyncIterable<Value>>;
  gateway.script.push(...script);
  const items: Value[] = [];
  const loop = async (): Promise<void> => {
    for await (const item of stream()) items.push(item);
  };
  const code = await gateway.pass(
    loop().then(
      () => undefined,
      (error: unknown) => (error as { readonly code?: unknown }).code,
    ),
  );
  return [items, code];
}

/** A gateway with a stream. @param isOther whether it is another each time that it is described */
function gatewayWith(isOther: boolean): ScriptedGateway {
  const gateway = new ScriptedGateway();
  let described = 0;
  gateway.more = () => ({ stream: true, title: `Version ${isOther ? ++described : 0}` });
  return gateway;
}

test('a stream that is refused for its old description is begun again with the new one', async () => {
  const gateway = gatewayWith(true);
  expect(await read(gateway, refused, told([0, 'a'], [1]))).toEqual([['a'], undefined]);
});

test('but once only', async () => {
  const gateway = gatewayWith(true);
  expect(await read(gateway, refused, refused, told([0, 'a'], [1]))).toEqual([[], 'wrong-type']);
  expect(gateway.calls).toHaveLength(2);
});

test('and not where the description is the same', async () => {
  const gateway = gatewayWith(false);
  expect(await read(gateway, refused, told([0, 'a'], [1]))).toEqual([[], 'wrong-type']);
  expect(gateway.calls).toHaveLength(1);
});

test('nor behind its first item, which would come a second time', async () => {
  const gateway = gatewayWith(true);
  expect(await read(gateway, told([0, 'a']), refused, told([0, 'a'], [1]))).toEqual([['a'], 'wrong-type']);
  expect(gateway.calls).toHaveLength(2);
});
