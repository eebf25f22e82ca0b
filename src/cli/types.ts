/** `funcoap types URI`: TypeScript declarations of what a gateway offers. */
import type { Connection } from '../client/sdk/connection-controls.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { libraryTypes } from '../directory/library-types.ts';
import { connectionOptions, examples, type AddCommand } from './command.ts';
import { exitCode } from './exit-code.ts';
import { tokenOption, withGateway, type GatewayConnectionOptions } from './gateway-connection.ts';
import type { Terminal } from './terminal.ts';

/** All functions that can be called, by the names of their libraries. */
async function everyFunction(gateway: Connection): Promise<DescribedFunction[]> {
  const functions: DescribedFunction[] = [];
  for (const { name: library } of await gateway.$libraries()) {
    for (const method of await gateway.$functions(library)) {
      const fn = await gateway[library]?.[method]?.describe();
      if (fn !== undefined) functions.push(fn);
    }
  }
  return functions;
}

async function types(text: string, options: GatewayConnectionOptions, terminal: Terminal): Promise<void> {
  await withGateway(terminal, text, options, async (gateway, uri) => {
    terminal.out(libraryTypes(await everyFunction(gateway), uri));
  });
}

export const addTypes: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('types'))
    .summary('TypeScript declarations of the functions of a gateway')
    .description(
      'Writes the functions of a gateway as TypeScript, so that an editor completes and checks connect<Gateway>(…).',
    )
    .argument('<uri>', 'coap://HOST, coaps://HOST or http://HOST:PORT')
    .option(...tokenOption)
    .addHelpText('after', examples('funcoap types coap://127.0.0.1 > gw.d.ts'))
    .action(async (uri: string, options: GatewayConnectionOptions) => {
      await types(uri, options, terminal);
      done(exitCode.ok);
    });
};
