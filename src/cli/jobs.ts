/** `funcoap jobs ls|show|wait|cancel URI`: calls whose results are fetched later (`funcoap call --job` makes one). */
import type { Command } from 'commander';
import { decodeCbor } from '../cbor/decode.ts';
import type { CoapResponse } from '../client/coap-request.ts';
import { defaultCallOptions } from '../client/sdk/call-options.ts';
import { endedJob } from '../client/sdk/observed.ts';
import { throughOutages } from '../client/sdk/retries.ts';
import { UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { systemScheduler } from '../transport/scheduler.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import {
  completeUri,
  getValue,
  segmentsOf,
  valueOf,
  withConnection,
  withPath,
  type ConnectionOptions,
} from './connection.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import { printValue, tableText } from './print-value.ts';
import type { Terminal } from './terminal.ts';

interface JobsOptions extends ConnectionOptions {
  readonly json?: boolean;
}

function jobOf(text: string, options: JobsOptions): string {
  const uri = completeUri(text, options);
  const [root, id, ...more] = segmentsOf(uri);
  if (root === 'j' && id !== undefined && more.length === 0) return uri;
  throw new UsageError(
    'bad-argument',
    `${uri} is no job; \`funcoap call --job\` prints the URI of one: coap://HOST/j/ID.`,
  );
}

async function list(text: string, options: JobsOptions, terminal: Terminal): Promise<void> {
  const uri = withPath(completeUri(text, options), '/j');
  await withConnection(terminal, uri, options, async (connection) => {
    const value = valueOf(accepted(await getValue(connection, uri)));
    if (options.json === true) {
      printValue(value, options, terminal);
      return;
    }
    const jobs = Array.isArray(value) ? (value as readonly Readonly<Record<string, Value>>[]) : [];
    const rows = jobs.map((job) => [job['id'], job['function'], job['state'], job['created']]);
    terminal.out(
      `${rows.length === 0 ? 'no jobs' : tableText(['job', 'function', 'state', 'created'], rows, terminal.outPaint)}\n`,
    );
  });
}

async function show(text: string, options: JobsOptions, terminal: Terminal): Promise<void> {
  const uri = jobOf(text, options);
  await withConnection(terminal, uri, options, async (connection) => {
    printValue(valueOf(accepted(await getValue(connection, uri))), options, terminal);
  });
}

async function wait(text: string, options: JobsOptions, terminal: Terminal): Promise<void> {
  const uri = jobOf(text, options);
  await withConnection(terminal, uri, options, async ({ client, signal, timeout }) => {
    const request = { uri, method: 'GET', signal, timeout } as const;
    const ask = async (heard: () => void): Promise<CoapResponse> =>
      await endedJob(client, request, systemScheduler, heard);
    const longest = timeout ?? defaultCallOptions.timeout;
    const outages = { longest, scheduler: systemScheduler, signal, origin: uri };
    const { payload } = accepted(await throughOutages(ask, outages));
    printValue(decodeCbor(payload), options, terminal);
  });
}

async function cancel(text: string, options: JobsOptions, terminal: Terminal): Promise<void> {
  const uri = jobOf(text, options);
  await withConnection(terminal, uri, options, async ({ client, signal, timeout }) => {
    accepted(await client.request({ uri, method: 'DELETE', signal, timeout }));
    if (options.json === true) terminal.out('null\n');
  });
}

export const addJobs: AddCommand = (program, terminal, done) => {
  const jobs = program
    .command('jobs')
    .summary('calls whose results are fetched later')
    .description('Calls whose results are fetched later: `funcoap call --job` makes one and prints its URI.');
  const add = (
    name: string,
    summary: string,
    argument: string,
    run: (uri: string, options: JobsOptions, terminal: Terminal) => Promise<void>,
  ): Command =>
    connectionOptions(jobs.command(name))
      .summary(summary)
      .argument('<uri>', argument)
      .addOption(jsonOption())
      .action(async (uri: string, options: JobsOptions) => {
        await run(uri, options, terminal);
        done(exitCode.ok);
      });
  const job = 'coap://HOST/j/ID';
  add('ls', 'list your jobs', 'coap://HOST', list)
    .description('Lists the jobs of whoever asks, and what has become of them.')
    .addHelpText('after', examples('funcoap jobs ls coap://127.0.0.1'));
  add('show', 'print the result of a job', job, show)
    .description('Prints the result of a job that has ended; ends with 5 where it has not, or has failed.')
    .addHelpText('after', examples('funcoap jobs show coap://127.0.0.1/j/bWV0ZXIt'));
  add('wait', 'wait for the result of a job', job, wait)
    .description('Waits until a job has ended, and prints its result.')
    .addHelpText('after', examples('funcoap jobs wait --json coap://127.0.0.1/j/bWV0ZXIt'));
  add('cancel', 'cancel a job, or remove its result', job, cancel)
    .description('Cancels a job: it does not begin, or its function is told to stop. One that has ended is removed.')
    .addHelpText('after', examples('funcoap jobs cancel coap://127.0.0.1/j/bWV0ZXIt'));
};
