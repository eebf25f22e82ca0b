/** `funcoap set URI VALUE`: sets an attribute of an object. */
import { contentFormat } from '../cbor/content-format.ts';
import { encodeCbor } from '../cbor/encode.ts';
import { UsageError } from '../core/error.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { readArguments } from './call-arguments.ts';
import { connectionOptions, examples, jsonOption, type AddCommand } from './command.ts';
import { completeUri, segmentsOf, withConnection, withPath, type ConnectionOptions } from './connection.ts';
import { fetchDescription } from './describe.ts';
import { exitCode } from './exit-code.ts';
import { accepted } from './failure.ts';
import { readSource } from './read-source.ts';
import type { Terminal } from './terminal.ts';

interface SetOptions extends ConnectionOptions {
  readonly json?: boolean;
}

async function set(text: string, value: string, options: SetOptions, terminal: Terminal): Promise<void> {
  const uri = completeUri(text, options);
  const [root, id, name, ...more] = segmentsOf(uri);
  if (root !== 'o' || id === undefined || name === undefined || more.length > 0) {
    throw new UsageError(
      'bad-uri',
      `${uri} is no attribute of an object; one is coap://HOST/o/ID/ATTRIBUTE, and \`funcoap describe coap://HOST/o/ID\` lists them.`,
    );
  }
  await withConnection(terminal, uri, options, async (connection) => {
    const of = await fetchDescription(connection, withPath(uri, `/o/${id}`));
    const setting = settingOf(of, name);
    const word = `value${signOf(value)}${value}`;
    const { value: given } = await readArguments(setting, [word], readSource(terminal));
    const { client, signal, timeout } = connection;
    const payload = encodeCbor(given);
    const asked = { uri: `${uri}?_why`, method: 'PUT', payload, contentFormat: contentFormat.cbor } as const;
    accepted(await client.request({ ...asked, signal, timeout }), setting);
    if (options.json === true) terminal.out('null\n');
  });
}

/** As in `funcoap call`, where a name stands before it. */
const signOf = (value: string): string => (value.startsWith(':=') ? '' : '=');

/** What it takes as a function. What is not there, or not to be set, is the gateway's to refuse. */
function settingOf(of: DescribedFunction, name: string): DescribedFunction {
  const attribute = of.members?.find((member) => member.name === name && member.kind === 'attribute');
  const anything = {
    name: 'value',
    id: undefined,
    type: { kind: 'any' },
    required: true,
    rest: false,
    doc: undefined,
  } as const;
  return { ...of, method: `${of.method}.${name}`, parameters: attribute?.parameters ?? [anything] };
}

export const addSet: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('set'))
    .summary('set an attribute of an object')
    .description(
      'Sets an attribute of an object that `funcoap call` has made. The value is typed by the attribute: VALUE, :=JSON, @file, or -\n' +
        '(the input). `funcoap call` of the same URI reads it.',
    )
    .argument('<uri>', 'coap://HOST/o/ID/ATTRIBUTE')
    .argument('<value>', 'what it becomes')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap set coap://127.0.0.1/o/bWV0ZXIt/owner Grace'))
    .action(async (uri: string, value: string, options: SetOptions) => {
      await set(uri, value, options, terminal);
      done(exitCode.ok);
    });
};
