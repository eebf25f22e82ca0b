/** `funcoap call URI [name=value ...]`: calls a function, or asks any other CoAP resource. */
import { InvalidArgumentError, Option } from 'commander';
import { contentFormat } from '../cbor/content-format.ts';
import { encodeJson } from '../cbor/json-encode.ts';
import type { CoapRequest, CoapResponse } from '../client/coap-request.ts';
import { codeName, dotted, method as methods } from '../coap/codec/codes.ts';
import { hex } from '../core/bytes.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { ask, type RequestOptions } from './call-request.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, placeUri, valueOf, withConnection, withQuery, type ConnectionOptions } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import { printValue, printValues } from './print-value.ts';
import { progressOn } from './progress.ts';
import { streamValues } from './followed-values.ts';
import type { Terminal } from './terminal.ts';

interface CallOptions extends ConnectionOptions, RequestOptions {
  readonly json?: boolean;
  readonly cbor?: boolean;
  readonly non?: boolean;
  readonly observe?: boolean;
  readonly job?: boolean;
  readonly count?: number;
  readonly block?: number;
  readonly etag?: Uint8Array;
  readonly accept?: number;
  readonly include?: boolean;
  readonly why?: boolean;
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
      if (fn?.stream === true && isFollowed(asked, options)) {
        await printValues(streamValues(connection, request, fn), options, terminal);
        return;
      }
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

/** A stream as one answer ends when the function does: that is for whoever wants all of it. */
const isFollowed = (
  { method }: Pick<CoapRequest, 'method'>,
  { observe, json, cbor, include, accept }: CallOptions,
): boolean =>
  (method === 'FETCH' || method === 'GET') &&
  (observe === true || (json !== true && cbor !== true && include !== true && accept === undefined));

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
      'Calls a function. Arguments are typed by its signature: by name, name=value, name:=JSON, name=@file, name=- (the input), ' +
        'or by position. A single @file or - is a whole body. FETCH is used where the function is safe, POST otherwise.\n' +
        'A class makes an object, whose URI is printed; below that are its methods, and attributes to read.\n' +
        'Items of a stream are printed as they come; with --json, --cbor, --include or --accept all of them when it has ended\n' +
        '(`funcoap watch --json` prints each as it comes). Any other resource is asked with GET.',
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
    .addOption(
      new Option('--count <n>', 'of a stream, or with --observe: end after N').argParser(numberArgument(1, mebibyte)),
    )
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
        'funcoap call -v --non coap://127.0.0.1/f/1/0 a=1 b=2',
        'echo \'{"a":1,"b":2}\' | funcoap call coap://127.0.0.1/func/math/add -',
        'funcoap call --observe --count 3 coap://127.0.0.1/clock',
      ),
    )
    .action(async (uri: string, texts: string[], options: CallOptions) => {
      await call(uri, texts, options, terminal);
      done(exitCode.ok);
    });
};
