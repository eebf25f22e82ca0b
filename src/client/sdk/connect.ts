/** `connect('coap://gw')`: from a URI to an object whose members are the gateway's libraries. */
import { parseCoapUri } from '../../coap/codec/uri.ts';
import { UsageError } from '../../core/error.ts';
import { systemScheduler } from '../../transport/scheduler.ts';
import type { CoapClientOptions } from '../coap-client.ts';
import { defaultCallOptions, withOptions, type CallOptions } from './call-options.ts';
import { Calls } from './calls.ts';
import { CoapDoor } from './coap-door.ts';
import { connectionOf } from './connection.ts';
import type { Door } from './door.ts';
import type { Hooks } from './hooks.ts';
import { HttpDoor } from './http-door.ts';
import { defaultKeptAnswersOptions, type KeptAnswersOptions } from './kept-answers.ts';
import type { Connection } from './connection-controls.ts';
import type { RemoteLibraries } from './remote-function.ts';

/** What is not given is as `CallOptions` and `CoapClientOptions` say; `credentials` is needed for coaps. */
export interface ConnectOptions extends Partial<CallOptions>, Partial<CoapClientOptions>, Partial<Hooks> {
  /** How many answers, and how many bytes of them, are kept to be asked for again by ETag; default 10,000 and 16 MiB. */
  readonly kept?: Partial<KeptAnswersOptions>;
  /** For http: and https:, the bearer token that `funcoap token` printed. */
  readonly token?: string;
}

/** Bytes of one answer over HTTP, as over CoAP. */
const maxResponseBytes = 64 << 20;

/**
 * Connects to a gateway and asks what libraries it has.
 *
 *     await using gw = await connect('coap://127.0.0.1');
 *     const rows = await gw.oslist.list({ databasefile: 'os-list.db' });
 *
 * @param uri `coap://host:port`, `coaps://…`, `http://…` or `https://…`
 * @typeParam Libraries what `funcoap types` writes; without it every name is taken for a library and every value for an argument
 * @throws UsageError `bad-uri`, `unknown-host`, `no-credentials`; RequestError where nobody answers; PeerError `not-a-gateway`
 */
export async function connect<Libraries = RemoteLibraries>(
  uri: string,
  options: ConnectOptions = {},
): Promise<Connection<Libraries>> {
  const door = await openDoor(uri, options);
  const callOptions = withOptions(defaultCallOptions, options);
  const { scheduler = systemScheduler } = options;
  const calls = new Calls(door, scheduler, { ...defaultKeptAnswersOptions, ...options.kept }, callOptions, options);
  try {
    await calls.catalogue.refresh();
  } catch (error) {
    await door.close();
    throw error;
  }
  // Which libraries there are is known to whoever compiled the program against them.
  return connectionOf(calls, callOptions) as unknown as Connection<Libraries>;
}

/** `http://127.0.0.1:3419`: a scheme and an authority, and at most a slash behind them. */
const gatewayUri = /^([a-z]+):\/\/[^/?#]+(?=\/?$)/i;

async function openDoor(uri: string, options: ConnectOptions): Promise<Door> {
  const [origin, scheme = ''] = gatewayUri.exec(uri) ?? [];
  if (origin === undefined)
    throw new UsageError('bad-uri', `${uri} is not the URI of a gateway: write coap://host:port, without a path.`);
  const { scheduler = systemScheduler, token } = options;
  if (!/^https?$/i.test(scheme)) {
    parseCoapUri(origin);
    return await CoapDoor.open(origin, options);
  }
  if (!URL.canParse(origin)) throw new UsageError('bad-uri', `${uri} is not a URI; write http://host:port.`);
  return new HttpDoor({ origin, scheduler, token, maxResponseBytes });
}
