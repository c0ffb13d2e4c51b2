/** The first screen: is everything well, and if not, where? */
import { useMemo } from 'preact/hooks';
import { functions, isComplete, showFunctions, totals } from '../api/functions.ts';
import {
  quantileOf,
  ratesOf,
  recentOf,
  remember,
  samplesOf,
  samplesTaken,
  TOTAL,
} from '../api/history.ts';
import { urgencyOf, verdictOf } from '../api/judge.ts';
import { segmentOf } from '../api/paths.ts';
import { get } from '../api/request.ts';
import { has, server } from '../api/server.ts';
import type { FunctionRow, ShardsView, StoresView } from '../api/types.ts';
import { count, duration, rate } from '../format.ts';
import { FunctionTable } from '../parts/function-table.tsx';
import { Rates } from '../parts/rates.tsx';
import { Spark } from '../parts/spark.tsx';
import { Command, FunctionLink, Loading } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';
import { hrefOf } from '../routing.ts';

const ROWS = 12;
const WARNINGS_MAX = 5;

export function Overview() {
  const all = functions.value;
  const shards = useShards();
  const stores = usePoll<StoresView | null>(
    (stop) => (has('stores') ? get<StoresView>('v1/stores', stop) : Promise.resolve(null)),
    [has('stores')],
    5000,
  ).data;
  const rows = useMemo(() => [...(all?.values() ?? [])], [all]);
  const urgent = useMemo(
    () => rows.toSorted((a, b) => urgencyOf(b) - urgencyOf(a)).slice(0, ROWS),
    [rows],
  );
  if (all === null) return <Loading />;
  if (rows.length === 0 && isComplete.value) return <Welcome />;
  return (
    <>
      <h1 class="hidden">Overview</h1>
      <Figures />
      <Warnings rows={urgent} shards={shards} stores={stores} />
      <section>
        <header class="bar">
          <h2>Functions</h2>
          <a href={hrefOf(['functions'])}>
            {rows.length > ROWS ? `All ${count(rows.length)}` : 'As a list'}
          </a>
        </header>
        <FunctionTable
          caption="Functions that ask most for a look"
          rows={urgent}
          empty=""
          shown={(shown) => showFunctions(shown.map(segmentOf))}
        />
      </section>
      <section>
        <h2 class="hidden">Over time</h2>
        <Rates segment={null} />
      </section>
    </>
  );
}

/** Loads the figures of the shards, whose sums give the rates of all functions together. */
function useShards(): ShardsView | null {
  return usePoll<ShardsView | null>(
    async (stop) => {
      if (!has('shards')) return null;
      const view = await get<ShardsView>('v1/shards', stop);
      const sums = { created: 0, completed: 0, failed: 0 };
      for (const shard of view.shards) {
        sums.created += shard.submitted;
        sums.completed += shard.completed;
        sums.failed += shard.failed;
      }
      const { queued, running } = totals.value;
      const counts = { ...sums, waitBuckets: allWaits(), runBuckets: [] };
      remember(TOTAL, { created: sums.created, queued, running, counts });
      return view;
    },
    [has('shards')],
  ).data;
}

function allWaits(): number[] {
  const sums: number[] = [];
  for (const { counts } of functions.value?.values() ?? [])
    for (const [bucket, value] of counts?.waitBuckets.entries() ?? [])
      sums[bucket] = (sums[bucket] ?? 0) + value;
  return sums;
}

function Figures() {
  void samplesTaken.value;
  const { functions: number, queued, running, dead, retrying } = totals.value;
  const samples = samplesOf(TOTAL);
  const recent = recentOf(TOTAL);
  const wait = recent === null ? null : quantileOf(recent.waitBuckets, 0.99);
  const show = (value: number | undefined) => (value === undefined ? '–' : rate(value));
  return (
    <dl class="figures">
      <Figure
        term="in"
        unit="/s"
        value={show(recent?.inPerS)}
        curve={ratesOf(samples, 'created')}
      />
      <Figure
        term="done"
        unit="/s"
        value={show(recent?.donePerS)}
        curve={ratesOf(samples, 'completed')}
      />
      <Figure
        term="failed"
        unit="/s"
        value={show(recent?.failedPerS)}
        curve={ratesOf(samples, 'failed')}
      />
      <Figure
        term="wait p99"
        value={wait === null ? '–' : Number.isFinite(wait) ? `< ${duration(wait)}` : 'longer'}
      />
      <Figure
        term="queued"
        value={count(queued)}
        curve={samples.map((sample) => sample.queued)}
        hint={retrying > 0 ? `${count(retrying)} for another try` : undefined}
      />
      <Figure
        term="running"
        value={count(running)}
        curve={samples.map((sample) => sample.running)}
      />
      <Figure term="functions" value={count(number)} />
      <Figure term="dead" value={count(dead)} />
    </dl>
  );
}

function Figure(props: {
  term: string;
  value: string;
  unit?: string;
  curve?: readonly number[];
  hint?: string | undefined;
}) {
  return (
    <div>
      <dt>{props.term}</dt>
      <dd>
        <span class="big">
          {props.value}
          {props.unit !== undefined && <span class="unit">{props.unit}</span>}
        </span>
        {props.curve !== undefined && <Spark values={props.curve} />}
        {props.hint !== undefined && <span class="hint">{props.hint}</span>}
      </dd>
    </div>
  );
}

function Warnings(props: {
  rows: readonly FunctionRow[];
  shards: ShardsView | null;
  stores: StoresView | null;
}) {
  const reason = server.value?.notReady ?? null;
  const bad = props.rows.filter((row) => verdictOf(row).tone === 'bad');
  const paused = props.rows.filter((row) => row.gate === 'paused' && row.queued > 0);
  const down = props.shards?.shards.filter(({ isRunning }) => !isRunning) ?? [];
  const refusing = props.stores?.stores.filter(({ isAccepting }) => !isAccepting) ?? [];
  const items = [
    reason !== null && <>The server takes no jobs: {reason}</>,
    ...down.map(({ thread }) => <>Shard {thread} is not running; it is started again.</>),
    ...refusing.map(({ thread }) => (
      <>The store of shard {thread} refuses; new background jobs are refused until it takes them.</>
    )),
    ...bad.map((row) => (
      <>
        <FunctionLink row={row} />: {count(row.queued)} queued, no worker for{' '}
        {duration(row.oldestMs)}
      </>
    )),
    ...paused.map((row) => (
      <>
        <FunctionLink row={row} />: paused, {count(row.queued)} queued
      </>
    )),
  ].filter((item) => item !== false);
  if (items.length === 0) return null;
  return (
    <ul class="warnings" aria-label="Needs a look">
      {items.slice(0, WARNINGS_MAX).map((item, at) => (
        <li key={at}>
          <span aria-hidden="true">▲</span>
          <span>{item}</span>
        </li>
      ))}
      {items.length > WARNINGS_MAX && <li>and {count(items.length - WARNINGS_MAX)} more</li>}
    </ul>
  );
}

function Welcome() {
  return (
    <section class="welcome">
      <h1>No function yet</h1>
      <p>
        A function is there as soon as a worker offers it or a client submits a job to it. In two
        terminals of the server's machine:
      </p>
      <ol>
        <li>
          a worker that counts lines: <Command>gearman -w -f lines -- wc -l</Command>
        </li>
        <li>
          a job for it: <Command>{'gearman -f lines < /etc/passwd'}</Command>
        </li>
      </ol>
      <p>This page shows both within a second.</p>
    </section>
  );
}
