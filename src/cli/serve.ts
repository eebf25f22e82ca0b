/** `funcoap serve`: runs the gateway until it is told to stop. */
import { isatty } from 'node:tty';
import type { Announcement } from '../gateway/announcement.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { gatewaySamples } from './gateway-samples.ts';
import { onInterrupt } from './interrupt.ts';
import { banner, bannerJson, type Ready } from './serve-banner.ts';
import type { OpenedDoor } from './coaps-door.ts';
import { aborted, announce, warnIfOpen, whoCanCall, type ServeSession } from './serve-session.ts';
import type { OpenedHttp } from './http-door.ts';
import type { LateDoors } from './late-doors.ts';
import type { Terminal } from './terminal.ts';

async function serve(options: Readonly<Record<string, unknown>>, terminal: Terminal): Promise<ExitCode> {
  const { config } = await configOf(options, terminal);
  // Started on a terminal it ends with the terminal. Elsewhere there is nothing that SIGHUP could ask for: files are watched.
  const isOnTerminal = isatty(0) || isatty(1);
  const interrupt = onInterrupt(isOnTerminal ? ['SIGHUP'] : []);
  if (!isOnTerminal) process.on('SIGHUP', () => {});
  const ready = (what: Ready): void => {
    terminal.out(options['json'] === true ? bannerJson(what) : banner(what, terminal));
  };
  // Loaded only here and below: the other commands start without them.
  const { holdDataFolder } = await import('../store/data-folder.ts');
  const { systemScheduler } = await import('../transport/scheduler.ts');
  const { processCount } = await import('../config/process-count.ts');
  const processes = processCount(config.processes);
  let letGo = (): void => undefined;
  try {
    letGo = await holdDataFolder(config.data.folder, systemScheduler);
    if (processes === 1) return await serveAlone({ config, interrupt, terminal, ready });
    const { serveProcesses } = await import('./serve-processes.ts');
    return await serveProcesses({ config, interrupt, terminal, ready }, processes);
  } finally {
    letGo();
    interrupt.release();
  }
}

async function serveAlone({ config, interrupt, terminal, ready }: ServeSession): Promise<ExitCode> {
  const { openGateway } = await import('../gateway/gateway.ts');
  const { openTelemetry } = await import('../telemetry/telemetry.ts');
  const { gatewayOptions } = await import('./gateway-options.ts');
  const { opensCoaps, openCoapsDoor } = await import('./coaps-door.ts');
  const { opensHttp, openHttp } = await import('./http-door.ts');
  const { LateDoors } = await import('./late-doors.ts');
  const { systemScheduler: scheduler } = await import('../transport/scheduler.ts');
  let gateway: Gateway | undefined;
  let door: OpenedDoor | undefined;
  let announcement: Announcement | undefined;
  let http: OpenedHttp | undefined;
  let late: LateDoors | undefined;
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
    if (opensCoaps(config)) door = await openCoapsDoor(config, telemetry.logger, 0);
    if (opensHttp(config)) http = await openHttp(config, telemetry.logger, door?.enrolled, false);
    gateway = await openGateway(gatewayOptions(config, door?.options, http?.options));
    const enrolled = door?.enrolled ?? http?.own;
    if (enrolled === undefined)
      late = new LateDoors({ config, logger: telemetry.logger, scheduler, gateway, http, node: 0 });
    else enrolled.takesPart(0);
    const { addresses, securedAddresses, httpUrls } = gateway;
    warnIfOpen(addresses, telemetry.logger);
    // On a terminal both come to the same place: what was logged until now comes first.
    await telemetry.flush();
    const libraries = gateway.libraries();
    const { metricsUrl } = telemetry;
    ready({
      addresses,
      securedAddresses,
      httpUrls,
      whoCanCall: whoCanCall(config, { addresses, securedAddresses, httpUrls }),
      libraries,
      processes: 1,
      metricsUrl,
    });
    const opened = gateway;
    announcement = await announce(config, () => ({ coap: opened.addresses, coaps: opened.securedAddresses }));
    await aborted(interrupt.signal);
    telemetry.logger.info({ event: 'stopping' }, 'stopping; once more to stop at once');
    await announcement?.close();
    await late?.stop();
    await gateway.close();
  } finally {
    await late?.close();
    await http?.close();
    await door?.close();
    await telemetry.close();
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
        'funcoap serve --libraries ./libraries --port 5690',
        'funcoap serve --set workers.timeLimit=2s --metrics',
        'funcoap serve --processes auto',
      ),
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      done(await serve(options, terminal));
    });
};
