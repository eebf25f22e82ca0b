/** Medians and ranges of a handful of rounds. */

export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Undefined where there is nothing to summarise. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const lowest = sorted[0];
  const highest = sorted.at(-1);
  const below = sorted[Math.floor((sorted.length - 1) / 2)];
  const above = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (lowest === undefined || highest === undefined || below === undefined || above === undefined) {
    return undefined;
  }
  return { median: (below + above) / 2, lowest, highest };
}

/**
 * The quotients of what was measured in the same round, so that a machine that slows down
 * meanwhile slows both sides of each.
 */
export function ratiosByRound(of: ReadonlyMap<number, number>, to: ReadonlyMap<number, number>): number[] {
  const ratios: number[] = [];
  for (const [round, value] of of) {
    const reference = to.get(round);
    if (reference !== undefined && reference > 0) ratios.push(value / reference);
  }
  return ratios;
}
