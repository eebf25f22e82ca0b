/** `funcoap watch URI [name=value ...]`: prints the items of a stream as they come, or what a result becomes. */
import { Option } from 'commander';
import type { CoapClient } from '../client/coap-client.ts';
import type { CoapRequest } from '../client/coap-request.ts';
import { defaultCallOptions } from '../client/sdk/call-options.ts';
import { placeWords, type DoorAnswer } from '../client/sdk/door.ts';
import { RemoteError } from '../client/sdk/errors.ts';
import { notObservable } from '../client/sdk/followed-calls.ts';
import { streamItems, watchedResults } from '../client/sdk/followed.ts';
import { observedResult, observedStream } from '../client/sdk/observed.ts';
import type { Value } from '../core/value.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { systemScheduler } from '../transport/scheduler.ts';
import { ask, numberArgument, printValue, type CallOptions } from './call.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, valueOf, withConnection, withQuery, type Connection } from './connection.ts';
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
    // A POST would be made again and again: only what the gateway observes is asked for more than once.
    if (fn !== undefined && fn.stream !== true && !fn.pure) throw notObservable(fn);
    const { signal, timeout } = connection;
    let left = options.count ?? Infinity;
    for await (const value of valuesOf(connection, { ...asked, signal, timeout }, fn, options)) {
      printValue(value, options, terminal);
      if (--left <= 0) return;
    }
  });
}

function valuesOf(
  { client, signal }: Connection,
  request: CoapRequest,
  fn: DescribedFunction | undefined,
  { from = 0 }: WatchOptions,
): AsyncIterable<Value> {
  if (fn === undefined) return states(client, request);
  const refused = (answer: DoorAnswer): RemoteError =>
    new RemoteError(`${fn.library}/${fn.method}`, answer, fn.parameters);
  const { retries } = defaultCallOptions;
  const followed = { retries, signal, scheduler: systemScheduler, origin: request.uri, refused };
  if (fn.stream !== true)
    return watchedResults(followed, request.uri.includes('c.pmax='), () => observedResult(client, request));
  return streamItems({ ...followed, replay: false }, from, (place) =>
    observedStream(client, place, (at) => ({
      ...request,
      uri: placeWords(at).reduce((uri, word) => withQuery(uri, word), request.uri),
    })),
  );
}

/** Of a resource that is no function. */
async function* states(client: CoapClient, request: CoapRequest): AsyncGenerator<Value, void> {
  for await (const answer of client.observe(request)) yield valueOf(accepted(answer));
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
