/** From whatever went wrong to sentences for a person and an exit code for a script. */
import { codeClass, codeName, dotted } from '../coap/codec/codes.ts';
import type { CoapResponse } from '../client/coap-request.ts';
import { problemOf } from '../client/answer-problem.ts';
import { RequestError } from '../client/request-error.ts';
import { RemoteError } from '../client/sdk/errors.ts';
import { contentFormat } from '../cbor/content-format.ts';
import { FuncoapError, PeerError } from '../core/error.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { problems, type ProblemName } from '../functions/call-error.ts';
import type { ProblemDetails } from '../functions/problem-details.ts';
import { textOf } from '../core/bytes.ts';
import { ProcessError } from '../processes/process-error.ts';
import { exitCode, type ExitCode } from './exit-code.ts';

/** The peer answered 4.xx or 5.xx. */
class AnswerError extends PeerError {
  /** The answer's code. */
  readonly answer: number;
  readonly details: ProblemDetails | undefined;

  constructor(response: CoapResponse, fn: DescribedFunction | undefined) {
    const details = problemOf(response);
    super('refused', sentence(response, details, fn));
    this.answer = response.code;
    this.details = details;
  }
}

const busy: ReadonlySet<ProblemName> = new Set(['overloaded', 'rate-exceeded', 'not-ready', 'job-pending']);

/** A diagnostic payload (RFC 7252 §5.5.2) may be as long as the peer likes. */
const maxShown = 500;

/** Where the rest is told of an answer without words. */
const whereMore: Readonly<Record<string, string>> = {
  // The function has words of its own, which it was not asked for.
  'invalid-argument': '; --why says more',
  'function-failed': "; the gateway's log says why",
};

function sentence(
  response: CoapResponse,
  details: ProblemDetails | undefined,
  fn: DescribedFunction | undefined,
): string {
  const code = `${dotted(response.code)} ${codeName(response.code) ?? ''}`.trimEnd();
  if (details === undefined) {
    const isText = response.contentFormat === undefined || response.contentFormat === contentFormat.text;
    const diagnostic = isText ? textOf(response.payload.subarray(0, maxShown)) : undefined;
    return diagnostic === undefined || diagnostic === '' ? `${code}.` : `${code}: ${diagnostic}`;
  }
  const words = details.detail ?? details.title ?? (details.name && problems[details.name].title);
  const parameter = fn?.parameters.find(
    ({ id, name }) => details.parameter === (id ?? name) || details.parameter === name,
  );
  const about = parameter?.name ?? details.parameter;
  const expected = details.expected === undefined ? '' : `, ${details.expected} expected`;
  const comeBack = details.name !== undefined && busy.has(details.name);
  const again = comeBack ? ` Try again in ${response.maxAge} s.` : '';
  const remote = details.remote === undefined ? '' : `\n${details.remote.stack ?? details.remote.message}`;
  const place = about === undefined ? '' : ` (parameter ${about}${expected})`;
  const more = details.detail === undefined ? (whereMore[details.name ?? ''] ?? '') : '';
  const said = words ?? `problem ${details.number}`;
  const isWhole = place === '' && more === '' && /[?!]$/.test(said);
  return `${code}: ${said.replace(/\.$/, '')}${place}${more}${isWhole ? '' : '.'}${again}${remote}`;
}

/** Throws an AnswerError unless the peer answered 2.xx. */
export function accepted(response: CoapResponse, fn?: DescribedFunction): CoapResponse {
  if (codeClass(response.code) !== 2) throw new AnswerError(response, fn);
  return response;
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof AnswerError) return codeClass(error.answer) === 4 ? exitCode.refused : exitCode.failed;
  if (error instanceof RemoteError) return error.status.startsWith('4') ? exitCode.refused : exitCode.failed;
  if (error instanceof RequestError) {
    return error.code === 'request-aborted' ? exitCode.interrupted : exitCode.noAnswer;
  }
  if (!(error instanceof FuncoapError)) return exitCode.internal;
  if (error.code === 'unknown-host') return exitCode.noAnswer;
  switch (error.family) {
    case 'peer':
      return exitCode.failed;
    case 'usage':
      return exitCode.usage;
    case 'internal':
      return exitCode.internal;
  }
}

/** What a program does by calling once more, and with `replay`. */
const beginAnew =
  ': it was started again, the library was changed, or nobody read the stream for too long. ' +
  '`funcoap watch` begins it anew, with `--from N` at item N where equal calls give equal items.';

/** One sentence, or several lines where there are several things to say. */
export function failureText(error: unknown): string {
  if (error instanceof RemoteError) {
    const again = error.retryAfter === undefined ? '' : ` Try again in ${error.retryAfter / 1000} s.`;
    const stack = error.thrown === undefined ? '' : `\n${error.thrown.stack ?? error.thrown.message}`;
    const cure = error.code === 'stream-lost' ? beginAnew : '';
    return `${error.status} ${error.message}${cure}${again}${stack}`;
  }
  if (error instanceof FuncoapError && (error.family !== 'internal' || error instanceof ProcessError))
    return error.message;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This is a fault of funcoap; please report it with these lines.\n${stack}`;
}

/** The same for scripts. */
export function failureValue(error: unknown): Readonly<Record<string, string | number | undefined>> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RemoteError) {
    const { code, status, parameter, expected } = error;
    return { error: code, code: status, message, parameter, expected };
  }
  if (!(error instanceof AnswerError)) {
    return { error: error instanceof FuncoapError ? error.code : 'internal', message };
  }
  const { details } = error;
  return {
    error: details?.name ?? 'refused',
    code: dotted(error.answer),
    message,
    parameter: details?.parameter,
    expected: details?.expected,
  };
}
