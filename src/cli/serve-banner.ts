/** What `serve` prints when the gateway is ready: where it listens, what it serves, and a call to paste. */
import type { Address } from '../core/datagram.ts';
import type { LibraryDescription } from '../functions/description.ts';
import { isOffered } from '../directory/described.ts';
import { ownCommand } from './own-command.ts';
import { tableText, valueText } from './print-value.ts';
import { signatureText } from '../directory/signature-text.ts';
import type { Terminal } from './terminal.ts';

export interface Ready {
  readonly addresses: readonly Address[];
  readonly securedAddresses: readonly Address[];
  readonly httpUrls: readonly string[];
  /** One line. */
  readonly whoCanCall: string;
  readonly libraries: readonly LibraryDescription[];
  /** Gateway processes. */
  readonly processes: number;
  readonly metricsUrl: string | undefined;
}

// RFC 7252 §6.1, §6.2
const defaultPorts = { coap: 5683, coaps: 5684 } as const;

export const uriOf = ({ address, port }: Address, scheme: keyof typeof defaultPorts = 'coap'): string => {
  const host = address.includes(':') ? `[${address.replace('%', '%25')}]` : address;
  return port === defaultPorts[scheme] ? `${scheme}://${host}` : `${scheme}://${host}:${port}`;
};

/** A call that can be pasted: of the first safe function that needs no more than numbers and has a few. */
function sampleLines(base: string, libraries: readonly LibraryDescription[], command: string): string[] {
  const functions = libraries.flatMap((library) => library.functions);
  const callable = functions.filter((fn) => fn.safe && fn.notCallable === undefined);
  const fn =
    callable.find(
      ({ parameters }) => parameters.some(isNumber) && parameters.every((one) => isNumber(one) || !one.required),
    ) ?? callable.find(({ parameters }) => parameters.every(({ required }) => !required));
  if (fn === undefined) return [`coap-client-notls -m get ${base}/.well-known/core`, `${command} ls ${base}`];
  const names = fn.parameters.filter(isNumber).map(({ name }) => name);
  const pairs = names.map((name, at) => `${name}=${(at + 1) * 10}`);
  const path = `${base}/func/${fn.library}/${fn.method}`;
  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  return [`coap-client-notls -m get -A 50 '${path}${query}'`, [`${command} call`, path, ...pairs].join(' ')];
}

const isNumber = ({ type }: { readonly type: { readonly kind: string } }): boolean =>
  type.kind === 'number' || type.kind === 'integer';

export function banner(ready: Ready, terminal: Terminal): string {
  const { addresses, securedAddresses, httpUrls, libraries, processes, metricsUrl } = ready;
  const { outPaint: paint } = terminal;
  const command = ownCommand(terminal);
  const rows = libraries.map((library) => [
    library.name,
    // As `funcoap ls` counts: a class is called too, to make an object.
    library.functions.filter(isOffered).length,
    library.error === undefined
      ? library.functions.map(signatureText).slice(0, 2).join(', ') + (library.functions.length > 2 ? ', …' : '')
      : `does not load: ${library.error}`,
  ]);
  const [first] = addresses;
  return [
    paint('bold', processes === 1 ? 'funcoap listens on' : `funcoap listens with ${processes} processes on`),
    ...addresses.map((address) => `  ${uriOf(address)}`),
    ...securedAddresses.map((address) => `  ${uriOf(address, 'coaps')}`),
    ...httpUrls.map((url) => `  ${url}  (${url}/docs shows what there is)`),
    ...(metricsUrl === undefined ? [] : [`  ${metricsUrl}`]),
    ready.whoCanCall,
    '',
    rows.length === 0
      ? `There are no libraries yet: \`${command} new library NAME\` makes one.`
      : tableText(['library', 'functions', ''], rows, paint),
    ...(first === undefined
      ? []
      : ['', 'Try it:', ...sampleLines(uriOf(first), libraries, command).map((text) => `  ${valueText(text)}`)]),
    '',
    '',
  ].join('\n');
}

/** The same for scripts, one line. */
export const bannerJson = ({
  addresses,
  securedAddresses,
  httpUrls,
  libraries,
  processes,
  metricsUrl,
}: Ready): string =>
  `${JSON.stringify({
    addresses: [
      ...addresses.map((address) => uriOf(address)),
      ...securedAddresses.map((address) => uriOf(address, 'coaps')),
    ],
    http: httpUrls.length === 0 ? undefined : httpUrls,
    metrics: metricsUrl,
    processes: processes === 1 ? undefined : processes,
    libraries: libraries.map(({ name, functions, error }) => ({ name, functions: functions.length, error })),
  })}\n`;
