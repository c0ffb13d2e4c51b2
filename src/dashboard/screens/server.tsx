/** The server itself: threads, stores, options, log level, and who has changed what. */
import { get } from '../api/request.ts';
import { has, may, server } from '../api/server.ts';
import type { AuditEntry, AuditPage, OptionsView, ShardsView, StoresView } from '../api/types.ts';
import { bytes, count, duration, share } from '../format.ts';
import { type Column, Table } from '../parts/table.tsx';
import { Ago, Facts, Failure, Loading, Tabs } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';
import { hrefOf } from '../routing.ts';
import { LogLevel } from './log-level.tsx';
import { Options } from './options.tsx';

interface Part {
  readonly path: string;
  readonly title: string;
  isThere(): boolean;
}

const PARTS: readonly Part[] = [
  { path: 'shards', title: 'Shards', isThere: () => has('shards') },
  { path: 'stores', title: 'Stores', isThere: () => has('stores') },
  { path: 'options', title: 'Options', isThere: () => has('options') && may('admin') },
  { path: 'log', title: 'Log level', isThere: () => has('logLevel') },
  { path: 'audit', title: 'Audit', isThere: () => has('audit') && may('admin') },
];

export function ServerScreen({ tab }: { tab: string }) {
  const view = server.value;
  if (view === null) return <Loading />;
  const parts = PARTS.filter((part) => part.isThere());
  const { view: canView, inspect, operate, admin } = view.rights;
  const rights = { view: canView, inspect, operate, admin };
  const own = Object.entries(rights).filter(([, isHeld]) => isHeld);
  return (
    <>
      <h1>Server</h1>
      <Facts
        facts={[
          { term: 'version', value: view.version },
          { term: 'core', value: view.core === 'native' ? 'native' : 'TypeScript' },
          { term: 'shards', value: view.threads === 0 ? 'one thread' : count(view.threads) },
          { term: 'up for', value: duration(view.nowMs - view.startedMs) },
          { term: 'takes jobs', value: view.notReady ?? 'yes' },
          { term: 'you are', value: view.caller },
          { term: 'your rights', value: own.map(([right]) => right).join(', ') },
        ]}
      />
      <Tabs
        label="Parts of the server"
        tabs={parts.map(({ path, title }) => ({
          title,
          href: hrefOf(['server', path]),
          isHere: path === tab,
        }))}
      />
      {parts.some(({ path }) => path === tab) && <PartOf tab={tab} />}
    </>
  );
}

function PartOf({ tab }: { tab: string }) {
  switch (tab) {
    case 'stores':
      return <Stores />;
    case 'options':
      return <LoadedOptions />;
    case 'log':
      return <LogLevel />;
    case 'audit':
      return <Audit />;
    default:
      return <Shards />;
  }
}

type Shard = ShardsView['shards'][number];

const SHARDS: readonly Column<Shard>[] = [
  { title: 'Shard', cell: (row) => row.thread, sortBy: (row) => row.thread },
  { title: 'State', cell: (row) => (row.isRunning ? '▶ running' : '▲ not running') },
  { title: 'Connections', isNumber: true, cell: (row) => count(row.connections) },
  { title: 'Functions', isNumber: true, cell: (row) => count(row.functions) },
  { title: 'Jobs', isNumber: true, cell: (row) => count(row.jobs) },
  { title: 'Submitted', isNumber: true, isExtra: true, cell: (row) => count(row.submitted) },
  { title: 'Done', isNumber: true, isExtra: true, cell: (row) => count(row.completed) },
  { title: 'Refused', isNumber: true, isExtra: true, cell: (row) => count(row.refused) },
  { title: 'Busy', isNumber: true, cell: (row) => <Busy row={row} /> },
  { title: 'Memory', isNumber: true, cell: (row) => bytes(row.memoryBytes) },
];

/** Time of turns by thread at the last look, microseconds, and the share of the time since the look before. */
const looks = new Map<number, { atMs: number; turnUs: number; load: number }>();

function Busy({ row }: { row: Shard }) {
  const atMs = performance.now();
  const last = looks.get(row.thread);
  let load = last?.load ?? 0;
  if (last === undefined) looks.set(row.thread, { atMs, turnUs: row.turnUs, load });
  else if (atMs - last.atMs > 900) {
    load = Math.min(1, Math.max(0, (row.turnUs - last.turnUs) / 1000 / (atMs - last.atMs)));
    looks.set(row.thread, { atMs, turnUs: row.turnUs, load });
  }
  return (
    <span class="with-spark">
      <svg class="load" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="10" />
        <rect width={load * 100} height="10" />
      </svg>
      <span>{share(load, 1)}</span>
    </span>
  );
}

function Shards() {
  const { data, error } = usePoll<ShardsView>((stop) => get('v1/shards', stop), []);
  if (data === null) return error === null ? <Loading /> : <Failure error={error} />;
  const incidents = Object.entries(data.incidents).filter(([, number]) => number > 0);
  const used = data.shards.reduce((sum, row) => sum + row.memoryBytes, 0);
  return (
    <>
      <Table
        caption="Shards"
        columns={SHARDS}
        rows={data.shards}
        keyOf={({ thread }) => String(thread)}
        empty=""
      />
      <p class="hint">
        Peers may make the server keep{' '}
        {data.memoryLimitBytes === 0 ? 'any amount of memory' : bytes(data.memoryLimitBytes)}; it
        keeps {bytes(used)}.
      </p>
      {incidents.length > 0 && (
        <section>
          <h2>Refused and dropped connections</h2>
          <Facts facts={incidents.map(([term, number]) => ({ term, value: count(number) }))} />
        </section>
      )}
    </>
  );
}

type Store = StoresView['stores'][number];

const STORES: readonly Column<Store>[] = [
  { title: 'Shard', cell: (row) => row.thread },
  { title: 'State', cell: (row) => (row.isAccepting ? '▶ takes jobs' : '▲ refuses') },
  { title: 'Jobs', isNumber: true, cell: (row) => count(row.jobs) },
  { title: 'Not yet durable', isNumber: true, cell: (row) => count(row.uncommitted) },
  { title: 'Commits', isNumber: true, cell: (row) => count(row.commits) },
  {
    title: 'Mean commit',
    isNumber: true,
    cell: (row) => (row.commits === 0 ? '–' : duration(row.commitMs / row.commits)),
  },
  {
    title: 'Longest commit',
    isNumber: true,
    isExtra: true,
    cell: (row) => duration(row.commitMsMax),
  },
  { title: 'Size', isNumber: true, cell: (row) => bytes(row.bytes) },
];

function Stores() {
  const { data, error } = usePoll<StoresView>((stop) => get('v1/stores', stop), []);
  if (data === null) return error === null ? <Loading /> : <Failure error={error} />;
  return (
    <Table
      caption="Stores"
      columns={STORES}
      rows={data.stores}
      keyOf={({ thread }) => String(thread)}
      empty={
        <p>
          Background jobs are kept in memory and are lost when the server ends.{' '}
          <code>-q journal</code> keeps them on disk.
        </p>
      }
    />
  );
}

function LoadedOptions() {
  const { data, error } = usePoll<OptionsView>((stop) => get('v1/options', stop), [], null);
  if (data === null) return error === null ? <Loading /> : <Failure error={error} />;
  return <Options rows={data.options} />;
}

const AUDIT: readonly Column<AuditEntry>[] = [
  { title: 'When', cell: (row) => <Ago ms={row.atMs} /> },
  { title: 'Who', cell: (row) => <span class="name unbroken">{row.who}</span> },
  { title: 'Action', cell: (row) => row.action },
  { title: 'Target', cell: (row) => <span class="name">{row.target}</span> },
  { title: 'Before', isExtra: true, cell: (row) => <span class="name">{row.before ?? '–'}</span> },
  { title: 'After', isExtra: true, cell: (row) => <span class="name">{row.after ?? '–'}</span> },
  { title: 'Result', cell: (row) => row.result },
  { title: 'Way', isExtra: true, cell: (row) => row.via },
];

function Audit() {
  const { data, error } = usePoll<AuditPage>((stop) => get('v1/audit?limit=200', stop), [], 5000);
  if (data === null) return error === null ? <Loading /> : <Failure error={error} />;
  return (
    <Table
      caption="Audit"
      columns={AUDIT}
      rows={data.entries}
      keyOf={({ serial }) => String(serial)}
      empty={<p>Nobody has changed anything since the server was started.</p>}
    />
  );
}
