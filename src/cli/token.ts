/** `funcoap token NAME`: a bearer token for an identity, for calls over HTTP. */
import { UsageError } from '../core/error.ts';
import { later, timeOfDay } from '../core/time-of-day.ts';
import { mintToken } from '../devices/bearer-token.ts';
import { isValid, validUntil } from '../devices/identity.ts';
import { dataOptions, now, spanOf, timeText, timeValue, withIdentities, type DataOptions } from './command-data.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { exitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

interface TokenOptions extends DataOptions {
  readonly expires: string;
  readonly json?: boolean;
}

async function token(name: string, options: TokenOptions, terminal: Terminal): Promise<void> {
  const issued = now();
  const wanted = later(issued, spanOf('--expires', options.expires));
  await withIdentities(options, terminal, async (store, folder) => {
    const identity = await store.find(name);
    if (identity === undefined) {
      throw new UsageError('no-such-identity', `No identity is called ${name}; \`funcoap identities ls\` lists them.`);
    }
    const credential = identity.credentials.find((one) => isValid(identity, one, issued));
    if (credential === undefined) {
      throw new UsageError('identity-ended', `${name} is revoked or has expired; enroll a new identity.`);
    }
    const { tokenKey } = await import('../store/token-key.ts');
    const expires = timeOfDay(Math.min(wanted, validUntil(identity, credential) ?? Infinity));
    const text = mintToken(tokenKey(folder), { name, credentialId: credential.id, issued, expires });
    if (options.json === true) {
      terminal.out(`${JSON.stringify({ token: text, identity: name, expires: timeValue(expires) })}\n`);
      return;
    }
    // The token alone, for `$(funcoap token NAME)`; words for who looks.
    terminal.out(`${text}\n`);
    if (terminal.isErrTerminal) {
      terminal.err(`It is ${name} until ${timeText(expires)}: curl -H "Authorization: Bearer TOKEN" …\n`);
    }
  });
}

export const addToken: AddCommand = (program, terminal, done) => {
  dataOptions(program.command('token'))
    .summary('make a bearer token for HTTP')
    .description(
      'Prints a bearer token with which an enrolled identity calls over HTTP. Revoking the identity or rotating its keys ends it.',
    )
    .argument('<name>', 'the identity')
    .option('--expires <duration>', 'how long it is valid: 90d, 12h', '30d')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap token meter-7', 'funcoap token ci --expires 1h --json'))
    .action(async (name: string, options: TokenOptions) => {
      await token(name, options, terminal);
      done(exitCode.ok);
    });
};
