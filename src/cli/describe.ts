/** `funcoap describe URI`: what a function takes, gives and does; what objects of a class offer. */
import { encodeJson } from '../cbor/json-encode.ts';
import { encodeUriSegment } from '../coap/codec/uri.ts';
import { PeerError, UsageError } from '../core/error.ts';
import { isClass, type DescribedFunction } from '../directory/described.ts';
import { readFunction } from '../directory/read-description.ts';
import { formatDuration } from '../config/units.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import {
  completeUri,
  getValue,
  notAGateway,
  segmentsOf,
  valueOf,
  withConnection,
  withPath,
  type Connection,
  type ConnectionOptions,
} from './connection.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import { valueText, tableText } from './print-value.ts';
import { classFacts, memberTables } from './describe-class.ts';
import { parameterText, signatureText } from '../directory/signature-text.ts';
import type { Terminal } from './terminal.ts';

interface DescribeOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly schema?: boolean;
  readonly cddl?: boolean;
}

/** Whether a path is one of `/func/{library}/{method}`, `/f/{library id}/{method id}` and `/o/{id}/{member}`. */
export function isCallable(uri: string): boolean {
  const [root = '', ...names] = segmentsOf(uri);
  return names.length === 2 && ['func', 'f', 'o'].includes(root);
}

const isObject = (uri: string): boolean => {
  const [root, id, ...more] = segmentsOf(uri);
  return root === 'o' && id !== undefined && more.length === 0;
};

const describing = (uri: string, form: string): string =>
  withPath(uri, `/${segmentsOf(uri).map(encodeUriSegment).join('/')}?_describe${form}&_why`);

/** Asks the gateway what a function is. */
export async function fetchDescription(connection: Connection, uri: string): Promise<DescribedFunction> {
  const value = valueOf(accepted(await getValue(connection, describing(uri, ''))));
  try {
    return readFunction(value);
  } catch (error) {
    throw error instanceof PeerError ? notAGateway(uri) : error;
  }
}

function describeText(uri: string, fn: DescribedFunction, { outPaint: paint }: Terminal): string {
  const cached =
    fn.maxAge > 0 ? `pure: results are cached for ${formatDuration(fn.maxAge)}` : 'pure: results are revalidated';
  const compact = fn.libraryId === undefined || fn.id === undefined ? 'none' : `/f/${fn.libraryId}/${fn.id}`;
  const segments = segmentsOf(uri);
  const facts = [
    ...(segments[0] === 'o'
      ? [
          ['path', `/${segments.join('/')}`],
          ['class', `${fn.library}/${fn.method.split('.', 1)[0] ?? ''}`],
        ]
      : [
          ['path', `/func/${fn.library}/${fn.method}`],
          ['compact', compact],
        ]),
    ...(fn.stream === true ? [['gives', 'a stream: items one after the other (`funcoap watch`)']] : []),
    ...(isClass(fn)
      ? classFacts(fn, isObject(uri))
      : [['effects', fn.pure ? cached : fn.safe ? 'safe: no side effects' : 'has side effects: POST only']]),
    ...(fn.notCallable === undefined ? [] : [['callable', `no: ${fn.notCallable}`]]),
  ];
  // An object is there already: what its class takes to make one is nobody's question.
  const taken = isObject(uri) ? [] : fn.parameters;
  const parameters = taken.map((parameter) => [parameter.id ?? '', parameterText(parameter), parameter.doc ?? '']);
  return [
    paint('bold', isObject(uri) ? fn.method : signatureText(fn)),
    ...(fn.doc === undefined ? [] : ['', valueText(fn.doc)]),
    '',
    ...facts.map(([name = '', text = '']) => `${paint('dim', name.padEnd(8))} ${valueText(text)}`),
    ...(parameters.length === 0 ? [] : ['', tableText(['id', 'parameter', ''], parameters, paint)]),
    ...(isClass(fn) ? memberTables(fn, paint) : []),
  ].join('\n');
}

async function describe(text: string, options: DescribeOptions, terminal: Terminal): Promise<void> {
  const uri = completeUri(text, options);
  if (!isCallable(uri) && !isObject(uri)) {
    throw new UsageError(
      'bad-uri',
      `${uri} is not a function; a function is coap://HOST/func/LIBRARY/METHOD, and \`funcoap ls\` lists them. An object is coap://HOST/o/ID.`,
    );
  }
  await withConnection(terminal, uri, options, async (connection) => {
    if (options.schema === true || options.cddl === true) {
      const form = options.cddl === true ? '=cddl' : '=schema';
      const { client, signal, timeout } = connection;
      const answer = accepted(
        await client.request({
          uri: describing(uri, form),
          method: 'GET',
          accept: options.cddl === true ? 0 : 50,
          signal,
          timeout,
        }),
      );
      const value = valueOf(answer);
      terminal.out(
        typeof value === 'string'
          ? `${value.trimEnd()}\n`
          : `${JSON.stringify(JSON.parse(encodeJson(value)), null, 2)}\n`,
      );
    } else if (options.json === true) {
      terminal.out(`${encodeJson(valueOf(accepted(await getValue(connection, describing(uri, '')))))}\n`);
    } else {
      terminal.out(`${describeText(uri, await fetchDescription(connection, uri), terminal)}\n`);
    }
  });
}

export const addDescribe: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('describe'))
    .summary('what a function takes, gives and does')
    .description('Shows the signature, documentation and ids of a function, or of a class with what its objects offer.')
    .argument('<uri>', 'coap://HOST/func/LIBRARY/METHOD, coap://HOST/o/ID')
    .option('--schema', 'print the parameters as JSON Schema')
    .option('--cddl', 'print the parameters as CDDL (RFC 8610)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'funcoap describe coap://127.0.0.1/func/math/add',
        'funcoap describe coap://127.0.0.1/o/bWV0ZXIt',
        'funcoap describe --cddl coap://127.0.0.1/func/oslist/list',
      ),
    )
    .action(async (uri: string, options: DescribeOptions) => {
      await describe(uri, options, terminal);
      done(exitCode.ok);
    });
};
