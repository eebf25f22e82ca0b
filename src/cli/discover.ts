/** `funcoap discover`: gateways on the links of this machine, by DNS-SD over multicast DNS (RFC 6763). */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../config/units.ts';
import { UsageError } from '../core/error.ts';
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';
import { Search, type FoundService } from '../directory/mdns/one-shot.ts';
import { isLinkLocal, normaliseAddress } from '../transport/address.ts';
import { localAddresses, readInterfaces, type LocalAddress } from '../transport/local-addresses.ts';
import { MdnsSocket } from '../transport/mdns-socket.ts';
import { systemCode } from '../transport/notices.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { onInterrupt } from './interrupt.ts';
import { tableText } from './print-value.ts';
import { uriOf } from './serve-banner.ts';
import type { Terminal } from './terminal.ts';

interface DiscoverOptions {
  readonly json?: boolean;
  readonly timeout: string;
}

/** A gateway's door as it is printed. */
interface Found {
  readonly name: string;
  readonly uri: string;
  readonly host: string;
  readonly interface: string;
}

interface Asked {
  readonly interface: string;
  readonly search: Search;
  readonly sockets: readonly MdnsSocket[];
}

/** RFC 6762 §5.2: questions are repeated after a second, then ever more slowly. */
const firstPause = seconds(1);
/** Answers wait for up to 120 ms (RFC 6762 §6); what is asked after them is what they lack. */
const followUp = milliseconds(250);

async function ask(name: string, local: readonly LocalAddress[], terminal: Terminal): Promise<Asked> {
  const search = new Search();
  const sockets: MdnsSocket[] = [];
  const failed = (error: unknown): void =>
    terminal.err(`funcoap: cannot ask on ${name}: the system says ${systemCode(error)}.\n`);
  for (const family of Map.groupBy(local, (one) => one.family).values()) {
    try {
      const receive = (bytes: Uint8Array): void => search.receive(bytes);
      sockets.push(await MdnsSocket.open({ local: family, responder: false, receive, failed }));
    } catch (error) {
      failed(error);
    }
  }
  return { interface: name, search, sockets };
}

function found({ search, interface: name }: Asked): Found[] {
  const uris = ({ addresses, port, type }: FoundService): string[] =>
    addresses.map((text) => {
      const address = normaliseAddress(isLinkLocal(text) ? `${text}%${name}` : text);
      return uriOf({ address, port }, type);
    });
  return search
    .found()
    .flatMap((service) =>
      uris(service).map((uri) => ({ name: service.name, uri, host: service.host, interface: name })),
    );
}

async function discover(options: DiscoverOptions, terminal: Terminal): Promise<ExitCode> {
  const span = parseDuration(options.timeout);
  if (span === undefined || span === 0)
    throw new UsageError(
      'bad-flag',
      `--timeout is ${JSON.stringify(options.timeout)}, but must be a duration such as 5s, 500ms or 1m.`,
    );
  const local = localAddresses(readInterfaces() ?? {}).filter(({ loopback }) => !loopback);
  const links = [...Map.groupBy(local, (one) => one.interface)];
  const asked = await Promise.all(links.map(([name, addresses]) => ask(name, addresses, terminal)));
  const interrupt = onInterrupt();
  try {
    await askFor(span, asked, interrupt.signal);
  } finally {
    interrupt.release();
    await Promise.all(asked.flatMap(({ sockets }) => sockets.map((socket) => socket.close())));
  }
  const rows = [...new Map(asked.flatMap(found).map((one) => [`${one.name} ${one.uri}`, one])).values()];
  if (options.json === true) for (const row of rows) terminal.out(`${JSON.stringify(row)}\n`);
  else if (rows.length > 0)
    terminal.out(
      `${tableText(
        ['gateway', 'address', 'interface'],
        rows.map((row) => [row.name, row.uri, row.interface]),
        terminal.outPaint,
      )}\n`,
    );
  else
    terminal.err(
      `No gateway answered${asked.length === 0 ? ': this machine has no interface but loopback' : ` on ${asked.map((one) => one.interface).join(', ')}`}. ` +
        'A gateway is announced where it listens beyond loopback, unless its mdns.enabled is false.\n',
    );
  return rows.length === 0 ? exitCode.noAnswer : exitCode.ok;
}

async function askFor(span: Milliseconds, asked: readonly Asked[], signal: AbortSignal): Promise<void> {
  let pause = followUp;
  for (let left: number = span; left > 0 && !signal.aborted; left -= pause, pause = next(pause)) {
    for (const { sockets, search } of asked) for (const socket of sockets) socket.multicast(search.query());
    await sleep(Math.min(left, pause), undefined, { signal }).catch(() => {});
  }
}

const next = (pause: Milliseconds): Milliseconds => milliseconds(pause === followUp ? firstPause : pause * 2);

export const addDiscover: AddCommand = (program, terminal, done) => {
  program
    .command('discover')
    .summary('find gateways on the local network')
    .description(
      'Asks on every interface by multicast DNS (DNS-SD) which gateways are there, and prints the address of each of their doors. Ends with 3 where none answered.',
    )
    .option('--timeout <duration>', 'how long to wait for answers', '2s')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap discover', 'funcoap discover --json --timeout 5s'))
    .action(async (options: DiscoverOptions) => {
      done(await discover(options, terminal));
    });
};
