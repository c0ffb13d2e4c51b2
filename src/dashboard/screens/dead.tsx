/** Jobs that failed for good: by cause, error and time; some of them, or all that match, are queued again or deleted. */
import { useState } from 'preact/hooks';
import { act, post, remove } from '../api/actions.ts';
import { totals } from '../api/functions.ts';
import { nameOf, pathOf } from '../api/paths.ts';
import { has, may, serverNowMs } from '../api/server.ts';
import type { BulkFilter, JobRow } from '../api/types.ts';
import { count } from '../format.ts';
import { Confirm, openDialog } from '../parts/dialog.tsx';
import { JobTable } from '../parts/job-table.tsx';
import { Command, Failure, Loading, shellWord } from '../parts/words.tsx';
import { replaceQuery, route } from '../routing.ts';
import { Bulk, BulkTasks } from './bulk.tsx';
import { JobPager, useJobPages } from './jobs.tsx';

const CAUSES = ['fail', 'exception', 'timeout', 'lost', 'buried'];
const TIMES: readonly (readonly [words: string, ms: number])[] = [
  ['at any time', 0],
  ['in the last hour', 3_600_000],
  ['in the last day', 86_400_000],
  ['in the last week', 604_800_000],
];
/** Requests of one action that are under way at a time. */
const AT_ONCE = 4;

export function Dead() {
  const segment = route.value.query.get('function') ?? '';
  return (
    <>
      <h1>Dead jobs</h1>
      <DeadJobs
        segment={segment}
        name={nameOf(segment)}
        change={(name) => replaceQuery({ function: encodeURIComponent(name) })}
      />
    </>
  );
}

/** Those of one function, as a part of its screen. */
export function DeadOf({ segment, name }: { segment: string; name: string }) {
  return <DeadJobs segment={segment} name={name} change={null} />;
}

interface Props {
  readonly segment: string;
  readonly name: string;
  /** Chooses another function; null: it is fixed. */
  readonly change: ((name: string) => void) | null;
}

interface Filter {
  readonly cause: string;
  readonly error: string;
  /** Length of the time before now; 0 = all. */
  readonly pastMs: number;
  /** Start of that time, milliseconds since 1970. */
  readonly since: number;
}

function DeadJobs({ segment, name, change }: Props) {
  const [filter, setFilter] = useState<Filter>({ cause: '', error: '', pastMs: 0, since: 0 });
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const { cause, error, since } = filter;
  const pages = useJobPages({
    ...{ function: segment, state: 'dead', unique: '', error },
    ...(since === 0 ? {} : { since }),
  });
  const rows =
    pages.page?.jobs.filter((row) => cause === '' || row.lastError?.cause === cause) ?? [];
  const picked = rows.filter(({ handle }) => keys.has(handle));
  const canChange = (has('retry') && may('operate')) || (has('deleteJob') && may('admin'));
  const matched: BulkFilter = {
    ...{ function: name, state: 'dead' as const },
    ...(cause === '' ? {} : { cause: cause as NonNullable<BulkFilter['cause']> }),
    ...(error === '' ? {} : { error }),
    ...(since === 0 ? {} : { since }),
  };
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        {change !== null && (
          <label class="field">
            <span>Function</span>
            <input
              type="search"
              spellcheck={false}
              value={name}
              onChange={(event) => change(event.currentTarget.value)}
            />
          </label>
        )}
        <Filters filter={filter} change={setFilter} />
      </form>
      <Buttons picked={picked} done={() => setKeys(new Set())} name={name} matched={matched} />
      {pages.error !== null && <Failure error={pages.error} />}
      {pages.page === null ? (
        pages.error === null && <Loading />
      ) : (
        <JobTable
          caption="Dead jobs"
          rows={rows}
          areDead
          isOfOneFunction={change === null}
          empty={<NoDead name={name} isFiltered={cause !== '' || error !== '' || since !== 0} />}
          {...(canChange ? { selection: { keys, change: setKeys, noun: 'jobs' } } : {})}
        />
      )}
      <JobPager pages={pages} />
      {has('bulkTasks') && <BulkTasks />}
    </>
  );
}

function Filters({ filter, change }: { filter: Filter; change: (filter: Filter) => void }) {
  const setTime = (pastMs: number): void =>
    change({ ...filter, pastMs, since: pastMs === 0 ? 0 : Math.round(serverNowMs() - pastMs) });
  return (
    <>
      <label class="field">
        <span>Cause</span>
        <select
          value={filter.cause}
          onChange={(event) => change({ ...filter, cause: event.currentTarget.value })}
        >
          <option value="">any</option>
          {CAUSES.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
      </label>
      {may('inspect') && (
        <label class="field">
          <span>Error contains</span>
          <input
            type="search"
            spellcheck={false}
            value={filter.error}
            onChange={(event) => change({ ...filter, error: event.currentTarget.value })}
          />
        </label>
      )}
      <label class="field">
        <span>Died</span>
        <select
          value={filter.pastMs}
          onChange={(event) => setTime(Number(event.currentTarget.value))}
        >
          {TIMES.map(([words, ms]) => (
            <option key={ms} value={ms}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function Buttons(props: {
  picked: readonly JobRow[];
  done: () => void;
  name: string;
  matched: BulkFilter;
}) {
  const { picked, done, name, matched } = props;
  const canRetry = has('retry') && may('operate');
  const canDelete = has('deleteJob') && may('admin');
  const retry = async (): Promise<void> => {
    await act(`${jobs(picked.length)} queued again`, () =>
      each(picked, ({ handle }) => post(pathOf.job(handle, ':retry'))),
    );
    done();
  };
  return (
    <div class="actions">
      {canRetry && (
        <button type="button" disabled={picked.length === 0} onClick={() => void retry()}>
          Retry selected ({count(picked.length)})
        </button>
      )}
      {canDelete && (
        <button
          type="button"
          class="danger"
          disabled={picked.length === 0}
          onClick={() => openDialog(<DeleteSelected picked={picked} done={done} />)}
        >
          Delete selected
        </button>
      )}
      {has('startBulk') && name !== '' && canRetry && (
        <button
          type="button"
          onClick={() => openDialog(<Bulk action="retry" name={name} filter={matched} />)}
        >
          Retry all that match…
        </button>
      )}
      {has('startBulk') && name !== '' && canDelete && (
        <button
          type="button"
          class="danger"
          onClick={() => openDialog(<Bulk action="delete" name={name} filter={matched} />)}
        >
          Delete all that match…
        </button>
      )}
      {has('startBulk') && name === '' && canRetry && totals.value.dead > 0 && (
        <span class="hint">Choose a function to retry all that match.</span>
      )}
    </div>
  );
}

function DeleteSelected({ picked, done }: { picked: readonly JobRow[]; done: () => void }) {
  const names = new Set(picked.map((row) => row.function));
  const run = async (): Promise<void> => {
    await act(`${jobs(picked.length)} deleted`, () =>
      each(picked, ({ handle }) => remove(pathOf.job(handle))),
    );
    done();
  };
  return (
    <Confirm
      title={`Delete ${jobs(picked.length)}?`}
      verb="Delete"
      name={names.size === 1 ? ([...names][0] as string) : 'delete'}
      run={run}
    >
      <p>The jobs and their workloads are removed for ever.</p>
    </Confirm>
  );
}

function jobs(number: number): string {
  return number === 1 ? '1 job' : `${count(number)} jobs`;
}

/** Runs `action` for every row, a few at a time; rejects with the first error, after all have ended. */
async function each(
  rows: readonly JobRow[],
  action: (row: JobRow) => Promise<unknown>,
): Promise<void> {
  const left = [...rows];
  const errors: unknown[] = [];
  const run = async (): Promise<void> => {
    for (let row = left.shift(); row !== undefined; row = left.shift())
      await action(row).catch((error: unknown) => errors.push(error));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  if (errors.length > 0) throw errors[0];
}

function NoDead({ name, isFiltered }: { name: string; isFiltered: boolean }) {
  if (isFiltered) return <p>No dead job matches.</p>;
  return (
    <p>
      No job has died{name === '' ? '' : ` in ${name}`}. Jobs that fail are kept here when the
      policy of their function says so:{' '}
      <Command>{`gearadmin --policy ${shellWord(name === '' ? 'mail' : name)}=attempts:3`}</Command>
    </p>
  );
}
