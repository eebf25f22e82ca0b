/** `funcoap enroll NAME`: an identity for a device, and what the device needs, ready to paste. */
import { Option } from 'commander';
import { later } from '../core/time-of-day.ts';
import { checkIdentityName, type CredentialKind } from '../devices/identity.ts';
import { dataOptions, now, spanOf, withStore, type DataOptions } from './command-data.ts';
import { collected, examples, jsonOption, type AddCommand } from './command.ts';
import { makeMaterial } from './device-material.ts';
import { exitCode } from './exit-code.ts';
import { checkOut, handOut, reachOf } from './hand-out.ts';
import { readSource } from './read-source.ts';
import { takenUp } from './running-gateways.ts';
import type { Terminal } from './terminal.ts';

interface EnrollOptions extends DataOptions {
  readonly psk?: boolean;
  readonly x509?: boolean;
  readonly rpk?: boolean;
  readonly group?: readonly string[];
  readonly expires?: string;
  readonly from?: string;
  readonly out?: string;
  readonly host?: string;
  readonly allowLegacyMasterSecret?: boolean;
  readonly json?: boolean;
}

const kindWords: Readonly<Record<CredentialKind, string>> = {
  psk: 'a pre-shared key',
  x509: 'a certificate',
  rpk: 'a raw public key',
};

async function enroll(name: string, options: EnrollOptions, terminal: Terminal): Promise<void> {
  checkIdentityName(name);
  const groups = [...new Set(options.group ?? [])];
  for (const group of groups) checkIdentityName(group, 'group');
  const kind: CredentialKind = options.x509 === true ? 'x509' : options.rpk === true ? 'rpk' : 'psk';
  const created = now();
  const expires =
    options.expires === undefined ? undefined : later(created, spanOf('--expires', options.expires, '1s'));
  const from = options.from === undefined ? undefined : await readSource(terminal)(options.from);
  const reach = await reachOf(options, terminal);
  checkOut(options.out, terminal);
  await withStore(options, terminal, async (store, folder) => {
    const known = await store.find(name);
    const request = { kind, name, now: created, expires, credentials: known?.credentials ?? [], from, folder };
    const { credential, material } = await makeMaterial(request);
    const identity = await store.enroll({
      name,
      groups,
      created,
      expires,
      allowLegacyMasterSecret: options.allowLegacyMasterSecret === true,
      credential,
    });
    const what = `${name} is enrolled with ${kindWords[kind]}, in ${folder}.`;
    await handOut(what, identity, material, { ...options, ...reach }, terminal);
    await takenUp(store, options, terminal);
  });
}

export const addEnroll: AddCommand = (program, terminal, done) => {
  dataOptions(program.command('enroll'))
    .summary('give a device an identity')
    .description(
      'Gives a device an identity, and prints what it needs: a pre-shared key, a certificate (after `funcoap ca init`) or a raw public key. A running gateway knows it at once. Secrets are shown this once.',
    )
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .addOption(new Option('--psk', 'a pre-shared key (default)').conflicts(['x509', 'rpk']))
    .addOption(new Option('--x509', 'a certificate').conflicts(['psk', 'rpk']))
    .addOption(new Option('--rpk', 'a raw public key').conflicts(['psk', 'x509']))
    .option('--group <group>', 'a group, for access rules; may be repeated', collected)
    .option('--expires <duration>', 'how long it is valid: 90d, 12h')
    .option(
      '--from <file>',
      'what the device has made: key, certificate request, certificate or public key; - is the input',
    )
    .option('--out <folder>', 'write keys and certificates to files there instead of printing them')
    .option('--host <host>', "how the device reaches the gateway (default: this machine's name)")
    .option('--allow-legacy-master-secret', 'accept it without extended master secret (RFC 7627)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'funcoap enroll meter-7 --group meters --expires 90d',
        'funcoap enroll gate --x509 --out ./gate',
        'openssl req -new -key gate.key -subj /CN=gate | funcoap enroll gate --x509 --from -',
      ),
    )
    .action(async (name: string, options: EnrollOptions) => {
      await enroll(name, options, terminal);
      done(exitCode.ok);
    });
};
