/** Names: which are served; showing what a peer sent, and finding what it may have meant. */

/** Of an export. */
export const isServedName = (name: string): boolean => !name.startsWith('_') && name !== 'default';

/** Enough to recognise a name; what a peer sends can be a mebibyte. */
const shownLength = 40;

/** Text from a peer, cut and without control characters, to stand in a sentence. */
export function shown(text: string): string {
  const clean = text.slice(0, shownLength).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
  return text.length > shownLength ? `${clean}…` : clean;
}

/** The candidate that differs least, where it differs little. @param slips by as many: one in a short name, two in a longer one */
export function nearestName(
  name: string,
  candidates: readonly string[],
  slips: number = name.length <= 4 ? 1 : 2,
): string | undefined {
  if (name.length > shownLength) return undefined;
  const lower = name.toLowerCase();
  let best: string | undefined;
  let bound = slips;
  for (const candidate of candidates) {
    if (candidate.length > shownLength) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    // A name of one letter is one slip away from every other.
    if (distance < Math.max(name.length, candidate.length) && distance <= bound) {
      best = candidate;
      bound = distance - 1;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
