/** Jobs by function, state, unique key and error, page by page. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { nameOf, queryOf } from '../api/paths.ts';
import { get, isCursorOld } from '../api/request.ts';
import { may } from '../api/server.ts';
import type { JobsPage } from '../api/types.ts';
import { count } from '../format.ts';
import { JobTable } from '../parts/job-table.tsx';
import { Command, Failure, Loading, shellWord } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';
import { replaceQuery, route } from '../routing.ts';

export const STATES = ['queued', 'running', 'retrying', 'scheduled', 'storing', 'kept', 'dead'];

export interface JobFilter {
  /** Segment of the function, escaped; empty: all. */
  readonly function: string;
  readonly state: string;
  readonly unique: string;
  readonly error: string;
  /** Milliseconds since 1970; undefined: any. */
  readonly since?: number;
}

const ROWS = 100;
const POLL_MS = 2000;
/** Pages without a match that are passed over before the reader is asked. */
const EMPTY_PAGES_MAX = 10;

export interface JobPages {
  readonly page: JobsPage | null;
  readonly scanned: number;
  readonly error: ReturnType<typeof usePoll>['error'];
  readonly isFirst: boolean;
  first(): void;
  previous(): void;
  next(): void;
}

/** One page of jobs after the other; kept up to date while it is shown. */
export function useJobPages(filter: JobFilter): JobPages {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const { function: segment, state, unique, error: words, since } = filter;
  const inputs = [segment, state, unique, words, since];
  useEffect(() => setCursors([]), inputs);
  const name = segment === '' ? '' : `function=${segment}&`;
  const { data, error } = usePoll(
    async (stop) => {
      let cursor = cursors.at(-1);
      let scanned = 0;
      for (let left = EMPTY_PAGES_MAX; ; left--) {
        const query = queryOf({ state, unique, error: words, since, limit: ROWS, cursor });
        const page = await get<JobsPage>(`v1/jobs?${name}${query.slice(1)}`, stop);
        scanned += page.scanned;
        if (page.jobs.length > 0 || page.next === null || left === 0) return { page, scanned };
        cursor = page.next;
      }
    },
    [...inputs, cursors],
    POLL_MS,
  );
  // The server does not know the cursor any more: from the beginning.
  useEffect(() => {
    if (isCursorOld(error)) setCursors([]);
  }, [error]);
  const next = data?.page.next ?? null;
  return {
    page: data?.page ?? null,
    scanned: data?.scanned ?? 0,
    error,
    isFirst: cursors.length === 0,
    first: () => setCursors([]),
    previous: () => setCursors(cursors.slice(0, -1)),
    next: () => next !== null && setCursors([...cursors, next]),
  };
}

export function JobPager({ pages }: { pages: JobPages }) {
  const { page, isFirst, scanned } = pages;
  if (page === null) return null;
  return (
    <nav class="pager" aria-label="Pages of jobs">
      {(!isFirst || page.next !== null) && (
        <>
          <button type="button" disabled={isFirst} onClick={pages.first}>
            First
          </button>
          <button type="button" disabled={isFirst} onClick={pages.previous}>
            Previous
          </button>
          <button type="button" disabled={page.next === null} onClick={pages.next}>
            Next
          </button>
        </>
      )}
      <span>
        {count(page.jobs.length)} shown, {count(scanned)} looked at
        {page.isIncomplete && '; a shard is not running: its jobs are missing'}
      </span>
    </nav>
  );
}

export function Jobs() {
  const { query } = route.value;
  const filter: JobFilter = {
    function: query.get('function') ?? '',
    state: query.get('state') ?? '',
    unique: query.get('unique') ?? '',
    error: query.get('error') ?? '',
  };
  const pages = useJobPages(filter);
  const change = (next: Partial<Record<keyof JobFilter, string>>): void =>
    replaceQuery({
      ...{ function: filter.function, state: filter.state },
      ...{ unique: filter.unique, error: filter.error },
      ...next,
    });
  return (
    <>
      <h1>Jobs</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label class="field">
          <span>Function</span>
          <input
            type="search"
            spellcheck={false}
            value={nameOf(filter.function)}
            onChange={(event) =>
              change({ function: encodeURIComponent(event.currentTarget.value) })
            }
          />
        </label>
        <StateField state={filter.state} change={(state) => change({ state })} />
        {may('inspect') && (
          <>
            <label class="field">
              <span>Unique key contains</span>
              <input
                type="search"
                spellcheck={false}
                value={filter.unique}
                onChange={(event) => change({ unique: event.currentTarget.value })}
              />
            </label>
            <label class="field">
              <span>Error contains</span>
              <input
                type="search"
                spellcheck={false}
                value={filter.error}
                onChange={(event) => change({ error: event.currentTarget.value })}
              />
            </label>
          </>
        )}
      </form>
      <JobList pages={pages} empty={<NoJobs filter={filter} />} />
    </>
  );
}

export function StateField(props: { state: string; change: (state: string) => void }) {
  return (
    <label class="field">
      <span>State</span>
      <select value={props.state} onChange={(event) => props.change(event.currentTarget.value)}>
        <option value="">all</option>
        {STATES.map((state) => (
          <option key={state}>{state}</option>
        ))}
      </select>
    </label>
  );
}

function JobList(props: { pages: JobPages; empty: ComponentChildren; isOfOneFunction?: boolean }) {
  const { pages, empty, isOfOneFunction = false } = props;
  const { page, error } = pages;
  return (
    <>
      {error !== null && !isCursorOld(error) && <Failure error={error} />}
      {page === null ? (
        error === null && <Loading />
      ) : (
        <JobTable caption="Jobs" rows={page.jobs} empty={empty} isOfOneFunction={isOfOneFunction} />
      )}
      <JobPager pages={pages} />
    </>
  );
}

function NoJobs({ filter }: { filter: JobFilter }) {
  const isFiltered = filter.state + filter.unique + filter.error !== '';
  const name = nameOf(filter.function);
  if (isFiltered) return <p>No job matches. Jobs that are done are not kept.</p>;
  return (
    <p>
      No job waits or runs{name === '' ? '' : ` in ${name}`}. Submit one:{' '}
      <Command>{`gearman -b -f ${shellWord(name === '' ? 'lines' : name)} hello`}</Command>
    </p>
  );
}

/** The jobs of one function, as a part of its screen. */
export function JobsOf({ segment, name }: { segment: string; name: string }) {
  const [state, setState] = useState('');
  const pages = useJobPages({ function: segment, state, unique: '', error: '' });
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <StateField state={state} change={setState} />
      </form>
      <JobList
        pages={pages}
        isOfOneFunction
        empty={
          state === '' ? (
            <p>
              No job waits or runs. Submit one:{' '}
              <Command>{`gearman -b -f ${shellWord(name)} hello`}</Command>
            </p>
          ) : (
            <p>No job is in that state.</p>
          )
        }
      />
    </>
  );
}
