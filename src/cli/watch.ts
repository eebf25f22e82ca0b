/** `funcoap watch URI [name=value ...]`: prints the items of a stream as they come, or what a result becomes. */
import { Option } from 'commander';
import type { CoapRequest } from '../client/coap-request.ts';
import { notObservable } from '../client/sdk/followed-calls.ts';
import { numberArgument } from './call.ts';
import { ask, type RequestOptions } from './call-request.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, withConnection, type ConnectionOptions } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { resultValues, states, streamValues } from './followed-values.ts';
import { printValues } from './print-value.ts';
import type { Terminal } from './terminal.ts';

interface WatchOptions extends ConnectionOptions, RequestOptions {
  readonly json?: boolean;
  readonly count?: number;
  readonly from?: number;
}

async function watch(text: string, texts: readonly string[], options: WatchOptions, terminal: Terminal): Promise<void> {
  const uri = completeUri(text, options);
  await withConnection(terminal, uri, options, async (connection) => {
    const { asked, fn } = await ask(connection, uri, texts, options, terminal);
    // A POST would be made again and again: only what the gateway observes is asked for more than once.
    if (fn !== undefined && fn.stream !== true && !fn.pure) throw notObservable(fn);
    const { signal, timeout } = connection;
    const request: CoapRequest = { ...asked, signal, timeout };
    const values =
      fn === undefined
        ? states(connection.client, request)
        : fn.stream === true
          ? streamValues(connection, request, fn, options.from)
          : resultValues(connection, request, fn);
    await printValues(values, options, terminal);
  });
}

const most = Number.MAX_SAFE_INTEGER;

export const addWatch: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('watch'))
    .summary('print the items of a stream, or what a result becomes')
    .description(
      'Observes a function: the items of a stream as they come, or the result of a pure function now and whenever ' +
        'it is another.\nArguments are those of `funcoap call`. It ends with the stream, or with Ctrl-C.',
    )
    .argument('<uri>', 'coap://HOST/func/LIBRARY/METHOD')
    .argument('[arguments...]', 'name=value')
    .addOption(jsonOption())
    .addOption(new Option('--from <index>', 'begin with this item of a stream').argParser(numberArgument(0, most)))
    .addOption(new Option('--count <n>', 'end after N').argParser(numberArgument(1, most)))
    .addHelpText(
      'after',
      examples(
        'funcoap watch coap://127.0.0.1/func/oslist/list',
        'funcoap watch coap://127.0.0.1/clock',
        'funcoap watch --json --from 100 --count 10 coap://127.0.0.1/func/ticker/prices symbol=ACME',
      ),
    )
    .action(async (uri: string, texts: string[], options: WatchOptions) => {
      await watch(uri, texts, options, terminal);
      done(exitCode.ok);
    });
};
