/** `funcoap ping URI`: an Empty CON and the Reset that answers it (RFC 7252 §4.3). */
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../core/error.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, withConnection, type ConnectionOptions } from './connection.ts';
import { exitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

interface PingOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly count: string;
}

async function ping(text: string, options: PingOptions, terminal: Terminal): Promise<void> {
  const uri = completeUri(text, options);
  const count = Number(options.count);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError(
      'bad-flag',
      `--count is ${JSON.stringify(options.count)}, but must be a whole number of at least 1.`,
    );
  }
  await withConnection(terminal, uri, options, async ({ client, signal, timeout }) => {
    for (let i = 0; i < count; i++) {
      // A second apart: libcoap sends no more than four Resets a second.
      if (i > 0) await sleep(1000);
      const ms = await client.ping(uri, { signal, timeout });
      const rounded = Math.round(ms * 1000) / 1000;
      terminal.out(
        options.json === true ? `${JSON.stringify({ uri, ms: rounded })}\n` : `${uri} answered in ${rounded} ms\n`,
      );
    }
  });
}

export const addPing: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('ping'))
    .summary('see whether a CoAP endpoint is there')
    .description('Sends an Empty confirmable message and waits for the Reset that any CoAP endpoint answers it with.')
    .argument('<uri>', 'coap://HOST')
    .option('-c, --count <n>', 'how often', '1')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('funcoap ping coap://127.0.0.1', 'funcoap ping --timeout 2s --json coap://[fd00::1]'),
    )
    .action(async (uri: string, options: PingOptions) => {
      await ping(uri, options, terminal);
      done(exitCode.ok);
    });
};
