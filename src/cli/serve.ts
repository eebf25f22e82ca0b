/** `funcoap serve`: runs the gateway until it is told to stop. */
import { isatty } from 'node:tty';
import type { Address } from '../core/datagram.ts';
import type { LibraryDescription } from '../functions/description.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { gatewaySamples } from './gateway-samples.ts';
import { onInterrupt } from './interrupt.ts';
import { ownCommand } from './own-command.ts';
import { isLoopback } from '../transport/address.ts';
import { tableText, valueText } from './print-value.ts';
import { signatureText } from './signature-text.ts';
import type { Terminal } from './terminal.ts';

const uriOf = ({ address, port }: Address): string => {
  const host = address.includes(':') ? `[${address.replace('%', '%25')}]` : address;
  return port === 5683 ? `coap://${host}` : `coap://${host}:${port}`;
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

function banner(gateway: Gateway, metricsUrl: string | undefined, terminal: Terminal): string {
  const { outPaint: paint } = terminal;
  const command = ownCommand(terminal);
  const libraries = gateway.libraries();
  const rows = libraries.map((library) => [
    library.name,
    library.functions.filter((fn) => fn.notCallable === undefined).length,
    library.error === undefined
      ? library.functions.map(signatureText).slice(0, 2).join(', ') + (library.functions.length > 2 ? ', …' : '')
      : `does not load: ${library.error}`,
  ]);
  const [first] = gateway.addresses;
  return [
    paint('bold', 'funcoap listens on'),
    ...gateway.addresses.map((address) => `  ${uriOf(address)}`),
    ...(metricsUrl === undefined ? [] : [`  ${metricsUrl}`]),
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

const bannerValue = (gateway: Gateway, metricsUrl: string | undefined): string =>
  JSON.stringify({
    addresses: gateway.addresses.map(uriOf),
    metrics: metricsUrl,
    libraries: gateway.libraries().map(({ name, functions, error }) => ({ name, functions: functions.length, error })),
  });

async function serve(options: Readonly<Record<string, unknown>>, terminal: Terminal): Promise<ExitCode> {
  const { config } = await configOf(options, terminal);
  // Loaded only here: the other commands start without them.
  const { openGateway } = await import('../gateway/gateway.ts');
  const { openTelemetry } = await import('../telemetry/telemetry.ts');
  const { gatewayOptions } = await import('./gateway-options.ts');
  // Started on a terminal it ends with the terminal. Elsewhere there is nothing that SIGHUP could ask for: files are watched.
  const isOnTerminal = isatty(0) || isatty(1);
  const interrupt = onInterrupt(isOnTerminal ? ['SIGHUP'] : []);
  if (!isOnTerminal) process.on('SIGHUP', () => {});
  let gateway: Gateway | undefined;
  const telemetry = await openTelemetry({
    log: { ...config.log, fileDescriptor: 2, environment: terminal.environment, timeOfDay: Date.now },
    metrics: config.metrics,
    sources: () => (gateway === undefined ? [] : gatewaySamples(gateway.counters())),
    health: () =>
      gateway === undefined
        ? ['The gateway is starting.']
        : interrupt.signal.aborted
          ? ['The gateway is stopping.']
          : [],
  });
  try {
    gateway = await openGateway(gatewayOptions(config));
    const open = gateway.addresses.filter(({ address }) => !isLoopback(address));
    if (open.length > 0)
      telemetry.logger.warn(
        { event: 'open', addresses: open.map(uriOf) },
        'everyone who can reach these addresses can call every function: there is no authentication',
      );
    // On a terminal both come to the same place: what was logged until now comes first.
    await telemetry.flush();
    terminal.out(
      options['json'] === true
        ? `${bannerValue(gateway, telemetry.metricsUrl)}\n`
        : banner(gateway, telemetry.metricsUrl, terminal),
    );
    if (!interrupt.signal.aborted) {
      await new Promise<void>((resolve) => {
        interrupt.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    telemetry.logger.info({ event: 'stopping' }, 'stopping; once more to stop at once');
    await gateway.close();
  } finally {
    await telemetry.close();
    interrupt.release();
  }
  return exitCode.ok;
}

export const addServe: AddCommand = (program, terminal, done) => {
  addConfigFlags(program.command('serve'))
    .summary('run the gateway')
    .description(
      'Runs the gateway until SIGINT or SIGTERM; a second one stops it at once. The log is written to the error output.',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'funcoap serve',
        'funcoap serve --libraries ./libraries --port 5684',
        'funcoap serve --set workers.timeLimit=2s --metrics',
      ),
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      done(await serve(options, terminal));
    });
};
