/**
 * Retry or delete of all dead jobs that match: counted first, then done by the server at a rate. Rule: what dies after
 * the count began is not touched.
 */
import { useState } from 'preact/hooks';
import { act, post, remove } from '../api/actions.ts';
import { pathOf } from '../api/paths.ts';
import { call, get } from '../api/request.ts';
import { may } from '../api/server.ts';
import type { BulkFilter, BulkTask } from '../api/types.ts';
import { clock, count, rate } from '../format.ts';
import { Confirm } from '../parts/dialog.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Ago, Failure } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';

type Action = BulkTask['action'];

const RATES = [10, 50, 100, 1000, 10_000];
const COUNT_POLL_MS = 200;

export function Bulk({
  action,
  name,
  filter,
}: {
  action: Action;
  name: string;
  filter: BulkFilter;
}) {
  const [perSecond, setPerSecond] = useState(50);
  const { data, error } = usePoll((stop) => countMatches(action, filter, stop), [], null);
  const verb = action === 'retry' ? 'Retry' : 'Delete';
  const run = (): Promise<boolean> =>
    act(`${verb} of ${count(data?.matched ?? 0)} dead jobs of ${name} has begun`, () =>
      post('v1/bulk', { action, filter, perSecond }),
    );
  const number = data === null ? '…' : count(data.matched);
  return (
    <Confirm title={`${verb} all that match`} verb={verb} name={name} run={run}>
      {error !== null && <Failure error={error} />}
      <p role="status">
        {data === null
          ? 'Counting…'
          : `${verb} ${number} dead jobs of ${name} as of ${clock(data.startedMs)}?`}
      </p>
      <label class="field">
        <span>At most</span>
        <select
          value={perSecond}
          onChange={(event) => setPerSecond(Number(event.currentTarget.value))}
        >
          {RATES.map((value) => (
            <option key={value} value={value}>
              {rate(value)} a second
            </option>
          ))}
        </select>
      </label>
      {action === 'retry' && (
        <p class="hint">A job whose unique key is in use by another job stays dead.</p>
      )}
    </Confirm>
  );
}

/** A run that only counts, once it has ended. */
async function countMatches(
  action: Action,
  filter: BulkFilter,
  stop: AbortSignal,
): Promise<BulkTask> {
  const body = { action, filter, isDryRun: true };
  let task = (await call<BulkTask>('POST', 'v1/bulk', { body, signal: stop })).data;
  while (task.state === 'counting' || task.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, COUNT_POLL_MS));
    task = await get<BulkTask>(pathOf.bulk(task.id), stop);
  }
  return task;
}

const COLUMNS: readonly Column<BulkTask>[] = [
  { title: 'What', cell: (task) => task.action },
  { title: 'Function', cell: (task) => <span class="name">{task.filter.function}</span> },
  { title: 'State', cell: (task) => task.state },
  {
    title: 'Progress',
    cell: (task) => (
      <span class="with-spark">
        <progress
          aria-label={`${task.action} of ${task.filter.function}`}
          value={task.done + task.left + task.gone}
          max={Math.max(1, task.matched)}
        />
        <span>
          {count(task.done)} of {count(task.matched)}
        </span>
      </span>
    ),
  },
  { title: 'Left', isNumber: true, isExtra: true, cell: (task) => count(task.left) },
  { title: 'Started', isNumber: true, cell: (task) => <Ago ms={task.startedMs} /> },
  {
    title: 'Action',
    cell: (task) =>
      (task.state === 'running' || task.state === 'counting') && may('operate') ? (
        <button
          type="button"
          onClick={() => void act('The rest stays as it is', () => remove(pathOf.bulk(task.id)))}
        >
          Cancel
        </button>
      ) : (
        ''
      ),
  },
];

/** What the server is doing or has done in the last hour. */
export function BulkTasks() {
  const { data } = usePoll<{ tasks: BulkTask[] }>((stop) => get('v1/bulk', stop), []);
  const tasks = data?.tasks.filter((task) => !task.isDryRun) ?? [];
  if (tasks.length === 0) return null;
  return (
    <section>
      <h2>Tasks of the server</h2>
      <Table caption="Tasks" columns={COLUMNS} rows={tasks} keyOf={({ id }) => id} empty="" />
    </section>
  );
}
