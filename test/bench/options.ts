/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../src/core/error.ts';

export interface BenchOptions {
  readonly micro: boolean;
  /** The scenario to profile instead of measuring. */
  readonly profile: string | undefined;
  readonly quick: boolean;
  readonly rounds: number;
  /** Of each measurement, after its warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Names of contestants and scenarios; empty for all. */
  readonly only: readonly string[];
  /** Whether docs/performance.md is written: not after a quick or a partial run, unless it is told to. */
  readonly writes: boolean;
}

export const usage = (
  scenarios: readonly string[],
  contestants: readonly string[],
): string => `npm run bench -- [options]

Measures funcoap against the machine's limit and against other servers, on loopback, in one run.

  --quick          under two minutes instead of a quarter of an hour; docs/performance.md stays as it is
  --write          writes it all the same; of a part, into the figures that are there
  --seconds N      length of each measurement
  --rounds N       how often each is repeated; tables show medians and ranges
  --only A,B       only these scenarios or contestants; docs/performance.md stays as it is
  --profile NAME   where the time of funcoap goes in a scenario, into docs/performance/profile-NAME.md
  --micro          nanoseconds for each step of a call, without sockets
  --help

scenarios: ${scenarios.join(', ')}
contestants: ${contestants.join(', ')}
`;

function positive(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new UsageError('bench-option', `--${name} must be a number above 0, not "${text}".`);
  return value;
}

function known(name: string, option: string, names: readonly string[]): string {
  if (!names.includes(name))
    throw new UsageError('bench-option', `--${option}: there is no "${name}". There are ${names.join(', ')}.`);
  return name;
}

/** Undefined where help was asked for. */
export function parseOptions(
  args: readonly string[],
  scenarios: readonly string[],
  contestants: readonly string[],
): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      micro: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      profile: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  });
  if (values.help) return undefined;
  const names = [...scenarios, ...contestants];
  const only = values.only.split(',').flatMap((name) => (name === '' ? [] : [known(name, 'only', names)]));
  if (values.write && only.some((name) => contestants.includes(name)))
    throw new UsageError('bench-option', '--write is for whole scenarios: --only may name no contestants then.');
  return {
    micro: values.micro,
    profile: values.profile === undefined ? undefined : known(values.profile, 'profile', scenarios),
    quick: values.quick,
    rounds: Math.ceil(positive(values.rounds, 'rounds', values.quick ? 1 : 5)),
    seconds: positive(values.seconds, 'seconds', values.quick ? 0.3 : 0.8),
    warmUpSeconds: values.quick ? 0.1 : 0.2,
    only,
    writes: values.write || (only.length === 0 && !values.quick),
  };
}
