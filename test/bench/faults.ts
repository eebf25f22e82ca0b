/** Wrong and missing answers: those of funcoap void the whole run, those of another server its measurement alone. */
import { contestants, type ContestantName } from './contestants.ts';

export type Faults = Readonly<Record<string, number>>;

interface Faulty {
  readonly contestant: ContestantName;
  readonly faults: Faults;
}

interface FaultyMeasurement extends Faulty {
  readonly scenario: string;
  readonly variant: string;
}

/** Made in this repository; `echo` is its transport. */
const isOurs = (name: ContestantName): boolean => name.startsWith('funcoap') || name === 'echo';

const countOf = (faults: Faults): number => Object.values(faults).reduce((sum, count) => sum + count, 0);

export const isVoid = ({ contestant, faults }: Faulty): boolean => !isOurs(contestant) && countOf(faults) > 0;

/** With any of these a run does not count. */
export const ownFaults = (all: readonly Faulty[]): number =>
  all.reduce((sum, { contestant, faults }) => sum + (isOurs(contestant) ? countOf(faults) : 0), 0);

export function faultsTogether(all: readonly Pick<Faulty, 'faults'>[]): Faults {
  const sum: Record<string, number> = {};
  for (const { faults } of all)
    for (const [name, count] of Object.entries(faults)) if (count > 0) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export const faultsText = (faults: Faults): string =>
  Object.entries(faults)
    .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
    .join(', ');

/** A line for each server and scenario of which measurements are void. */
export function voidTexts(samples: readonly FaultyMeasurement[]): string[] {
  const groups = Map.groupBy(samples, ({ scenario, contestant, variant }) => `${scenario} ${contestant} ${variant}`);
  return [...groups.values()].flatMap((group) => {
    const left = group.filter(isVoid);
    const [first] = left;
    if (first === undefined) return [];
    const { scenario, contestant, variant } = first;
    const who = variant === '' ? contestants[contestant].title : `${contestants[contestant].title}, ${variant}`;
    const why = faultsText(faultsTogether(left));
    return [
      `${scenario}: ${left.length} of ${group.length} measurements of ${who} had faults (${why}) and are left out.`,
    ];
  });
}
