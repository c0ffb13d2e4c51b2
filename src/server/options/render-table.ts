/** The options tables of the README, made from the rows. */
import { OptionGroup, type OptionRow } from './option-row.ts';

function cell(words: string): string {
  return words.replaceAll('|', '\\|');
}

function defaultOf(row: OptionRow): string {
  return row.fallbackText ?? row.type.show(row.fallback);
}

function flagsOf(row: OptionRow): string {
  const short = row.short === undefined ? '' : `-${row.short}, `;
  const argument = row.type.argument === null ? '' : ` ${row.type.argument}`;
  return `\`${short}--${row.name}${argument}\``;
}

function line(row: OptionRow): string {
  const isFlag = row.type.argument === null;
  const effect = row.effect === 'used' ? '' : ` (${row.effect.replace(`--${row.name} has `, '')})`;
  const embedded =
    row.embeddedFallback === undefined
      ? ''
      : `; ${row.type.show(row.embeddedFallback)} in a program`;
  const cells = [
    flagsOf(row),
    `${defaultOf(row)}${embedded}`,
    isFlag ? '' : row.type.allowed,
    `${row.help}${effect}`,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** Markdown: a heading and a table for each group of options. Ends with a line end. */
export function renderTable(rows: readonly OptionRow[]): string {
  const parts = Object.values(OptionGroup).map((group) => {
    const shown = rows.filter((row) => row.group === group && row.isHidden !== true);
    const head = ['| option | default | allowed | meaning |', '|---|---|---|---|'];
    return [`#### ${group}`, '', ...head, ...shown.map(line), ''].join('\n');
  });
  return parts.join('\n');
}
