/** `funcoap batch URI CALL...`: several calls in one request. */
import { encodeJson } from '../cbor/json-encode.ts';
import type { Argument } from '../client/sdk/arguments.ts';
import { RemoteError } from '../client/sdk/errors.ts';
import type { Reference } from '../client/sdk/references.ts';
import type { Connection } from '../client/sdk/connection-controls.ts';
import { UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { callsOfFile, callsOfLines, ResultOf, type BatchedLine } from './batch-calls.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { exitCode } from './exit-code.ts';
import { LineTargets } from './line-target.ts';
import { tokenOption, withGateway, withUris, type GatewayConnectionOptions } from './gateway-connection.ts';
import { valueText } from './print-value.ts';
import { readSource } from './read-source.ts';
import type { Terminal } from './terminal.ts';

interface BatchOptions extends GatewayConnectionOptions {
  readonly json?: boolean;
  readonly last?: boolean;
}

async function run(gateway: Connection, calls: readonly BatchedLine[], last: boolean): Promise<readonly unknown[]> {
  return await gateway.$batch((later) => {
    const given: Reference<Value>[] = [];
    const stepInto = ({ index, steps }: ResultOf): Reference<Value> => {
      const whole = given[index];
      if (whole === undefined)
        throw new UsageError('bad-argument', `Call ${given.length} refers to call ${index}, which is not before it.`);
      return steps.reduce<Reference<Value>>((place, step) => place[step] ?? place, whole);
    };
    const argumentOf = (argument: Argument | ResultOf): Argument => {
      if (argument instanceof ResultOf) return stepInto(argument);
      if (typeof argument !== 'object' || argument === null) return argument;
      if (Object.getPrototypeOf(argument) !== Object.prototype) return argument;
      // One by name: its members are the arguments.
      return Object.fromEntries(
        Object.entries(argument).map(([name, member]: [string, unknown]) => [
          name,
          member instanceof ResultOf ? stepInto(member) : member,
        ]),
      );
    };
    for (const { target, args } of calls) given.push(target.record(later, args.map(argumentOf)) as Reference<Value>);
    return last ? given.slice(-1) : given;
  });
}

function print(results: readonly Value[], { json = false, last = false }: BatchOptions, terminal: Terminal): void {
  if (json) {
    terminal.out(`${encodeJson(last ? (results[0] ?? null) : results)}\n`);
    return;
  }
  for (const result of results) {
    const text = valueText(result, terminal.outPaint);
    if (text !== '') terminal.out(`${text}\n`);
  }
}

async function batch(uri: string, texts: readonly string[], options: BatchOptions, terminal: Terminal): Promise<void> {
  const read = readSource(terminal);
  await withGateway(terminal, uri, options, async (gateway) => {
    const [only = ''] = texts;
    const file = texts.length === 1 && /^(?:@.+|-)$/s.test(only) ? only.replace(/^@/, '') : undefined;
    const targets = new LineTargets(gateway);
    const calls =
      file === undefined ? await callsOfLines(texts, targets, read) : await callsOfFile(await read(file), targets);
    try {
      const results = await run(gateway, calls, options.last === true);
      print(results.map(withUris), options, terminal);
    } catch (error) {
      if (error instanceof RemoteError && options.json !== true)
        print((error.batch?.results ?? []).map(withUris), options, terminal);
      throw error;
    }
  });
}

export const addBatch: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('batch'))
    .summary('several calls in one request')
    .description(
      'Makes several calls in one request, one after the other, up to the first that fails. A call is one word of the ' +
        'command line, as in `funcoap shell`: a function, a class, or a method or attribute of an object.\n' +
        '#0 stands for what call 0 gives, #0.id for a member of it. A single @file or - ' +
        'is a list of calls in JSON, [["math/add", [10, 20]], ["math/add", [{"#": [0]}, 5]]], or in CBOR.',
    )
    .argument('<uri>', 'coap://HOST, coaps://HOST or http://HOST:PORT')
    .argument('<calls...>', "'LIBRARY/METHOD name=value …', 'o/ID/METHOD …'")
    .option('--last', 'ask for the last result only')
    .addOption(jsonOption())
    .option(...tokenOption)
    .addHelpText(
      'after',
      examples(
        "funcoap batch coap://127.0.0.1 'math/add 10 20' 'math/multiply #0 3'",
        "funcoap batch coap://127.0.0.1 'o/bWV0ZXIt/deposit 5' 'o/bWV0ZXIt/balance'",
        'funcoap batch --json coap://127.0.0.1 @calls.json',
      ),
    )
    .action(async (uri: string, calls: readonly string[], options: BatchOptions) => {
      await batch(uri, calls, options, terminal);
      done(exitCode.ok);
    });
};
