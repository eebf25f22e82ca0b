/** A gateway as the SDK sees it, for the commands that call its functions by name. */
import { connect, type ConnectOptions } from '../client/sdk/connect.ts';
import type { Connection } from '../client/sdk/connection-controls.ts';
import { isRemoteObject } from '../client/sdk/remote-object.ts';
import { replaced } from '../client/sdk/replaced.ts';
import { textOf } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { clientSettings, completeUri, type ConnectionOptions } from './connection.ts';
import { onInterrupt } from './interrupt.ts';
import { readSource } from './read-source.ts';
import type { Terminal } from './terminal.ts';

export interface GatewayConnectionOptions extends ConnectionOptions {
  /** With the bearer token for http: and https:. */
  readonly tokenFile?: string;
}

export const tokenOption = [
  '--token-file <file>',
  'for http://: the file with the token that `funcoap token` printed; - is the input',
] as const;

/** Calls `use` with a connection, which is closed afterwards; calls are given up at Ctrl-C. */
export async function withGateway<T>(
  terminal: Terminal,
  text: string,
  options: GatewayConnectionOptions,
  use: (gateway: Connection, uri: string) => Promise<T>,
): Promise<T> {
  const uri = completeUri(text, options).replace(/\/$/, '');
  const settings = /^https?:/i.test(uri)
    ? await tokenOf(terminal, options)
    : withoutUndefined(await clientSettings(terminal, uri, options));
  const interrupt = onInterrupt();
  try {
    const gateway = await connect(uri, { ...settings, signal: interrupt.signal });
    try {
      return await use(gateway, uri);
    } finally {
      await gateway.$close();
    }
  } finally {
    interrupt.release();
  }
}

/** What is printed of objects of the gateway, as `funcoap call` does. */
export const withUris = (result: unknown): Value =>
  replaced(result, (item) => (isRemoteObject(item) ? item.$uri : item)) as Value;

async function tokenOf(terminal: Terminal, { tokenFile }: GatewayConnectionOptions): Promise<ConnectOptions> {
  if (tokenFile === undefined) return {};
  const token = textOf(await readSource(terminal)(tokenFile))?.trim();
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token))
    throw new UsageError('bad-flag', `--token-file ${tokenFile} holds no token; \`funcoap token NAME\` prints one.`);
  return { token };
}

/** Options that are not there and options that are undefined are told apart. */
const withoutUndefined = (settings: object): ConnectOptions =>
  Object.fromEntries(Object.entries(settings).filter(([, setting]) => setting !== undefined));
