/** One function: its figures, why its jobs do not start, and what may be done with it. */
import { remember } from '../api/history.ts';
import { closedBecause, pauseLeftOf, verdictOf } from '../api/judge.ts';
import { nameOf, pathOf } from '../api/paths.ts';
import { call } from '../api/request.ts';
import { has } from '../api/server.ts';
import type { FunctionView, KnownFunction } from '../api/types.ts';
import { count, duration } from '../format.ts';
import { waitWords } from '../parts/function-table.tsx';
import { Histogram } from '../parts/histogram.tsx';
import { Rates } from '../parts/rates.tsx';
import { State } from '../parts/state.tsx';
import { Command, Facts, Failure, Loading, shellWord, Tabs } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';
import { hrefOf } from '../routing.ts';
import { DeadOf } from './dead.tsx';
import { FunctionActions } from './function-actions.tsx';
import { JobsOf } from './jobs.tsx';

const TABS: readonly (readonly [path: string, title: string, isThere: () => boolean])[] = [
  ['rates', 'Rates', () => true],
  ['wait', 'Wait', () => true],
  ['run', 'Run', () => true],
  ['jobs', 'Jobs', () => has('jobs')],
  ['dead', 'Dead', () => has('jobs')],
];

export function FunctionScreen({ segment, tab }: { segment: string; tab: string }) {
  const { data, error } = usePoll<KnownFunction>(
    async (stop) => {
      const { data: view, etag } = await call<FunctionView>('GET', pathOf.function(segment), {
        signal: stop,
      });
      remember(segment, view);
      return { view, segment, etag };
    },
    [segment],
  );
  if (error?.status === 404) return <Unknown name={nameOf(segment)} />;
  if (data === null) return error === null ? <Loading /> : <Failure error={error} />;
  const { view } = data;
  return (
    <>
      <header class="title">
        <p class="trail">
          <a href={hrefOf(['functions'])}>Functions</a>
        </p>
        <h1 class="name">{view.name === '' ? '(no name)' : view.name}</h1>
        <State {...verdictOf(view)} />
        <FunctionActions known={data} />
      </header>
      {error !== null && <Failure error={error} />}
      <Gate view={view} />
      <FunctionFacts view={view} />
      <Tabs
        label="Parts of the function"
        tabs={TABS.filter(([, , isThere]) => isThere()).map(([path, title]) => ({
          title: path === 'dead' && view.dead > 0 ? `${title} (${count(view.dead)})` : title,
          href: hrefOf(['functions', segment, path]),
          isHere: tab === path,
        }))}
      />
      <Tab known={data} tab={tab} />
    </>
  );
}

function Tab({ known: { view, segment }, tab }: { known: KnownFunction; tab: string }) {
  switch (tab) {
    case 'wait':
      return (
        <Histogram title="How long its jobs waited" buckets={view.counts?.waitBuckets ?? []} />
      );
    case 'run':
      return <Histogram title="How long its jobs ran" buckets={view.counts?.runBuckets ?? []} />;
    case 'jobs':
      return <JobsOf segment={segment} name={view.name} />;
    case 'dead':
      return <DeadOf segment={segment} name={view.name} />;
    default:
      return <Rates segment={segment} />;
  }
}

function Gate({ view }: { view: FunctionView }) {
  const why = closedBecause(view, pauseLeftOf(view.policy.state));
  if (why === null) return null;
  return (
    <p class="notice">
      <span aria-hidden="true">‖ </span>
      {why}
      {view.workers === 0 && (
        <>
          {' '}
          Start a worker: <Command>{`gearman -w -f ${shellWord(view.name)} -- cat`}</Command>
        </>
      )}
    </p>
  );
}

function FunctionFacts({ view }: { view: FunctionView }) {
  const { counts, policy } = view;
  const limit = policy.keys.find(({ key }) => key === 'concurrency')?.value;
  const hasLimit = limit !== undefined && limit !== '0';
  const { high, low } = view.waiting;
  return (
    <>
      <Facts
        facts={[
          {
            term: 'queued',
            value: count(view.queued),
            hint:
              high + low > 0 ? (
                <span class="hint">
                  {count(high)} high, {count(low)} low
                </span>
              ) : undefined,
          },
          { term: 'running', value: `${count(view.running)}${hasLimit ? ` of ${limit}` : ''}` },
          { term: 'workers', value: count(view.workers) },
          { term: 'waits for another try', value: count(view.retrying) },
          { term: 'dead', value: count(view.dead) },
          { term: 'oldest waits', value: view.queued === 0 ? '–' : duration(view.oldestMs) },
          { term: 'wait p99', value: waitWords(counts?.waitBuckets) },
          { term: 'run p99', value: waitWords(counts?.runBuckets) },
          counts === null ? null : { term: 'done', value: count(counts.completed) },
          counts === null ? null : { term: 'failed', value: count(counts.failed) },
        ]}
      />
      {policy.keys.length > 0 && (
        <ul class="chips" aria-label="Policy">
          {policy.keys.map(({ key, value, origin }) => (
            <li key={key} class="chip" title={`given by ${origin}`}>
              {key} <b>{value}</b>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Unknown({ name }: { name: string }) {
  return (
    <section class="welcome">
      <h1 class="name">{name}</h1>
      <p>
        No worker has ever offered <code>{name}</code>, and no client has submitted to it. Start a
        worker: <Command>{`gearman -w -f ${shellWord(name)} -- cat`}</Command>
      </p>
    </section>
  );
}
