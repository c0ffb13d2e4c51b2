/** The options of the server with where each value comes from. */
import { useState } from 'preact/hooks';
import type { OptionsView } from '../api/types.ts';
import { type Column, Table } from '../parts/table.tsx';

type Option = OptionsView['options'][number];

const COLUMNS: readonly Column<Option>[] = [
  { title: 'Option', cell: (row) => <code>--{row.name}</code>, sortBy: (row) => row.name },
  { title: 'Value', cell: (row) => <span class="name">{row.value}</span> },
  { title: 'From', cell: (row) => row.origin, sortBy: (row) => row.origin },
  { title: 'Default', isExtra: true, cell: (row) => row.defaultValue ?? '–' },
  { title: 'Meaning', isExtra: true, cell: (row) => row.help },
];

export function Options({ rows }: { rows: readonly Option[] }) {
  const [words, setWords] = useState('');
  const [isGiven, setGiven] = useState(false);
  const fits = (row: Option): boolean =>
    (!isGiven || row.origin !== 'default') &&
    `${row.name} ${row.help}`.toLowerCase().includes(words.toLowerCase());
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label class="field">
          <span>Contains</span>
          <input
            type="search"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isGiven}
            onChange={(event) => setGiven(event.currentTarget.checked)}
          />
          <span>only those that were given</span>
        </label>
      </form>
      <Table
        caption="Options"
        columns={COLUMNS}
        rows={rows.filter(fits)}
        keyOf={({ name }) => name}
        empty={<p>No option matches.</p>}
      />
    </>
  );
}
