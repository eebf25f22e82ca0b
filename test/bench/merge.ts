/** The figures of some scenarios, measured again, put into those of all. */
import type { Results } from './results.ts';

/** What was measured is kept in the order of its scenarios' names in `order`; when and beside what, a note says. */
export function merge(kept: Results, measured: Results, order: readonly string[]): Results {
  const again = new Set(measured.summaries.map(({ scenario }) => scenario));
  const byOrder = (a: { readonly scenario: string }, b: { readonly scenario: string }): number =>
    order.indexOf(a.scenario) - order.indexOf(b.scenario);
  const together = <T extends { readonly scenario: string }>(before: readonly T[], now: readonly T[]): T[] =>
    [...before.filter(({ scenario }) => !again.has(scenario)), ...now].sort(byOrder);
  const names = [...again].join(', ');
  const { rounds, seconds } = measured.options;
  const when = `${measured.date}, ${rounds} rounds of ${seconds} s, load before it ${measured.machine.otherLoad.toFixed(1)}`;
  const notes = measured.notes.map((note) => `${names}: ${note}`);
  return {
    ...kept,
    versions: { ...kept.versions, ...measured.versions },
    notes: [
      ...kept.notes.filter((note) => !note.startsWith(`${names}: `)),
      `${names}: measured apart, on ${when}.`,
      ...notes,
    ],
    summaries: together(kept.summaries, measured.summaries),
    samples: together(kept.samples, measured.samples),
  };
}
