/**
 * The tables of docs/options.md and docs/cli.md, made from the rows: options of gearmand and of the tools, exit codes
 * of the tools.
 */
import { OPTIONS } from '../cli/gearmand-options.ts';
import { flagsOf, type OptionRow, shownDefault } from '../option/row.ts';
import type { Tool } from '../option/tool.ts';

function line(cells: readonly string[]): string {
  return `| ${cells.map((words) => words.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A heading, a table and an empty line. */
function section(heading: string, columns: readonly string[], lines: readonly string[]): string {
  const head = [line(columns), `|${'---|'.repeat(columns.length)}`];
  return [`#### ${heading}`, '', ...head, ...lines, ''].join('\n');
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

function gearmandLine(row: OptionRow): string {
  const { type, embeddedDefault } = row as OptionRow & { readonly embeddedDefault?: unknown };
  const inProgram =
    embeddedDefault === undefined ? '' : `; ${type.show(embeddedDefault)} in a program`;
  const noEffect =
    row.noEffect === undefined ? '' : ` (${row.noEffect.replace(`--${row.name} has `, '')})`;
  return line([
    flagsCell(row),
    (row.defaultText ?? type.show(row.defaultValue)) + inProgram,
    allowedCell(row),
    row.help + noEffect,
  ]);
}

/** Markdown: a heading and a table for each group of gearmand's options. Ends with a line end. */
export function renderOptionsTable(): string {
  const columns = ['option', 'default', 'allowed', 'meaning'];
  const shown = OPTIONS.filter((row) => row.isHidden !== true);
  return groupsOf(shown)
    .map((group) => {
      const rows = shown.filter((row) => row.group === group);
      return section(group, columns, rows.map(gearmandLine));
    })
    .join('\n');
}

function toolLine(row: OptionRow): string {
  const isOwn = row.isOwn === true ? 'yes' : '';
  return line([flagsCell(row), shownDefault(row) ?? '', allowedCell(row), row.help, isOwn]);
}

/** Markdown: a heading and a table for each group of a tool's options, then exit codes. Ends with a line end. */
export function renderToolTable({ manual, options }: Tool): string {
  const columns = ['option', 'default', 'allowed', 'meaning', 'new'];
  const sections = groupsOf(options).map((group) => {
    const heading = /^[A-Z][a-z]/.test(group) ? group.toLowerCase() : group;
    const rows = options.filter((row) => row.group === group);
    return section(`${manual.name}: ${heading}`, columns, rows.map(toolLine));
  });
  const codes = manual.exitCodes.map(([code, means]) => line([String(code), means]));
  const head = [line([`exit status of ${manual.name}`, 'means']), '|---|---|'];
  return [...sections, [...head, ...codes, ''].join('\n')].join('\n');
}
