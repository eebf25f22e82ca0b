/** From whatever went wrong to sentences for a person and an exit code for a script. */
import { codeClass, codeName } from '../coap/codec/codes.ts';
import type { CoapResponse } from '../client/coap-request.ts';
import { RequestError } from '../client/request-error.ts';
import { RemoteError } from '../client/sdk/errors.ts';
import { doorAnswerOf } from '../client/sdk/observed.ts';
import { FuncoapError } from '../core/error.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { problems } from '../functions/call-error.ts';
import { ProcessError } from '../processes/process-error.ts';
import { exitCode, type ExitCode } from './exit-code.ts';

/** Where the rest is told of an answer without words. */
const whereMore: Readonly<Record<string, string>> = {
  // The function has words of its own, which it was not asked for.
  'invalid-argument': '; --why says more',
  'function-failed': "; the gateway's log says why",
  // What a program does by calling once more, and with `replay`.
  'stream-lost':
    ': it was started again, the library was changed, or nobody read the stream for too long. ' +
    '`funcoap watch` begins it anew, with `--from N` at item N where equal calls give equal items',
};

/** @throws RemoteError unless the peer answered 2.xx */
export function accepted(response: CoapResponse, fn?: DescribedFunction): CoapResponse {
  if (codeClass(response.code) === 2) return response;
  const target = fn === undefined ? 'The request' : `${fn.library}/${fn.method}`;
  throw new RemoteError(target, doorAnswerOf(response), fn?.parameters);
}

function sentence({ code, expected, message, parameter, retryAfter, status, target, thrown }: RemoteError): string {
  const isUntold = message === titles.get(code);
  const kind = expected === undefined ? '' : `, ${expected} expected`;
  const place = parameter === undefined ? '' : ` (parameter ${parameter}${kind})`;
  const more = isUntold ? (whereMore[code] ?? '') : '';
  const said =
    place === '' && more === '' && /[.?!]$/.test(message) ? message : `${message.replace(/\.$/, '')}${place}${more}.`;
  const again = retryAfter === undefined ? '' : ` Try again in ${retryAfter / 1000} s.`;
  const stack = thrown === undefined ? '' : `\n${thrown.stack ?? thrown.message}`;
  // Without words it says so by itself.
  const head = message.startsWith(`${target} was answered `) ? '' : `${`${status} ${nameOf(status)}`.trimEnd()}: `;
  return `${head}${said}${again}${stack}`;
}

const titles: ReadonlyMap<string, string> = new Map(Object.entries(problems).map(([name, { title }]) => [name, title]));

/** Of a code as it is written, class.detail. */
function nameOf(status: string): string {
  const [group, detail] = status.split('.').map(Number);
  return codeName((group ?? 0) * 32 + (detail ?? 0)) ?? '';
}

export function exitCodeOf(error: unknown): ExitCode {
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

/** One sentence, or several lines where there are several things to say. */
export function failureText(error: unknown): string {
  if (error instanceof RemoteError) return sentence(error);
  if (error instanceof FuncoapError && (error.family !== 'internal' || error instanceof ProcessError))
    return error.message;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This is a fault of funcoap; please report it with these lines.\n${stack}`;
}

/** The same for scripts. */
export function failureValue(error: unknown): Readonly<Record<string, string | number | undefined>> {
  if (error instanceof RemoteError) {
    const { code, status, message, parameter, expected } = error;
    return { error: code, code: status, message, parameter, expected };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { error: error instanceof FuncoapError ? error.code : 'internal', message };
}
