/** `funcoap ca init` and `funcoap ca gateway`: the certificates that devices and the gateway know each other by. */
import { hostname } from 'node:os';
import { now, dataFolderOf, dataOptions, type DataOptions } from './command-data.ts';
import { collected, examples, jsonOption, type AddCommand } from './command.ts';
import { exitCode } from './exit-code.ts';
import { hostOf } from './host.ts';
import type { Terminal } from './terminal.ts';

interface CaOptions extends DataOptions {
  readonly host?: readonly string[];
  readonly json?: boolean;
}

async function ca(what: 'init' | 'gateway', options: CaOptions, terminal: Terminal): Promise<void> {
  const folder = await dataFolderOf(options, terminal);
  const hosts = options.host?.map(hostOf) ?? [hostname()];
  // Loaded only here: certificates take a library that is slow to load.
  const { issuerIn, makeAuthority, makeGatewayCertificate } = await import('./authority.ts');
  const { CertificateFiles } = await import('../store/certificate-files.ts');
  const files = new CertificateFiles(folder);
  if (what === 'init') await makeAuthority(files, hosts, now());
  else await makeGatewayCertificate(files, issuerIn(files, 'root'), hosts, now());
  const names = { root: files.pathOf('root'), devices: files.pathOf('devices'), gateway: files.pathOf('gateway') };
  if (options.json === true) {
    terminal.out(`${JSON.stringify({ folder: files.folder, ...names, hosts })}\n`);
    return;
  }
  const made =
    what === 'init'
      ? [
          `Root, device CA and the gateway's certificate are in ${files.folder}.`,
          `  ${names.root}  devices trust it`,
          `  ${names.devices}  signs devices: funcoap enroll NAME --x509`,
          `  ${names.gateway}  for ${hosts.join(', ')}`,
          `Keep ${files.pathOf('root', 'key')} elsewhere and remove it here: only \`funcoap ca gateway\` needs it.`,
        ]
      : [`The gateway's certificate ${names.gateway} is for ${hosts.join(', ')}.`];
  terminal.out(made.map((text) => `${text}\n`).join(''));
}

export const addCa: AddCommand = (program, terminal, done) => {
  const command = program
    .command('ca')
    .summary('make certificates of the gateway and of devices')
    .description('Makes certificates.');
  const hostHelp = "name or address that devices reach the gateway by; may be repeated (default: this machine's name)";
  dataOptions(command.command('init'))
    .summary('make root, device CA and the certificate of the gateway')
    .description(
      'Makes root, device CA, the certificate of the gateway, and an empty revocation list. P-256, 20 years.',
    )
    .option('--host <host>', hostHelp, collected)
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap ca init --host gateway.example --host 192.0.2.7'))
    .action(async (options: CaOptions) => {
      await ca('init', options, terminal);
      done(exitCode.ok);
    });
  dataOptions(command.command('gateway'))
    .summary('give the gateway another certificate')
    .description('Gives the gateway another key and certificate, signed by the root.')
    .option('--host <host>', hostHelp, collected)
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap ca gateway --host gateway.example'))
    .action(async (options: CaOptions) => {
      await ca('gateway', options, terminal);
      done(exitCode.ok);
    });
};
