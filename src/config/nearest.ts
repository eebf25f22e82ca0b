/** "Did you mean …?": the known name that a mistyped one is closest to. */

/** Damerau-Levenshtein distance in its optimal string alignment form: a swap of neighbours counts one. */
function distance(a: string, b: string): number {
  let twoBack: number[] = [];
  let back: number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((back[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (back[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (twoBack[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    twoBack = back;
    back = row;
  }
  return back[b.length] ?? 0;
}

/** The closest of `known`, if it is close enough to be a slip of the hand: a third of its letters, at most three. */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  // Nobody mistypes a name this long, and the distance costs the product of both lengths.
  if (typed.length > 100) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of known) {
    const d = distance(typed.toLowerCase(), name.toLowerCase());
    if (d < bestDistance && d <= Math.min(3, Math.max(1, Math.floor(name.length / 3)))) {
      best = name;
      bestDistance = d;
    }
  }
  return best;
}
