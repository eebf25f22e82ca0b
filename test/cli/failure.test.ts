/** What is printed of what went wrong. */
import { expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { failureText } from '../../src/cli/failure.ts';
import { RemoteError } from '../../src/client/sdk/errors.ts';
import { seconds } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import { problems, type ProblemName } from '../../src/functions/call-error.ts';

/** As the gateway answers it where it has no words of its own. */
const told = (name: ProblemName): RemoteError =>
  new RemoteError('lib/ticks', {
    code: problems[name].status,
    contentFormat: contentFormat.problemDetails,
    payload: encodeCbor({ 'funcoap:e': new Map([[0, problems[name].number]]) }),
    etag: undefined,
    maxAge: seconds(0),
  });

test('who watches a stream that is lost is told why that may be, and how it is begun anew', () => {
  expect(failureText(told('stream-lost'))).toBe(
    '4.12 Precondition Failed: The gateway has not this stream any more: it was started again, the library was changed, or nobody read the ' +
      'stream for too long. `funcoap watch` begins it anew, with `--from N` at item N where equal calls give equal items.',
  );
  expect(failureText(told('overloaded'))).not.toContain('--from');
});

test('the code stands before the words of a function, also where a number in them looks like it', () => {
  const details = new Map<Value, Value>([
    [-2, 'At most 4.22 m.'],
    ['funcoap:e', new Map([[0, problems['invalid-argument'].number]])],
  ]);
  const payload = encodeCbor(details);
  const code = problems['invalid-argument'].status;
  const answer = { code, contentFormat: contentFormat.problemDetails, payload, etag: undefined, maxAge: seconds(0) };
  expect(failureText(new RemoteError('lib/f', answer))).toBe('4.22 Unprocessable Entity: At most 4.22 m.');
});
