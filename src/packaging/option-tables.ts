/** The tables of docs/options.md and docs/cli.md, made from the rows and the manuals of the commands. */
import { OPTIONS } from '../cli/gearmand-options.ts';
import { flagsOf, type OptionRow, shownDefault } from '../option/row.ts';
import { closingSections, type Tool } from '../option/tool.ts';
import { markdownTable } from './markdown-table.ts';

/** A heading, a table and an empty line. */
function section(
  heading: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return `${heading}\n\n${markdownTable(columns, rows)}`;
}

/** Headings in the order of their first rows. */
function groupsOf(rows: readonly OptionRow[]): string[] {
  return [...new Set(rows.map((row) => row.group))];
}

function flagsCell(row: OptionRow): string {
  const { argument } = row.type;
  return `\`${flagsOf(row)}${argument === null ? '' : ` ${argument}`}\``;
}

function allowedCell({ type }: OptionRow): string {
  return type.argument === null ? '' : type.allowed;
}

function gearmandLine(row: OptionRow): string[] {
  const { type, embeddedDefault } = row as OptionRow & { readonly embeddedDefault?: unknown };
  const inProgram =
    embeddedDefault === undefined ? '' : `; ${type.show(embeddedDefault)} in a program`;
  const noEffect =
    row.noEffect === undefined ? '' : ` (${row.noEffect.replace(`--${row.name} has `, '')})`;
  return [
    flagsCell(row),
    (row.defaultText ?? type.show(row.defaultValue)) + inProgram,
    allowedCell(row),
    row.help + noEffect,
  ];
}

/** Markdown: a heading and a table for each group of gearmand's options. Ends with a line end. */
export function renderOptionsTable(): string {
  const columns = ['option', 'default', 'allowed', 'meaning'];
  const shown = OPTIONS.filter((row) => row.isHidden !== true);
  return groupsOf(shown)
    .map((group) => {
      const rows = shown.filter((row) => row.group === group);
      return section(`## ${group}`, columns, rows.map(gearmandLine));
    })
    .join('\n');
}

function toolLine(row: OptionRow): string[] {
  const isOwn = row.isOwn === true ? 'yes' : '';
  return [flagsCell(row), shownDefault(row) ?? '', allowedCell(row), row.help, isOwn];
}

/**
 * Markdown: a heading for the tool; how it is called, examples; a table for each group of its options, and for what its
 * manual closes with. Ends with a line end.
 */
export function renderToolTables({ manual, options }: Tool): string {
  const { name, usage, examples, moreExamples = [] } = manual;
  const calls = usage.map((words) => `${name} ${words}`);
  const shown = [...examples, ...moreExamples].map(([command, means]) => [`\`${command}\``, means]);
  const groups = groupsOf(options).map((group) => {
    const rows = options.filter((row) => row.group === group);
    const columns = ['option', 'default', 'allowed', 'meaning', 'new'];
    return section(`### ${name}: ${headingOf(group)}`, columns, rows.map(toolLine));
  });
  const closing = closingSections(manual).map(({ title, items }) => {
    const rows = items.map(([term, means]) => [`\`${term}\``, means]);
    return section(`### ${name}: ${title.toLowerCase()}`, [title.toLowerCase(), 'meaning'], rows);
  });
  return [
    `## ${name}\n`,
    `\`\`\`text\n${calls.join('\n')}\n\`\`\`\n`,
    section(`### ${name}: examples`, ['command', 'meaning'], shown),
    ...groups,
    ...closing,
  ].join('\n');
}

function headingOf(group: string): string {
  return /^[A-Z][a-z]/.test(group) ? group.toLowerCase() : group;
}
