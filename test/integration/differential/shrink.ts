/**
 * Makes a failing list small: takes pieces away, ever smaller ones, as long as the rest still fails (greedy ddmin).
 */

/** `fails` replays a shorter list. At most `triesMax` replays; the result fails, or is `items` itself. */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  triesMax = 1000,
): Promise<readonly T[]> {
  let smallest = items;
  let tries = 0;
  for (let piece = Math.ceil(items.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    let isProgress = true;
    while (isProgress) {
      isProgress = false;
      // From the end: what comes late is the least likely to matter to what comes before it.
      for (let end = smallest.length; end > 0 && tries < triesMax; end -= piece) {
        const start = Math.max(0, end - piece);
        const candidate = [...smallest.slice(0, start), ...smallest.slice(end)];
        if (candidate.length === 0) continue;
        tries++;
        if (!(await fails(candidate))) continue;
        smallest = candidate;
        isProgress = true;
      }
      if (tries >= triesMax) return smallest;
    }
  }
  return smallest;
}
