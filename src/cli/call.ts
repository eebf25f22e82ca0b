/** `funcoap call URI [name=value ...]`: calls a function, or asks any other CoAP resource. */
import { InvalidArgumentError, Option } from 'commander';
import { contentFormat } from '../cbor/content-format.ts';
import { encodeCbor } from '../cbor/encode.ts';
import { encodeJson } from '../cbor/json-encode.ts';
import type { CoapRequest, CoapResponse } from '../client/coap-request.ts';
import { codeName, dotted, method as methods } from '../coap/codec/codes.ts';
import { encodeUriSegment } from '../coap/codec/uri.ts';
import { hex } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { readArguments, type ReadSource } from './call-arguments.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { namedWords } from './call-line.ts';
import {
  completeUri,
  placeUri,
  valueOf,
  withConnection,
  withQuery,
  type Connection,
  type ConnectionOptions,
} from './connection.ts';
import { fetchDescription, isCallable } from './describe.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import { valueText } from './print-value.ts';
import { progressOn } from './progress.ts';
import { readSource } from './read-source.ts';
import type { Terminal } from './terminal.ts';

type MethodName = CoapRequest['method'];

export interface CallOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly cbor?: boolean;
  readonly method?: MethodName;
  readonly non?: boolean;
  readonly observe?: boolean;
  readonly job?: boolean;
  readonly count?: number;
  readonly block?: number;
  readonly etag?: Uint8Array;
  readonly contentFormat?: number;
  readonly accept?: number;
  readonly include?: boolean;
  readonly why?: boolean;
}

/** What is sent besides the options of the command line. */
type Asked = Pick<CoapRequest, 'uri' | 'method' | 'payload' | 'contentFormat'>;

/** `-` or `@file` alone is the body as it is. */
const bodyName = (texts: readonly string[]): string | undefined => {
  const [only = '', ...more] = texts;
  if (more.length > 0) return undefined;
  return only === '-' ? only : only.startsWith('@') ? only.slice(1) : undefined;
};

function asQuery(uri: string, values: Readonly<Record<string, unknown>>, texts: readonly string[]): string {
  const items = texts.map((text) => {
    const name = /^[^=:]+/.exec(text)?.[0] ?? text;
    if (text === name) return encodeUriSegment(name);
    const plainText = /^[^=:]+=(?!@|-$)([^]*)$/.exec(text)?.[1];
    const value = values[name];
    const shown = plainText ?? (typeof value === 'string' ? value : JSON.stringify(value));
    return `${encodeUriSegment(name)}=${encodeUriSegment(shown)}`;
  });
  return items.reduce((whole, item) => withQuery(whole, item), uri);
}

async function askFunction(
  uri: string,
  texts: readonly string[],
  fn: DescribedFunction,
  options: CallOptions,
  read: ReadSource,
): Promise<Asked> {
  if (fn.notCallable !== undefined) {
    throw new UsageError('not-callable', `${fn.library}/${fn.method} cannot be called: ${fn.notCallable}`);
  }
  const method = options.method ?? (fn.safe ? 'FETCH' : 'POST');
  const hasQuery = uri.includes('?');
  if (hasQuery && texts.length > 0) {
    throw new UsageError(
      'bad-argument',
      'Arguments are in both the URI and on the command line; put them in one place.',
    );
  }
  if (hasQuery) return { uri, method };
  const named = namedWords(fn, texts);
  const values = await readArguments(fn, named, read);
  if (method === 'GET') return { uri: asQuery(uri, values, named), method };
  if (texts.length === 0) return { uri, method };
  return { uri, method, payload: encodeCbor(values), contentFormat: contentFormat.cbor };
}

/** The request that a call is, with what is known of its function. */
export async function ask(
  connection: Connection,
  uri: string,
  texts: readonly string[],
  options: CallOptions,
  terminal: Terminal,
): Promise<{ readonly asked: Asked; readonly fn: DescribedFunction | undefined }> {
  const read = readSource(terminal);
  const name = bodyName(texts);
  const fn = isCallable(uri) ? await fetchDescription(connection, uri) : undefined;
  if (name !== undefined) {
    const method = options.method ?? (fn === undefined || !fn.safe ? 'POST' : 'FETCH');
    const payload = await read(name);
    return { fn, asked: { uri, method, payload, contentFormat: options.contentFormat ?? contentFormat.json } };
  }
  if (fn !== undefined) return { fn, asked: await askFunction(uri, texts, fn, options, read) };
  if (texts.length > 0) {
    throw new UsageError(
      'bad-argument',
      `${uri} is not a function, which is coap://HOST/func/LIBRARY/METHOD, and takes no arguments; give a body with @file or -, or a query in the URI.`,
    );
  }
  return { fn, asked: { uri, method: options.method ?? 'GET' } };
}

function printHead(answer: CoapResponse, { err, errPaint }: Terminal): void {
  const etag = answer.etag === undefined ? [] : [`ETag ${hex(answer.etag)}`];
  const facts = [
    ...etag,
    `Max-Age ${answer.maxAge}`,
    `${answer.payload.length} bytes`,
    `${Math.round(answer.took * 100) / 100} ms`,
  ];
  err(
    `${errPaint('green', `${dotted(answer.code)} ${codeName(answer.code) ?? ''}`)} ${errPaint('dim', facts.join(', '))}\n`,
  );
}

function print(uri: string, answer: CoapResponse, options: CallOptions, terminal: Terminal): void {
  if (options.include === true) printHead(answer, terminal);
  // RFC 7252 §5.9.1.3: 2.03 has no payload; whoever sent the ETag has the representation.
  if (dotted(answer.code) === '2.03') {
    if (options.include !== true) terminal.err('2.03 Valid: the result that you have is current\n');
    return;
  }
  if (options.cbor === true) {
    terminal.out(answer.payload);
    return;
  }
  printValue(valueOf(answer, uri), options, terminal);
}

export function printValue(value: Value, options: Pick<CallOptions, 'json'>, terminal: Terminal): void {
  if (options.json === true) {
    terminal.out(`${encodeJson(value ?? null)}\n`);
    return;
  }
  if (value instanceof Uint8Array && !terminal.isOutTerminal) {
    terminal.out(value);
    return;
  }
  const text = valueText(value, terminal.outPaint);
  if (text !== '') terminal.out(`${text}\n`);
}

async function call(text: string, texts: readonly string[], given: CallOptions, terminal: Terminal): Promise<void> {
  const options: CallOptions = given.job === true ? { method: 'POST', ...given } : given;
  const uri = completeUri(text, options);
  await withConnection(terminal, uri, options, async (connection) => {
    const { asked, fn } = await ask(connection, uri, texts, options, terminal);
    const progress = progressOn(terminal);
    const request: CoapRequest = {
      ...asked,
      uri: controlWords(options).reduce(withQuery, asked.uri),
      accept: options.accept ?? (fn === undefined && options.cbor !== true ? undefined : formatFor(fn)),
      etag: options.etag,
      confirmable: options.non !== true,
      blockSize: options.block,
      timeout: connection.timeout,
      signal: connection.signal,
      onProgress: progress.report,
    };
    try {
      if (options.observe !== true) {
        const answer = await connection.client.request(request);
        progress.clear();
        const place = placeUri(uri, accepted(answer, fn));
        if (place === undefined) print(uri, answer, options, terminal);
        else terminal.out(options.json === true ? `${encodeJson(place)}\n` : `${place}\n`);
        return;
      }
      let left = options.count ?? Infinity;
      for await (const answer of connection.client.observe(request)) {
        progress.clear();
        print(uri, accepted(answer, fn), options, terminal);
        if (--left <= 0) break;
      }
    } finally {
      progress.clear();
    }
  });
}

const controlWords = ({ why, job }: CallOptions): readonly string[] => [
  ...(why === true || job === true ? ['_why'] : []),
  ...(job === true ? ['_job'] : []),
];

const formatFor = (fn: DescribedFunction | undefined): number =>
  fn?.stream === true ? contentFormat.cborSequence : contentFormat.cbor;

export const numberArgument =
  (min: number, max: number) =>
  (text: string): number => {
    const n = Number(text);
    if (!/^\d+$/.test(text) || n < min || n > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return n;
  };

const etagArgument = (text: string): Uint8Array => {
  if (!/^(?:[0-9a-f]{2}){1,8}$/i.test(text)) throw new InvalidArgumentError('It must be 1 to 8 bytes in hexadecimal.');
  return new Uint8Array(Buffer.from(text, 'hex'));
};

const mebibyte = 1024 * 1024;

export const addCall: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('call'))
    .summary('call a function')
    .description(
      'Calls a function. Arguments are typed by its signature: by name, name=value, name:=JSON, name=@file, name=- (the input),\n' +
        'or by position. A single @file or - is a whole body. FETCH is used where the function is safe, POST otherwise.\n' +
        'A class makes an object, whose URI is printed; below that are its methods, and attributes to read.\n' +
        'Any other resource is asked with GET. A stream is printed when it has ended: `funcoap watch` prints items as they come.',
    )
    .argument('<uri>', 'coap://HOST/func/LIBRARY/METHOD, coap://HOST/o/ID/MEMBER')
    .argument('[arguments...]', 'name=value, or values by position')
    .addOption(new Option('-m, --method <method>', 'the CoAP method').choices(Object.keys(methods)))
    .addOption(jsonOption())
    .addOption(new Option('--cbor', 'print the bytes of the CBOR answer').conflicts('json'))
    .option('-i, --include', 'print code, ETag and Max-Age on the error output')
    .option('--why', 'ask a function for its own words where it refuses or fails')
    .option('--etag <hex>', 'ask whether the result with this ETag is current: then 2.03 and no output', etagArgument)
    .option('--non', 'send non-confirmable messages')
    .addOption(
      new Option('--job', 'fetch the result later: print where it will be (`funcoap jobs`)').conflicts('observe'),
    )
    .option('--observe', 'stay and print each new result (RFC 7641)')
    .addOption(new Option('--count <n>', 'with --observe: end after N results').argParser(numberArgument(1, mebibyte)))
    .addOption(
      new Option('--block <n>', 'block size (RFC 7959): 16, 32, … 1024').argParser((text) => {
        const n = numberArgument(16, 1024)(text);
        if (!Number.isInteger(Math.log2(n)))
          throw new InvalidArgumentError('It must be 16, 32, 64, 128, 256, 512 or 1024.');
        return n;
      }),
    )
    .option(
      '--content-format <n>',
      'Content-Format of a body from @file or - (default: 50, JSON)',
      numberArgument(0, 65535),
    )
    .option('--accept <n>', 'Content-Format of the answer (default: 60, CBOR, for functions)', numberArgument(0, 65535))
    .addHelpText(
      'after',
      examples(
        'funcoap call coap://127.0.0.1/func/math/add a=10 b=20',
        'funcoap call coap://127.0.0.1/func/oslist/list --json',
        'funcoap call coap://127.0.0.1/func/bank/Account Ada',
        'funcoap call coap://127.0.0.1/o/bWV0ZXIt/deposit 5',
        'funcoap call -v --non coap://127.0.0.1/f/2/0 a=1 b=2',
        'echo \'{"a":1,"b":2}\' | funcoap call coap://127.0.0.1/func/math/add -',
        'funcoap call --observe --count 3 coap://127.0.0.1/clock',
      ),
    )
    .action(async (uri: string, texts: string[], options: CallOptions) => {
      await call(uri, texts, options, terminal);
      done(exitCode.ok);
    });
};
