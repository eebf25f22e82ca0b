/** The comparison: every round measures every server in every scenario, one after the other. */
import type { Programs } from './build.ts';
import { faultsOf, measure } from './load.ts';
import { describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { probe } from './probe.ts';
import { summariseAll, type Results, type Sample } from './report.ts';
import { requestTo, scenarios, type Scenario, type ServerName } from './scenarios.ts';
import { serverTitles, startServer, versionOf } from './servers.ts';

type Log = (line: string) => void;

interface Pair {
  readonly scenario: Scenario;
  readonly name: ServerName;
}

function pairsOf(options: BenchOptions, versions: Readonly<Partial<Record<ServerName, string>>>): Pair[] {
  const named = (names: readonly string[]): readonly string[] => options.only.filter((name) => names.includes(name));
  const servers = named(Object.keys(serverTitles));
  const wanted = named(scenarios.map((scenario) => scenario.name));
  return scenarios
    .filter((scenario) => wanted.length === 0 || wanted.includes(scenario.name))
    .flatMap((scenario) => scenario.servers.map((name) => ({ scenario, name })))
    .filter(({ name }) => versions[name] !== undefined && (servers.length === 0 || servers.includes(name)));
}

function findVersions(log: Log): Partial<Record<ServerName, string>> {
  const versions: Partial<Record<ServerName, string>> = {};
  for (const name of ['limit', 'funcoap', 'npm-coap', 'libcoap'] as const) {
    const version = versionOf(name);
    if (version === undefined)
      log(`${serverTitles[name]} is not on this machine: left out (on Debian: apt install libcoap3-bin)`);
    else versions[name] = version;
  }
  return versions;
}

/**
 * A server lives for one measurement only: none has to carry what an earlier load left behind, such as
 * sessions of peers that are gone.
 */
async function sample(
  pair: Pair,
  round: number,
  counterStart: number,
  programs: Programs,
  options: BenchOptions,
): Promise<Sample> {
  const { name, scenario } = pair;
  await using server = await startServer(name, scenario, programs);
  const etag = await probe(serverTitles[name], server.port, requestTo(name, scenario));
  const memoryBefore = server.memory();
  const measurement = await measure(programs.generator, server, scenario, etag, counterStart, options);
  const memory = { before: memoryBefore, after: server.memory() };
  return { round, server: name, scenario: scenario.name, measurement, memory };
}

function progress(done: number, all: number, sample: Sample): string {
  const { measurement: m } = sample;
  const faults = faultsOf(m);
  return [
    `[${String(done).padStart(String(all).length)}/${all}]`,
    `round ${sample.round}`,
    sample.scenario.padEnd(10),
    sample.server.padEnd(8),
    `${Math.round(m.requestsPerSecond).toLocaleString('en').padStart(8)} requests/s`,
    `p50 ${Math.round(m.latencyMicroseconds.p50).toString().padStart(5)} µs`,
    faults === 0 ? '' : `${faults} FAULTS ${JSON.stringify(m.codes)}`,
  ].join('  ');
}

export async function compare(programs: Programs, options: BenchOptions, log: Log): Promise<Results> {
  const machine = describeMachine();
  if (machine.otherLoad > 0.5) {
    log(`The machine has other work (load ${machine.otherLoad.toFixed(1)}): rates will be low and ranges wide.`);
  }
  const versions = findVersions(log);
  const pairs = pairsOf(options, versions);
  const samples: Sample[] = [];
  const all = pairs.length * options.rounds;
  log(`${all} measurements, about ${Math.ceil((all * (options.seconds + options.warmUpSeconds + 1)) / 60)} min`);
  for (let round = 1; round <= options.rounds; round++) {
    // Every round begins with another pair, so that none is always the one behind a certain other.
    const turn = round % pairs.length;
    for (const pair of [...pairs.slice(turn), ...pairs.slice(0, turn)]) {
      // No two measurements share a counter: 2^22 requests are more than one of them sends.
      const counterStart = 2 ** 16 + samples.length * 2 ** 22;
      const next = await sample(pair, round, counterStart, programs, options);
      samples.push(next);
      log(progress(samples.length, all, next));
    }
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    machine,
    versions,
    options,
    summaries: summariseAll(samples),
    samples,
  };
}
