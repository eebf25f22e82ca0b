/** `funcoap watch URI [name=value ...]`: prints the items of a stream as they come, or what a result becomes. */
import { Option } from 'commander';
import { contentFormat } from '../cbor/content-format.ts';
import { decodeCborSequence } from '../cbor/decode.ts';
import type { CoapResponse } from '../client/coap-request.ts';
import { PeerError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { ask, numberArgument, printValue, type CallOptions } from './call.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, valueOf, withConnection, withQuery } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import type { Terminal } from './terminal.ts';

interface WatchOptions extends CallOptions {
  readonly from?: number;
}

async function watch(text: string, texts: readonly string[], options: WatchOptions, terminal: Terminal): Promise<void> {
  const uri = completeUri(text, options);
  await withConnection(terminal, uri, options, async (connection) => {
    const { asked, fn } = await ask(connection, uri, texts, options, terminal);
    const { client, signal, timeout } = connection;
    const isStream = fn?.stream === true;
    const words = [
      ...(options.from === undefined ? [] : [`_from=${options.from}`]),
      ...(isStream && options.count !== undefined ? [`_n=${options.count}`] : []),
    ];
    const request = {
      ...asked,
      uri: words.reduce((whole, word) => withQuery(whole, word), asked.uri),
      accept: fn === undefined ? undefined : isStream ? contentFormat.cborSequence : contentFormat.cbor,
      signal,
      timeout,
    };
    let left = options.count ?? Infinity;
    for await (const answer of client.observe(request)) {
      for (const value of valuesOf(accepted(answer, fn), fn)) {
        printValue(value, options, terminal);
        if (--left <= 0) return;
      }
    }
  });
}

/** What there is to print of an answer. */
function valuesOf(answer: CoapResponse, fn: DescribedFunction | undefined): readonly Value[] {
  if (fn?.stream !== true) return [valueOf(answer)];
  return decodeCborSequence(answer.payload).flatMap((told) => {
    if (!Array.isArray(told))
      throw new PeerError('not-a-stream', 'The peer told something else than items of a stream.');
    // [index, item]; [count] is the end.
    return told.length === 2 ? [(told as readonly Value[])[1]] : [];
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
        'funcoap watch coap://127.0.0.1/func/stock/ticks symbol=ACME',
        'funcoap watch --json --from 100 --count 10 coap://127.0.0.1/func/stock/ticks symbol=ACME',
        'funcoap watch coap://127.0.0.1/func/oslist/list',
      ),
    )
    .action(async (uri: string, texts: string[], options: WatchOptions) => {
      await watch(uri, texts, options, terminal);
      done(exitCode.ok);
    });
};
