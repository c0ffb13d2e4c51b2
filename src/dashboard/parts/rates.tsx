/** Plots of one function, or of all, over time. Rule: without series of the server they begin when the page was opened. */
import { useState } from 'preact/hooks';
import { ratesOf, samplesOf, samplesTaken, TOTAL } from '../api/history.ts';
import { loadSeries, type Series, type Span, sampleTimesOf, timesOf } from '../api/series.ts';
import { has } from '../api/server.ts';
import { count, duration, rate } from '../format.ts';
import { usePoll } from '../poll.ts';
import { type Curve, Plot } from './plot.tsx';

const perSecond = (value: number): string => `${rate(value)}/s`;
const POLL_MS = 5000;

/** `segment` null: all functions together. */
export function Rates({ segment, only }: { segment: string | null; only?: 'flow' }) {
  const [span, setSpan] = useState<Span>('hour');
  const hasSeries = has('series');
  const { data, error } = usePoll<Series | null>(
    (stop) => (hasSeries ? loadSeries(segment, span, stop) : Promise.resolve(null)),
    [segment, span, hasSeries],
    hasSeries ? POLL_MS : null,
  );
  if (!hasSeries || error?.status === 404) return <SinceOpened segment={segment} only={only} />;
  const times = data === null ? [] : timesOf(data);
  return (
    <>
      <fieldset class="choice">
        <legend class="hidden">Time</legend>
        {(['hour', 'day'] as const).map((word) => (
          <label key={word}>
            <input
              type="radio"
              name="span"
              checked={span === word}
              onChange={() => setSpan(word)}
            />
            <span>{word === 'hour' ? 'One hour' : 'One day'}</span>
          </label>
        ))}
      </fieldset>
      <div class="plots">
        <Plot title="Jobs a second" times={times} curves={flowOf(data)} show={perSecond} />
        {only !== 'flow' && (
          <Plot title="Jobs now" times={times} curves={stockOf(data)} show={count} />
        )}
        <Plot
          title="99 of 100 jobs wait and run less than"
          times={times}
          curves={[
            { title: 'wait', colour: 'one', values: data?.waitP99Ms ?? [] },
            { title: 'run', colour: 'two', values: data?.runP99Ms ?? [] },
          ]}
          show={duration}
        />
      </div>
    </>
  );
}

type Flow = Pick<Series, 'in' | 'done' | 'failed'>;

function flowOf(data: Flow | null): Curve[] {
  return [
    { title: 'in', colour: 'one', values: data?.in ?? [] },
    { title: 'done', colour: 'two', values: data?.done ?? [] },
    { title: 'failed', colour: 'three', values: data?.failed ?? [] },
  ];
}

function stockOf(data: Pick<Series, 'queued' | 'running'> | null): Curve[] {
  return [
    { title: 'queued', colour: 'one', values: data?.queued ?? [] },
    { title: 'running', colour: 'two', values: data?.running ?? [] },
  ];
}

function SinceOpened({ segment, only }: { segment: string | null; only?: 'flow' | undefined }) {
  // Reads it, so that a new sample draws the plots.
  void samplesTaken.value;
  const samples = samplesOf(segment ?? TOTAL);
  const times = sampleTimesOf(samples);
  const flow = {
    in: ratesOf(samples, 'created'),
    done: ratesOf(samples, 'completed'),
    failed: ratesOf(samples, 'failed'),
  };
  const stock = {
    queued: samples.slice(1).map(({ queued }) => queued),
    running: samples.slice(1).map(({ running }) => running),
  };
  return (
    <div class="plots">
      <Plot
        title="Jobs a second, since this page was opened"
        times={times}
        curves={flowOf(flow)}
        show={perSecond}
      />
      {only !== 'flow' && (
        <Plot
          title="Jobs, since this page was opened"
          times={times}
          curves={stockOf(stock)}
          show={count}
        />
      )}
    </div>
  );
}
