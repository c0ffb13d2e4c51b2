/** The README's tables of a tool: options, environment and exit codes, made from the rows. */
import { shownDefault } from './manual.ts';
import type { Tool, ToolOption } from './tool-option.ts';

function cell(words: string): string {
  return words.replaceAll('|', '\\|');
}

function optionLine(row: ToolOption): string {
  const short = row.short === undefined ? '' : `-${row.short}, `;
  const argument = row.type.argument === null ? '' : ` ${row.type.argument}`;
  const cells = [
    `\`${short}--${row.name}${argument}\``,
    shownDefault(row) ?? '',
    row.type.argument === null ? '' : row.type.allowed,
    row.help,
    row.isOwn === true ? 'yes' : '',
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** Markdown: a heading and a table for each group of options, then exit codes. Ends with a line end. */
export function renderToolTable({ manual, options }: Tool): string {
  const groups = [...new Set(options.map((row) => row.group))].map((group) =>
    [
      `#### ${manual.name}: ${/^[A-Z][a-z]/.test(group) ? group.toLowerCase() : group}`,
      '',
      '| option | default | allowed | meaning | new |',
      '|---|---|---|---|---|',
      ...options.filter((row) => row.group === group).map(optionLine),
      '',
    ].join('\n'),
  );
  const codes = manual.exitCodes.map(([code, means]) => `| ${code} | ${cell(means)} |`);
  const table = [`| exit status of ${manual.name} | means |`, '|---|---|', ...codes, ''];
  return [...groups, table.join('\n')].join('\n');
}
