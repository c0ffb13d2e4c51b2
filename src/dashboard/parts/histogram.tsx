/** How long jobs waited or ran, as bars that are rows of a table. */
import { count, duration, share } from '../format.ts';

export function Histogram({ title, buckets }: { title: string; buckets: readonly number[] }) {
  const all = buckets.reduce((sum, value) => sum + value, 0);
  const most = Math.max(...buckets, 1);
  if (all === 0) return <p class="empty">No job has been counted yet.</p>;
  const used = buckets.findLastIndex((value) => value > 0);
  const first = buckets.findIndex((value) => value > 0);
  const rows = [...buckets.keys()].slice(Math.max(0, first - 1), used + 2);
  return (
    <table class="histogram">
      <caption>{title}</caption>
      <thead class="hidden">
        <tr>
          <th scope="col">time</th>
          <th scope="col">jobs</th>
          <th scope="col">share</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((bucket) => {
          const value = buckets[bucket] as number;
          return (
            <tr key={bucket}>
              <th scope="row">{boundOf(bucket, buckets.length)}</th>
              <td class="bar">
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(value / most) * 100} height="10" />
                </svg>
                <span class="number">{count(value)}</span>
              </td>
              <td class="number">{share(value, all)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Bucket b: below 4^b ms; the last one: everything longer. */
function boundOf(bucket: number, buckets: number): string {
  return bucket === buckets - 1
    ? `${duration(4 ** (bucket - 1))} or longer`
    : `below ${duration(4 ** bucket)}`;
}
