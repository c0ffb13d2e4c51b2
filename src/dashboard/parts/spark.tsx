/** A small curve beside a number. Rule: decoration; the number says it, so readers who do not see it lose nothing. */

const WIDTH = 96;
const HEIGHT = 22;

export function Spark({ values }: { values: readonly number[] }) {
  const last = values.slice(-60);
  if (last.length < 2) return <svg class="spark" aria-hidden="true" />;
  const most = Math.max(...last, 1e-9);
  const step = WIDTH / (last.length - 1);
  const points = last.map(
    (value, at) =>
      `${(at * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`,
  );
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polygon points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} />
      <polyline points={points.join(' ')} />
    </svg>
  );
}
