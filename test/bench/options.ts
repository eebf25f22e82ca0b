/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../src/core/error.ts';

export interface BenchOptions {
  readonly micro: boolean;
  readonly rounds: number;
  /** Of each measurement, after its warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Names of servers and scenarios; empty for all. */
  readonly only: readonly string[];
  readonly endpoints: number;
  readonly inFlight: number;
  /** Whether docs/performance.md is written: not after a quick or a partial run. */
  readonly writes: boolean;
}

export const usage = `npm run bench -- [options]

Measures funcoap against the machine's limit, npm coap and libcoap's server, on loopback, in one run.

  --quick          3 rounds of 1 s instead of 5 of 3 s; docs/performance.md stays as it is
  --seconds N      length of each measurement
  --rounds N       how often each is repeated; the table shows medians and ranges
  --only A,B       only these servers (limit, funcoap, npm-coap, libcoap) or scenarios
                   (fetch-hit, get-hit, valid, non, fetch-miss); docs/performance.md stays as it is
  --endpoints N    peers that the load comes from (1024)
  --in-flight N    requests under way at any time (64)
  --micro          nanoseconds for each step of a call, without sockets
  --help
`;

function positive(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new UsageError('bench-option', `--${name} must be a number above 0, not "${text}".`);
  return value;
}

/** Undefined where help was asked for. */
export function parseOptions(args: readonly string[], names: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'quick': { type: 'boolean', default: false },
      'micro': { type: 'boolean', default: false },
      'help': { type: 'boolean', default: false },
      'seconds': { type: 'string' },
      'rounds': { type: 'string' },
      'only': { type: 'string', default: '' },
      'endpoints': { type: 'string' },
      'in-flight': { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const only = values.only.split(',').filter((name) => name !== '');
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError('bench-option', `--only: there is no "${unknown}". There are ${names.join(', ')}.`);
  }
  return {
    micro: values.micro,
    rounds: Math.ceil(positive(values.rounds, 'rounds', values.quick ? 3 : 5)),
    seconds: positive(values.seconds, 'seconds', values.quick ? 1 : 3),
    warmUpSeconds: values.quick ? 0.3 : 1,
    only,
    endpoints: Math.ceil(positive(values.endpoints, 'endpoints', 1024)),
    inFlight: Math.ceil(positive(values['in-flight'], 'in-flight', 64)),
    writes: !values.quick && only.length === 0,
  };
}
