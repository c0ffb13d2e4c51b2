/** Who is connected: workers with what they offer, and clients. */
import { useState } from 'preact/hooks';
import { act, remove } from '../api/actions.ts';
import { pathOf, queryOf, segmentOf } from '../api/paths.ts';
import { get } from '../api/request.ts';
import { has, may } from '../api/server.ts';
import type { ConnectionRow, ConnectionsPage } from '../api/types.ts';
import { count } from '../format.ts';
import { Confirm, openDialog } from '../parts/dialog.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Command, Failure, FunctionLink, Loading } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';

const PAGE_ROWS = 500;
const PAGES_MAX = 20;
const NAMES_MAX = 4;
const POLL_MS = 2000;

const COLUMNS: readonly Column<ConnectionRow>[] = [
  {
    title: 'Address',
    cell: (row) => (
      <span class="name">{row.port === 0 ? row.address : `${row.address}:${row.port}`}</span>
    ),
    sortBy: (row) => row.address,
  },
  {
    title: 'Client id',
    cell: (row) => (row.clientId === null ? '–' : <span class="name">{row.clientId}</span>),
    sortBy: (row) => row.clientId ?? '',
  },
  {
    title: 'Functions',
    cell: (row) => (
      <span class="names">
        {row.functions.slice(0, NAMES_MAX).map((name) => (
          <FunctionLink key={segmentOf(name)} row={name} />
        ))}
        {row.functionCount > NAMES_MAX && ` and ${count(row.functionCount - NAMES_MAX)} more`}
        {row.functionCount === 0 && '–'}
      </span>
    ),
    sortBy: (row) => row.functionCount,
  },
  {
    title: 'Known as',
    isExtra: true,
    cell: (row) => <span class="name">{row.token ?? row.certificate ?? '–'}</span>,
    sortBy: (row) => row.token ?? row.certificate ?? '',
  },
  {
    title: 'Shard',
    isNumber: true,
    isExtra: true,
    cell: (row) => row.thread,
    sortBy: (row) => row.thread,
  },
];

const CLOSE: Column<ConnectionRow> = {
  title: 'Action',
  cell: (row) => (
    <button type="button" onClick={() => openDialog(<Close row={row} />)}>
      Close<span class="hidden"> {row.id}</span>
    </button>
  ),
};

export function Workers() {
  const [isAll, setAll] = useState(false);
  const { data, error } = usePoll(loadAll, [], POLL_MS);
  const rows = data?.filter((row) => isAll || row.functionCount > 0) ?? [];
  const columns = has('closeConnection') && may('admin') ? [...COLUMNS, CLOSE] : COLUMNS;
  return (
    <>
      <h1>Workers</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label class="check">
          <input
            type="checkbox"
            checked={isAll}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
          <span>also connections that offer no function</span>
        </label>
        <output>
          {count(rows.length)} of {count(data?.length ?? 0)} connections
        </output>
      </form>
      {error !== null && <Failure error={error} />}
      {data === null ? (
        error === null && <Loading />
      ) : (
        <Table
          caption="Connections"
          columns={columns}
          rows={rows}
          keyOf={({ id }) => id}
          empty={
            <p>
              No worker is connected. Start one: <Command>gearman -w -f lines -- wc -l</Command>
            </p>
          }
        />
      )}
    </>
  );
}

async function loadAll(stop: AbortSignal): Promise<ConnectionRow[]> {
  const rows: ConnectionRow[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = queryOf({ limit: PAGE_ROWS, cursor });
    const answer = await get<ConnectionsPage>(`v1/connections${query}`, stop);
    rows.push(...answer.connections);
    if (answer.next === null) break;
    cursor = answer.next;
  }
  return rows;
}

function Close({ row }: { row: ConnectionRow }) {
  return (
    <Confirm
      title="Close this connection?"
      verb="Close it"
      name={null}
      run={() => act('The connection is closed', () => remove(pathOf.connection(row.id)))}
    >
      <p>
        <span class="name">{`${row.address}:${row.port}`}</span> loses its connection. Jobs that it
        runs are queued again; most workers connect again by themselves.
      </p>
    </Confirm>
  );
}
