/**
 * A plot over time, and the same figures as a table. Rule: curves differ in colour and in dashes; the table is one press
 * away.
 */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { clock, isoTime } from '../format.ts';
import { isDark } from '../theme.ts';

export interface Curve {
  readonly title: string;
  /** null: nothing was measured. */
  readonly values: readonly (number | null)[];
  /** One of the colours of style.css. */
  readonly colour: 'one' | 'two' | 'three';
}

export interface PlotProps {
  readonly title: string;
  /** Milliseconds since 1970, one for each value. */
  readonly times: readonly number[];
  readonly curves: readonly Curve[];
  show(value: number): string;
}

const HEIGHT = 210;
const TABLE_ROWS = 60;
/** Distances of marks: of times in seconds, and of values, which are counts. */
const TIME_STEPS_S = [5, 10, 15, 30, 60, 300, 600, 1800, 3600, 7200, 14_400];
const VALUE_STEPS = Array.from({ length: 16 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
).flat();
const DASHES = { one: [], two: [6, 3], three: [2, 3] };

export function Plot({ title, times, curves, show }: PlotProps) {
  return (
    <figure class="plot">
      <figcaption>
        {title}
        <ul class="legend">
          {curves.map((curve) => (
            <li key={curve.title} class={curve.colour}>
              {curve.title}
              {times.length > 0 && <b> {showLast(curve, show)}</b>}
            </li>
          ))}
        </ul>
      </figcaption>
      {times.length < 2 ? (
        <p class="empty">The first points come in a moment.</p>
      ) : (
        <>
          <Canvas title={title} times={times} curves={curves} show={show} />
          <Numbers title={title} times={times} curves={curves} show={show} />
        </>
      )}
    </figure>
  );
}

function showLast({ values }: Curve, show: (value: number) => string): string {
  const last = values.at(-1);
  return last == null ? '–' : show(last);
}

function Canvas({ title, times, curves, show }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const names = curves.map((curve) => curve.title).join();
  const dark = isDark.value;
  const data = (): uPlot.AlignedData => [
    times.map((ms) => ms / 1000),
    ...curves.map((curve) => [...curve.values]),
  ];
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour('soft'),
      grid: { stroke: colour('rule'), width: 1 },
      ticks: { show: false },
    };
    const timeAxis: uPlot.Axis = {
      ...axis,
      space: 92,
      incrs: TIME_STEPS_S,
      values: (_plot, marks) => marks.map((mark) => clock(mark * 1000)),
    };
    const valueAxis: uPlot.Axis = {
      ...axis,
      size: 64,
      incrs: VALUE_STEPS,
      values: (_plot, marks) => marks.map((mark) => show(mark)),
    };
    const drawn = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(max ?? 0, 1) * 1.1] } },
        axes: [timeAxis, valueAxis],
        series: [
          {},
          ...curves.map((curve) => ({
            label: curve.title,
            stroke: colour(`curve-${curve.colour}`),
            width: 2,
            dash: DASHES[curve.colour],
            points: { show: false },
          })),
        ],
      },
      data(),
      element,
    );
    plot.current = drawn;
    const resized = new ResizeObserver(() =>
      drawn.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resized.observe(element);
    return () => {
      resized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [names, dark]);
  useEffect(() => plot.current?.setData(data()), [times]);
  return (
    <div
      ref={host}
      class="canvas"
      role="img"
      aria-label={`${title}; the table below has the figures`}
    />
  );
}

function Numbers({ title, times, curves, show }: PlotProps) {
  const step = Math.max(1, Math.ceil(times.length / TABLE_ROWS));
  const picked = times.map((_, at) => at).filter((at) => (times.length - 1 - at) % step === 0);
  return (
    <details>
      <summary>As a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard. */}
      <section class="scroller short" aria-label={`${title}, as a table`} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">time</th>
              {curves.map((curve) => (
                <th key={curve.title} scope="col" class="number">
                  {curve.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {picked.reverse().map((at) => {
              const ms = times[at] as number;
              return (
                <tr key={ms}>
                  <th scope="row">
                    <time dateTime={isoTime(ms)}>{clock(ms)}</time>
                  </th>
                  {curves.map(({ title: name, values }) => (
                    <td key={name} class="number">
                      {values[at] == null ? '–' : show(values[at] as number)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </details>
  );
}
