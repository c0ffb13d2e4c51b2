/** The table of jobs, as the lists of jobs, dead jobs and a function show it. */
import { functionSegmentOf } from '../api/paths.ts';
import { may } from '../api/server.ts';
import type { JobRow } from '../api/types.ts';
import { bytes, count } from '../format.ts';
import { JobState } from './state.tsx';
import { type Column, Table, type TableProps } from './table.tsx';
import { Ago, FunctionLink, JobLink } from './words.tsx';

const handle: Column<JobRow> = { title: 'Job', cell: (row) => <JobLink handle={row.handle} /> };
const functionName: Column<JobRow> = {
  title: 'Function',
  cell: (row) => <FunctionLink row={{ name: row.function, nameEscaped: functionSegmentOf(row) }} />,
};
const unique: Column<JobRow> = {
  title: 'Unique key',
  isExtra: true,
  cell: (row) => (row.unique === null ? '–' : <span class="name">{row.unique}</span>),
};
const since: Column<JobRow> = {
  title: 'Since',
  isNumber: true,
  cell: (row) => <Ago ms={row.sinceMs} />,
  sortBy: (row) => row.sinceMs,
};
const tries: Column<JobRow> = {
  title: 'Failed runs',
  isNumber: true,
  cell: (row) => count(row.attempts),
  sortBy: (row) => row.attempts,
};
const size: Column<JobRow> = {
  title: 'Workload',
  isNumber: true,
  isExtra: true,
  cell: (row) => bytes(row.workloadBytes),
  sortBy: (row) => row.workloadBytes,
};
const state: Column<JobRow> = {
  title: 'State',
  cell: (row) => (
    <>
      <JobState state={row.state} />
      {row.priority !== 'normal' && <span class="chip">{row.priority}</span>}
    </>
  ),
};
const error: Column<JobRow> = {
  title: 'Last error',
  cell: (row) =>
    row.lastError === null ? (
      '–'
    ) : (
      <span class="error">
        <b>{row.lastError.cause}</b> {row.lastError.text ?? ''}
      </span>
    ),
};

interface Props extends Pick<TableProps<JobRow>, 'rows' | 'empty' | 'caption' | 'selection'> {
  /** Dead jobs have errors and no other state. */
  readonly areDead?: boolean;
  /** Without the column of the function. */
  readonly isOfOneFunction?: boolean;
}

export function JobTable({ areDead = false, isOfOneFunction = false, ...rest }: Props) {
  const columns = [
    handle,
    ...(isOfOneFunction ? [] : [functionName]),
    ...(areDead ? [] : [state]),
    ...(may('inspect') ? [unique] : []),
    since,
    tries,
    ...(areDead ? [error] : []),
    size,
  ];
  return <Table columns={columns} keyOf={(row) => row.handle} {...rest} />;
}
