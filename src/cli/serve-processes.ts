/** `funcoap serve --processes n`: one gateway of several processes, with one log, one page of metrics, one end. */
import { isatty } from 'node:tty';
import type { Announcement } from '../gateway/announcement.ts';
import { Supervisor } from '../processes/supervisor.ts';
import { openLog } from '../telemetry/log.ts';
import { openMetricsServer, type MetricsServer } from '../telemetry/metrics-server.ts';
import { hasIdentities } from '../store/sqlite/identity-store.ts';
import { systemScheduler } from '../transport/scheduler.ts';
import { opensCoaps } from './coaps-door.ts';
import { DoorWatch } from './door-watch.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { removeOthers } from './kept-associations.ts';
import { aborted, announce, warnIfOpen, whoCanCall, type ServeSession } from './serve-session.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const entry = new URL(`./serve-process${extension}`, import.meta.url);

/** As the supervisor numbers them. */
const nodesOf = (processes: number): number[] => Array.from({ length: processes }, (_, at) => at + 1);

export async function serveProcesses(
  { config, interrupt, terminal, ready }: ServeSession,
  processes: number,
): Promise<ExitCode> {
  const { environment } = terminal;
  const log = openLog({ ...config.log, fileDescriptor: 2, environment, timeOfDay: Date.now });
  const isTerminal = isatty(2);
  let supervisor: Supervisor | undefined;
  let metricsServer: MetricsServer | undefined;
  let announcement: Announcement | undefined;
  let killed = 0;
  let watch: DoorWatch | undefined;
  try {
    const scheduler = systemScheduler;
    const secured = opensCoaps(config);
    const isAnybodyThere = secured || (config.coaps.listen.length === 0 && hasIdentities(config.data.folder));
    if (secured) removeOthers(config, nodesOf(processes));
    supervisor = await Supervisor.open({ processes, config, entry, log, isTerminal, secured, scheduler });
    const { metrics } = supervisor;
    if (config.metrics.enabled)
      metricsServer = await openMetricsServer({
        ...config.metrics,
        metrics,
        health: () => supervisor?.health() ?? [],
      });
    const interrupted = aborted(interrupt.signal);
    const serving = await Promise.race([supervisor.serve(), interrupted]);
    if (serving !== undefined) {
      warnIfOpen(serving.addresses, log.logger);
      await log.flush();
      const open = whoCanCall(config, serving);
      ready({ ...serving, whoCanCall: open, processes, metricsUrl: metricsServer?.url });
      const opened = supervisor;
      announcement = await announce(config, () => ({ coap: serving.addresses, coaps: opened.securedAddresses }));
      const admit = async (): Promise<void> => {
        if (config.coaps.listen.length > 0) removeOthers(config, nodesOf(processes));
        log.logger.info(
          { event: 'coaps' },
          'there is somebody who can come in now: the processes are replaced, one by one',
        );
        await opened.admit();
      };
      if (!isAnybodyThere) watch = new DoorWatch({ config, logger: log.logger, scheduler, open: admit });
      await Promise.race([interrupted, supervisor.failed]);
    }
    log.logger.info({ event: 'stopping' }, 'stopping; once more to stop at once');
  } catch (error) {
    // A process that has been signalled before it could say that it does not mind.
    if (!interrupt.signal.aborted) throw error;
  } finally {
    await announcement?.close();
    const watched = watch?.stop();
    killed = (await supervisor?.close()) ?? 0;
    await watched;
    await metricsServer?.close();
    await log.close();
  }
  return killed === 0 ? exitCode.ok : exitCode.internal;
}
