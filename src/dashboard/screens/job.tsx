/** One job: where it is in its life, its failed runs, its workload on request, and what may be done with it. */
import { act, post, remove } from '../api/actions.ts';
import { functionSegmentOf, pathOf } from '../api/paths.ts';
import { get } from '../api/request.ts';
import { has } from '../api/server.ts';
import type { AttemptsView, JobView, RunError } from '../api/types.ts';
import { bytes, count, duration, isoTime, time } from '../format.ts';
import { Confirm, openDialog } from '../parts/dialog.tsx';
import { JobState } from '../parts/state.tsx';
import { Ago, Facts, Failure, FunctionLink, Loading } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';
import { goTo, hrefOf } from '../routing.ts';
import { Workload } from './workload.tsx';

interface KnownJob {
  readonly view: JobView;
  readonly errors: readonly RunError[];
}

export function Job({ handle }: { handle: string }) {
  const { data, error } = usePoll<KnownJob>(
    async (stop) => {
      const view = await get<JobView>(pathOf.job(handle), stop);
      const runs =
        view.attempts + view.losses === 0
          ? null
          : await get<AttemptsView>(pathOf.job(handle, '/attempts'), stop);
      return { view, errors: runs?.errors ?? [] };
    },
    [handle],
  );
  const isGone = error?.status === 404;
  if (data === null)
    return isGone ? (
      <Unknown handle={handle} />
    ) : error === null ? (
      <Loading />
    ) : (
      <Failure error={error} />
    );
  const { view, errors } = data;
  return (
    <>
      <header class="title">
        <p class="trail">
          <a href={hrefOf(['jobs'])}>Jobs</a>
        </p>
        <h1 class="handle">{handle}</h1>
        {isGone ? (
          <span class="state calm">gone: it is done, or was removed</span>
        ) : (
          <JobState state={view.state} />
        )}
        {!isGone && <Actions view={view} />}
      </header>
      {error !== null && !isGone && <Failure error={error} />}
      <JobFacts view={view} />
      <section>
        <h2>Life</h2>
        <Timeline view={view} errors={errors} isGone={isGone} />
      </section>
      {has('workload') && view.rights.inspect && !isGone && (
        <Workload handle={handle} size={view.workloadBytes} />
      )}
    </>
  );
}

function JobFacts({ view }: { view: JobView }) {
  const { progress } = view;
  return (
    <Facts
      facts={[
        {
          term: 'function',
          value: (
            <FunctionLink row={{ name: view.function, nameEscaped: functionSegmentOf(view) }} />
          ),
        },
        { term: 'priority', value: view.priority },
        { term: 'kind', value: view.isBackground ? 'background' : 'foreground' },
        view.unique === null
          ? null
          : { term: 'unique key', value: <span class="name">{view.unique}</span> },
        { term: 'workload', value: bytes(view.workloadBytes) },
        { term: 'failed runs', value: count(view.attempts) },
        { term: 'workers lost', value: count(view.losses) },
        { term: 'clients that wait', value: count(view.watchers) },
        view.worker === null
          ? null
          : { term: 'worker', value: <span class="name">{view.worker}</span> },
        progress === null || progress.denominator === 0
          ? null
          : {
              term: 'progress',
              value: (
                <progress
                  aria-label="Progress"
                  value={progress.numerator}
                  max={progress.denominator}
                />
              ),
              hint: (
                <span class="hint">
                  {count(progress.numerator)} of {count(progress.denominator)}
                </span>
              ),
            },
      ]}
    />
  );
}

/** The runs that failed, oldest first, then where the job is now. */
function Timeline(props: { view: JobView; errors: readonly RunError[]; isGone: boolean }) {
  const { view, errors, isGone } = props;
  const hidden = view.attempts + view.losses - errors.length;
  return (
    <ol class="timeline">
      {hidden > 0 && <li class="past">{count(hidden)} earlier runs, without details</li>}
      {errors.map((error, at) => {
        const before = errors[at - 1];
        return (
          <li key={`${error.atMs}.${at}`} class="failed">
            <p>
              <b>{error.cause}</b> <time dateTime={isoTime(error.atMs)}>{time(error.atMs)}</time>
              <span class="hint">
                {error.runMs > 0 && ` ran ${duration(error.runMs)}`}
                {error.worker !== null && ` on ${error.worker}`}
                {before !== undefined &&
                  `, ${duration(error.atMs - before.atMs)} after the one before`}
              </span>
            </p>
            {error.text !== null && error.text !== '' && <pre>{error.text}</pre>}
          </li>
        );
      })}
      <li class={isGone ? 'past' : `now ${view.state}`}>
        {isGone ? (
          'gone'
        ) : (
          <p>
            <b>{view.state}</b> <Ago ms={view.sinceMs} />
            {view.nextRunMs !== null && (
              <>
                , next run <Ago ms={view.nextRunMs} />
              </>
            )}
            {view.isCancelled && ', ends when its run ends'}
          </p>
        )}
      </li>
    </ol>
  );
}

function Actions({ view }: { view: JobView }) {
  const { handle, state } = view;
  const { operate, admin } = view.rights;
  const isWaiting = state === 'queued' || state === 'retrying' || state === 'scheduled';
  return (
    <div class="actions">
      {state === 'dead' && has('retry') && operate && (
        <button
          type="button"
          class="primary"
          onClick={() =>
            void act(
              'The job is queued again',
              () => post(pathOf.job(handle, ':retry')),
              has('bury') ? () => post(pathOf.job(handle, ':bury')) : null,
            )
          }
        >
          Retry
        </button>
      )}
      {isWaiting && view.isBackground && has('bury') && operate && (
        <button
          type="button"
          onClick={() =>
            void act(
              'The job is dead',
              () => post(pathOf.job(handle, ':bury')),
              has('retry') ? () => post(pathOf.job(handle, ':retry')) : null,
            )
          }
        >
          Bury
        </button>
      )}
      {(isWaiting || state === 'running') && has('cancel') && operate && (
        <button type="button" onClick={() => openDialog(<Cancel view={view} />)}>
          Cancel
        </button>
      )}
      {state !== 'running' && has('deleteJob') && admin && (
        <button type="button" class="danger" onClick={() => openDialog(<Delete view={view} />)}>
          Delete
        </button>
      )}
    </div>
  );
}

function Cancel({ view: { handle, state } }: { view: JobView }) {
  return (
    <Confirm
      title="Cancel this job?"
      verb="Cancel the job"
      name={null}
      run={() => act('The job is cancelled', () => post(pathOf.job(handle, ':cancel')))}
    >
      <p>
        {state === 'running'
          ? 'Its worker goes on, but nobody gets the result.'
          : 'It is removed and never runs.'}
      </p>
    </Confirm>
  );
}

function Delete({ view }: { view: JobView }) {
  const run = async (): Promise<void> => {
    const isDone = await act('The job is deleted', () => remove(pathOf.job(view.handle)));
    if (isDone) goTo(hrefOf(['functions', functionSegmentOf(view), 'jobs']));
  };
  return (
    <Confirm title="Delete this job?" verb="Delete the job" name={view.function} run={run}>
      <p>The job and its workload are removed for ever.</p>
    </Confirm>
  );
}

function Unknown({ handle }: { handle: string }) {
  return (
    <section class="welcome">
      <h1>No such job</h1>
      <p>
        The server has no job <code>{handle}</code>. It is done, was removed, or belongs to a run of
        the server before: jobs that are done are not kept, unless a policy keeps those that failed.
      </p>
    </section>
  );
}
