/** `funcoap release URI`: lets go of an object. */
import { UsageError } from '../core/error.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, segmentsOf, withConnection, type ConnectionOptions } from './connection.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import type { Terminal } from './terminal.ts';

interface ReleaseOptions extends ConnectionOptions {
  readonly json?: boolean;
}

async function release(text: string, options: ReleaseOptions, terminal: Terminal): Promise<void> {
  const uri = completeUri(text, options);
  const [root, id, ...more] = segmentsOf(uri);
  if (root !== 'o' || id === undefined || more.length > 0) {
    throw new UsageError(
      'bad-uri',
      `${uri} is no object; \`funcoap call\` of a class prints the URI of one: coap://HOST/o/ID.`,
    );
  }
  await withConnection(terminal, uri, options, async ({ client, signal, timeout }) => {
    accepted(await client.request({ uri: `${uri}?_why`, method: 'DELETE', signal, timeout }));
    if (options.json === true) terminal.out('null\n');
  });
}

export const addRelease: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('release'))
    .summary('let go of an object')
    .description('Lets go of an object that `funcoap call` has made. One that is not used for long goes by itself.')
    .argument('<uri>', 'coap://HOST/o/ID')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap release coap://127.0.0.1/o/bWV0ZXIt'))
    .action(async (uri: string, options: ReleaseOptions) => {
      await release(uri, options, terminal);
      done(exitCode.ok);
    });
};
