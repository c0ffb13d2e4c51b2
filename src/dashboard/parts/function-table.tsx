/** The table of functions, as the overview and the list show it. */
import { quantileOf, ratesOf, recentOf, samplesOf, samplesTaken } from '../api/history.ts';
import { verdictOf } from '../api/judge.ts';
import { segmentOf } from '../api/paths.ts';
import type { FunctionRow } from '../api/types.ts';
import { count, duration, rate, share } from '../format.ts';
import { Spark } from './spark.tsx';
import { State } from './state.tsx';
import { type Column, Table, type TableProps } from './table.tsx';
import { FunctionLink } from './words.tsx';

/** Bound below which 99 of 100 of the last seconds' jobs waited, in words. */
export function waitWords(buckets: readonly number[] | undefined): string {
  const bound = buckets === undefined ? null : quantileOf(buckets, 0.99);
  if (bound === null) return '–';
  return Number.isFinite(bound) ? `< ${duration(bound)}` : 'longer';
}

const waitBound = (row: FunctionRow): number =>
  quantileOf(recentOf(segmentOf(row))?.waitBuckets ?? [], 0.99) ?? -1;

const failedShare = ({ counts }: FunctionRow): number =>
  counts === null ? 0 : counts.failed / Math.max(1, counts.failed + counts.completed);

const COLUMNS: readonly Column<FunctionRow>[] = [
  {
    title: 'Function',
    cell: (row) => <FunctionLink row={row} />,
    sortBy: (row) => row.name,
  },
  {
    title: 'State',
    cell: (row) => <State {...verdictOf(row)} />,
    sortBy: (row) => verdictOf(row).word,
  },
  {
    title: 'Queued',
    isNumber: true,
    cell: (row) => count(row.queued),
    sortBy: (row) => row.queued,
  },
  {
    title: 'Running',
    isNumber: true,
    cell: (row) => count(row.running),
    sortBy: (row) => row.running,
  },
  {
    title: 'Workers',
    isNumber: true,
    cell: (row) => count(row.workers),
    sortBy: (row) => row.workers,
  },
  {
    title: 'Wait p99',
    isNumber: true,
    isExtra: true,
    cell: (row) => waitWords(recentOf(segmentOf(row))?.waitBuckets),
    sortBy: waitBound,
  },
  {
    title: 'Failed',
    isNumber: true,
    isExtra: true,
    cell: (row) =>
      row.counts === null
        ? '–'
        : share(row.counts.failed, row.counts.failed + row.counts.completed),
    sortBy: failedShare,
  },
  { title: 'Dead', isNumber: true, cell: (row) => count(row.dead), sortBy: (row) => row.dead },
  {
    title: 'Done/s',
    isNumber: true,
    isExtra: true,
    cell: (row) => <Done row={row} />,
    sortBy: (row) => recentOf(segmentOf(row))?.donePerS ?? -1,
  },
];

function Done({ row }: { row: FunctionRow }) {
  const segment = segmentOf(row);
  const recent = recentOf(segment);
  return (
    <span class="with-spark">
      <Spark values={ratesOf(samplesOf(segment), 'completed')} />
      <span>{recent === null ? '–' : rate(recent.donePerS)}</span>
    </span>
  );
}

type Props = Pick<TableProps<FunctionRow>, 'rows' | 'empty' | 'sort' | 'shown' | 'caption'>;

export function FunctionTable({ rows, empty, caption, ...rest }: Props) {
  // Reads it, so that a new sample draws rates anew.
  void samplesTaken.value;
  return (
    <Table
      caption={caption}
      columns={COLUMNS}
      rows={rows}
      keyOf={segmentOf}
      empty={empty}
      {...rest}
    />
  );
}
