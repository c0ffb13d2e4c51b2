/** Finds the known word that a mistyped one most likely stands for. */

/** At most a third of the letters may differ; with more it would be a different word. */
const WRONG_SHARE = 1 / 3;

/** The number of letters to change, add, remove or swap with their neighbour to turn `a` into `b`. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const [above, before] = [rows[i - 1] as number[], row[j - 1] as number];
      let steps = Math.min(
        (above[j] as number) + 1,
        before + 1,
        (above[j - 1] as number) + (isSame ? 0 : 1),
      );
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) steps = Math.min(steps, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      row.push(steps);
    }
    rows.push(row);
  }
  return (rows[a.length] as number[])[b.length] as number;
}

/** The nearest of `known`, or null when none is near enough. Ignores case; O(words x letters^2). */
export function closest(word: string, known: readonly string[]): string | null {
  const given = word.toLowerCase();
  const wrongMax = Math.max(1, Math.floor(given.length * WRONG_SHARE));
  let best: string | null = null;
  let bestSteps = wrongMax + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - given.length) >= bestSteps) continue;
    const steps = distance(given, candidate.toLowerCase());
    if (steps < bestSteps) [best, bestSteps] = [candidate, steps];
  }
  return best;
}
