/** A table of Markdown from its cells. */

function line(cells: readonly string[]): string {
  return `| ${cells.map((words) => words.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Ends with a line end. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line), ''].join('\n');
}
