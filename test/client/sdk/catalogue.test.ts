/** What is said where a gateway offers something else than is asked for. */
import { expect, test } from 'vitest';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { Catalogue } from '../../../src/client/sdk/catalogue.ts';
import type { DoorAnswer } from '../../../src/client/sdk/door.ts';
import { responseCode } from '../../../src/coap/codec/codes.ts';
import { seconds } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import { problems, type ProblemName } from '../../../src/functions/call-error.ts';
import { ManualScheduler } from '../../../src/transport/manual-scheduler.ts';

const answer = (value: Value): DoorAnswer => ({
  code: responseCode.content,
  contentFormat: contentFormat.cbor,
  payload: encodeCbor(value),
  etag: undefined,
  maxAge: seconds(60),
});

/** 4.04 without words. */
const refusal = (name: ProblemName): DoorAnswer => ({
  ...answer({ 'funcoap:e': new Map([[0, problems[name].number]]) }),
  code: responseCode.notFound,
  contentFormat: contentFormat.problemDetails,
});

/** Of a gateway with one library, which answers so where a function is to be described. */
const catalogue = (described: DoorAnswer): Catalogue =>
  new Catalogue(
    async ({ path }) => {
      const functions = {
        add: { id: 0 },
        steps: { id: 1, notCallable: 'it is not safe' },
        Shape: { id: 2, class: true, notCallable: 'it is abstract' },
      };
      const listed = answer(path.length === 1 ? { math: { id: 0, functions: 3 } } : { library: 'math', functions });
      return await Promise.resolve(path.length === 3 ? described : listed);
    },
    new ManualScheduler(),
    'coap://192.0.2.1',
    () => undefined,
  );

test('an export that cannot be called is refused here, as an argument is', async () => {
  await expect(catalogue(refusal('not-callable')).describe('math', 'steps')).rejects.toMatchObject({
    name: 'ArgumentError',
    code: 'not-callable',
    message: 'math/steps cannot be called.',
  });
});

test('what cannot be called is not named instead of a function that is not there; a class is', async () => {
  const error = catalogue(refusal('no-such-method')).describe('math', 'unlike');
  await expect(error).rejects.toMatchObject({
    code: 'no-such-method',
    message: 'math has no function unlike; it has Shape, add.',
  });
});
