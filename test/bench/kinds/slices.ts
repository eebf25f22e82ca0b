/**
 * What a server does in one way and in another, measured in short slices by turns, in one warm process: what the machine does
 * beside it hits all of them alike, and the median of the slices is what each is.
 */
import { faultsTogether } from '../faults.ts';
import type { Measurement } from '../load.ts';
import { mediansOf, valuesOf, type Sample } from '../results.ts';
import { rotated } from '../scenario.ts';

const slices = 5;
export const sliceSeconds = 0.4;

/** One figure of each variant, in their order, for this round. */
export async function bySlices<Variant extends string>(
  variants: readonly Variant[],
  round: number,
  measure: (variant: Variant) => Promise<Measurement>,
): Promise<(Pick<Sample, 'values' | 'faults'> & { readonly variant: Variant })[]> {
  const measured = new Map<Variant, Measurement[]>(variants.map((variant) => [variant, []]));
  for (let slice = 0; slice < slices; slice++) {
    for (const variant of rotated(variants, slice + round)) measured.get(variant)?.push(await measure(variant));
  }
  return [...measured].map(([variant, all]) => ({
    variant,
    values: mediansOf(all.map(valuesOf)),
    faults: faultsTogether(all),
  }));
}
