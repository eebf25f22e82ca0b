/** What is printed of what went wrong. */
import { expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { exitCode, type ExitCode } from '../../src/cli/exit-code.ts';
import { exitCodeOf, failureText } from '../../src/cli/failure.ts';
import { RequestError } from '../../src/client/request-error.ts';
import type { DoorAnswer } from '../../src/client/sdk/door.ts';
import { RemoteError } from '../../src/client/sdk/errors.ts';
import { responseCode } from '../../src/coap/codec/codes.ts';
import { emptyBytes } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { InternalError, PeerError, UsageError } from '../../src/core/error.ts';
import { CallError, problems, type CallErrorDetails, type ProblemName } from '../../src/functions/call-error.ts';
import { encodeProblem } from '../../src/functions/problem-details.ts';
import { ProcessError } from '../../src/processes/process-error.ts';

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

const refused = (name: ProblemName, details: CallErrorDetails = {}, maxAge = 0, message = 'It is so.'): RemoteError =>
  new RemoteError('lib/ticks', {
    code: problems[name].status,
    contentFormat: contentFormat.problemDetails,
    payload: encodeProblem(new CallError(name, message, details), { words: true, internals: true }),
    etag: undefined,
    maxAge: seconds(maxAge),
  });

const unexplained: DoorAnswer = {
  code: responseCode.badRequest,
  contentFormat: undefined,
  payload: emptyBytes,
  etag: undefined,
  maxAge: seconds(0),
};

test.each<[string, RemoteError, string]>([
  ['words of its own', refused('bad-request'), '4.00 Bad Request: It is so.'],
  [
    'words with a number that looks like a code',
    refused('invalid-argument', {}, 0, 'At most 4.22 m.'),
    '4.22 Unprocessable Entity: At most 4.22 m.',
  ],
  ['a question', refused('bad-request', {}, 0, 'Is it so?'), '4.00 Bad Request: Is it so?'],
  ['the code alone', new RemoteError('lib/ticks', unexplained), 'lib/ticks was answered 4.00 Bad Request.'],
  [
    'no words, and where there are more',
    told('function-failed'),
    "5.00 Internal Server Error: The function failed; the gateway's log says why.",
  ],
  ['words where there could be more', refused('function-failed'), '5.00 Internal Server Error: It is so.'],
  [
    'a parameter',
    refused('wrong-type', { parameter: { name: 'a', id: undefined } }),
    '4.22 Unprocessable Entity: It is so (parameter a).',
  ],
  [
    'a parameter and what it should be',
    refused('wrong-type', { parameter: { name: 'a', id: undefined }, expected: { kind: 'number' } }),
    '4.22 Unprocessable Entity: It is so (parameter a, number expected).',
  ],
  ['when to come back', refused('overloaded', {}, 7), '5.03 Service Unavailable: It is so. Try again in 7 s.'],
  [
    'what was thrown',
    refused('function-failed', { remote: { name: 'RangeError', message: 'no such luck', stack: undefined } }),
    '5.00 Internal Server Error: It is so.\nno such luck',
  ],
])('of a refusal is printed: %s', (_, error, text) => {
  expect(failureText(error)).toBe(text);
});

test('a fault of our own asks to be reported, with its stack; what a process ended with does not', () => {
  expect(failureText(new TypeError('undefined is no function'))).toMatch(
    /^This is a fault of funcoap;[^]*TypeError: undefined is no/,
  );
  expect(failureText(new InternalError('not-let-in', 'It was not let in.'))).toMatch(
    /^This is a fault[^]*It was not let in/,
  );
  expect(failureText(new ProcessError('process-lost', 'A process ended.'))).toBe('A process ended.');
});

test.each<[Error, ExitCode]>([
  [told('bad-request'), exitCode.refused],
  [told('overloaded'), exitCode.failed],
  [new RequestError('aborted', 'coap://192.0.2.1/'), exitCode.interrupted],
  [new RequestError('timeout', 'coap://192.0.2.1/'), exitCode.noAnswer],
  [new UsageError('unknown-host', 'There is no such name.'), exitCode.noAnswer],
  [new UsageError('bad-argument', 'No.'), exitCode.usage],
  [new PeerError('not-a-gateway', 'No.'), exitCode.failed],
  [new InternalError('not-let-in', 'No.'), exitCode.internal],
  [new TypeError('No.'), exitCode.internal],
])('%s ends a command with exit code %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});
