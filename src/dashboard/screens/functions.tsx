/** All functions, with a filter by name and state. */
import { useMemo } from 'preact/hooks';
import { functions, isComplete, showFunctions } from '../api/functions.ts';
import { verdictOf } from '../api/judge.ts';
import { segmentOf } from '../api/paths.ts';
import type { FunctionRow } from '../api/types.ts';
import { count } from '../format.ts';
import { FunctionTable } from '../parts/function-table.tsx';
import { Command, Loading, shellWord } from '../parts/words.tsx';
import { replaceQuery, route } from '../routing.ts';

const STATES: Readonly<Record<string, (row: FunctionRow) => boolean>> = {
  all: () => true,
  'need a look': (row) => ['bad', 'warn'].includes(verdictOf(row).tone),
  busy: (row) => row.running > 0 || row.queued > 0,
  paused: (row) => row.gate === 'paused',
  'with dead jobs': (row) => row.dead > 0,
};

export function Functions() {
  const { query } = route.value;
  const match = query.get('match') ?? '';
  const state = query.get('state') ?? 'all';
  const all = functions.value;
  const rows = useMemo(() => {
    const fits = STATES[state] ?? (() => true);
    const wanted = match.toLowerCase();
    return [...(all?.values() ?? [])].filter(
      (row) => fits(row) && row.name.toLowerCase().includes(wanted),
    );
  }, [all, match, state]);
  const change = (next: { match?: string; state?: string }): void =>
    replaceQuery({ match, state, ...next });
  return (
    <>
      <h1>Functions</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label class="field">
          <span>Name contains</span>
          <input
            type="search"
            value={match}
            onInput={(event) => change({ match: event.currentTarget.value })}
          />
        </label>
        <label class="field">
          <span>Show</span>
          <select value={state} onChange={(event) => change({ state: event.currentTarget.value })}>
            {Object.keys(STATES).map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        </label>
        <output>
          {count(rows.length)} of {count(all?.size ?? 0)}
          {isComplete.value ? '' : ', loading more…'}
        </output>
      </form>
      {all === null ? (
        <Loading />
      ) : (
        <FunctionTable
          caption="Functions"
          rows={rows}
          sort={{ title: 'Function', isDown: false }}
          shown={(shown) => showFunctions(shown.map(segmentOf))}
          empty={<NoFunction match={match} isFiltered={state !== 'all'} />}
        />
      )}
    </>
  );
}

function NoFunction({ match, isFiltered }: { match: string; isFiltered: boolean }) {
  if (isFiltered) return <p>No function is in that state.</p>;
  if (match === '')
    return (
      <p>
        No function yet. Start a worker: <Command>gearman -w -f lines -- wc -l</Command>
      </p>
    );
  return (
    <p>
      No worker has ever offered <code>{match}</code>, and no client has submitted to it. Start one:{' '}
      <Command>{`gearman -w -f ${shellWord(match)} -- cat`}</Command>
    </p>
  );
}
