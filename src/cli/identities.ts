/** `funcoap identities ls|show|revoke|rotate`: who is enrolled, and the end of that. */
import { hex, textOf } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import { later, type TimeOfDay } from '../core/time-of-day.ts';
import { identityState, isValid, validUntil, type Credential, type Identity } from '../devices/identity.ts';
import type { IdentityStore } from '../devices/identity-store.ts';
import { dataOptions, now, spanOf, timeText, timeValue, withIdentities, type DataOptions } from './command-data.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { makeMaterial } from './device-material.ts';
import { exitCode } from './exit-code.ts';
import { checkOut, handOut, reachOf } from './hand-out.ts';
import { tableText } from './print-value.ts';
import { readSource } from './read-source.ts';
import { takenUp } from './running-gateways.ts';
import type { Terminal } from './terminal.ts';

interface IdentityOptions extends DataOptions {
  readonly json?: boolean;
}

interface RotateOptions extends IdentityOptions {
  readonly overlap: string;
  readonly from?: string;
  readonly out?: string;
  readonly host?: string;
}

const kindOf = ({ credentials }: Identity): string => credentials[0]?.kind ?? '';

/** What may be told of a credential: never its key. */
const shownText = ({ kind, shown, serial }: Credential): string =>
  kind === 'psk'
    ? (textOf(shown) ?? hex(shown))
    : `${serial === undefined ? '' : `serial ${serial}, `}SHA-256 ${hex(shown)}`;

const credentialValue = (identity: Identity, credential: Credential, at: TimeOfDay): unknown => ({
  kind: credential.kind,
  ...(credential.kind === 'psk' ? { pskIdentity: shownText(credential) } : { sha256: hex(credential.shown) }),
  ...(credential.serial !== undefined && { serial: credential.serial }),
  created: timeValue(credential.created),
  until: timeValue(validUntil(identity, credential)),
  valid: isValid(identity, credential, at),
});

const identityValue = (identity: Identity, at: TimeOfDay): Readonly<Record<string, unknown>> => ({
  name: identity.name,
  state: identityState(identity, at),
  groups: identity.groups,
  created: timeValue(identity.created),
  expires: timeValue(identity.expires),
  revoked: timeValue(identity.revoked),
  allowLegacyMasterSecret: identity.allowLegacyMasterSecret,
  credentials: identity.credentials.map((credential) => credentialValue(identity, credential, at)),
});

async function existing(store: IdentityStore, name: string): Promise<Identity> {
  const identity = await store.find(name);
  if (identity !== undefined) return identity;
  throw new UsageError('no-such-identity', `No identity is called ${name}; \`funcoap identities ls\` lists them.`);
}

async function list(options: IdentityOptions, terminal: Terminal): Promise<void> {
  await withIdentities(options, terminal, async (store) => {
    const [all, at] = [await store.list(), now()];
    if (options.json === true) {
      terminal.out(`${JSON.stringify(all.map((identity) => identityValue(identity, at)))}\n`);
      return;
    }
    const rows = all.map((identity) => [
      identity.name,
      kindOf(identity),
      identityState(identity, at),
      identity.expires === undefined ? '' : timeText(identity.expires),
      identity.groups.join(', '),
    ]);
    const header = ['identity', 'kind', 'state', 'until', 'groups'];
    terminal.out(`${rows.length === 0 ? 'no identities' : tableText(header, rows, terminal.outPaint)}\n`);
  });
}

async function show(name: string, options: IdentityOptions, terminal: Terminal): Promise<void> {
  await withIdentities(options, terminal, async (store) => {
    const [identity, at] = [await existing(store, name), now()];
    if (options.json === true) {
      terminal.out(`${JSON.stringify(identityValue(identity, at))}\n`);
      return;
    }
    const { outPaint: paint } = terminal;
    const facts = [
      ['state', identityState(identity, at)],
      ['groups', identity.groups.join(', ') || 'none'],
      ['created', timeText(identity.created)],
      ['until', identity.expires === undefined ? 'it is revoked' : timeText(identity.expires)],
      ...(identity.revoked === undefined ? [] : [['revoked', timeText(identity.revoked)]]),
      ...(identity.allowLegacyMasterSecret ? [['accepts', 'sessions without extended master secret']] : []),
    ];
    const rows = identity.credentials.map((credential) => {
      const until = validUntil(identity, credential);
      const state = isValid(identity, credential, at) ? 'valid' : 'ended';
      return [credential.kind, state, until === undefined ? '' : timeText(until), shownText(credential)];
    });
    terminal.out(
      [
        paint('bold', identity.name),
        ...facts.map(([title = '', text = '']) => `${paint('dim', title.padEnd(7))}  ${text}`),
        '',
        tableText(['credential', 'state', 'until', 'shown'], rows, paint),
        '',
      ].join('\n'),
    );
  });
}

async function revoke(name: string, options: IdentityOptions, terminal: Terminal): Promise<void> {
  await withIdentities(options, terminal, async (store, folder) => {
    const identity = await store.revoke(name, now());
    const crl = await revocationList(identity, store, folder);
    // What is said here is so.
    await takenUp(store, options, terminal);
    if (options.json === true) {
      terminal.out(`${JSON.stringify({ ...identityValue(identity, now()), ...(crl !== undefined && { crl }) })}\n`);
      return;
    }
    terminal.out(`${name} is revoked: it cannot connect any more.\n${crl === undefined ? '' : `written ${crl}\n`}`);
  });
}

async function rotate(name: string, options: RotateOptions, terminal: Terminal): Promise<void> {
  const at = now();
  const overlapUntil = later(at, spanOf('--overlap', options.overlap));
  const from = options.from === undefined ? undefined : await readSource(terminal)(options.from);
  const reach = await reachOf(options, terminal);
  checkOut(options.out, terminal);
  await withIdentities(options, terminal, async (store, folder) => {
    const { credentials, expires } = await existing(store, name);
    const kind = credentials[0]?.kind ?? 'psk';
    const { credential, material } = await makeMaterial({ kind, name, now: at, expires, credentials, from, folder });
    const identity = await store.rotate(name, credential, at, overlapUntil);
    await revocationList(identity, store, folder);
    const old = overlapUntil <= at ? 'the old ones have ended' : `the old ones end at ${timeText(overlapUntil)}`;
    await handOut(`${name} has new keys; ${old}.`, identity, material, { ...options, ...reach }, terminal);
    await takenUp(store, options, terminal);
  });
}

async function revocationList(
  { credentials }: Identity,
  store: IdentityStore,
  folder: string,
): Promise<string | undefined> {
  if (!credentials.some(({ kind, serial }) => kind === 'x509' && serial !== undefined)) return undefined;
  const { writeRevocationList } = await import('./authority.ts');
  return await writeRevocationList(folder, store, now());
}

export const addIdentities: AddCommand = (program, terminal, done) => {
  const command = program
    .command('identities')
    .summary('list, show, revoke and rotate identities')
    .description('Works on the identities that `funcoap enroll` has made.');
  dataOptions(command.command('ls'))
    .summary('list identities')
    .description('Lists all identities.')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap identities ls', 'funcoap identities ls --json'))
    .action(async (options: IdentityOptions) => {
      await list(options, terminal);
      done(exitCode.ok);
    });
  dataOptions(command.command('show'))
    .summary('show an identity')
    .description('Shows an identity and its credentials. Keys are never shown again.')
    .argument('<name>', 'the identity')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap identities show meter-7'))
    .action(async (name: string, options: IdentityOptions) => {
      await show(name, options, terminal);
      done(exitCode.ok);
    });
  dataOptions(command.command('revoke'))
    .summary('end an identity')
    .description('Ends an identity for good: a running gateway ends its sessions and accepts it no more.')
    .argument('<name>', 'the identity')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap identities revoke meter-7'))
    .action(async (name: string, options: IdentityOptions) => {
      await revoke(name, options, terminal);
      done(exitCode.ok);
    });
  dataOptions(command.command('rotate'))
    .summary('give an identity new keys')
    .description('Gives an identity new keys, of the same kind. The old ones stay valid for the overlap.')
    .argument('<name>', 'the identity')
    .option('--overlap <duration>', 'how long the old keys stay valid', '7d')
    .option(
      '--from <file>',
      'what the device has made: key, certificate request, certificate or public key; - is the input',
    )
    .option('--out <folder>', 'write keys and certificates to files there instead of printing them')
    .option('--host <host>', "how the device reaches the gateway (default: this machine's name)")
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap identities rotate meter-7 --overlap 7d'))
    .action(async (name: string, options: RotateOptions) => {
      await rotate(name, options, terminal);
      done(exitCode.ok);
    });
};
