/** The text of a tool's `--help`: usage, description, options by group, environment, exit status, examples. */
import { helpCommand } from './read-words.ts';
import type { Tool } from './tool.ts';

const HELP_COLUMNS = 80;
/** Below this wrapping makes text harder to read, not easier. */
const HELP_COLUMNS_MIN = 40;
/** Longer lines are hard to read. */
const HELP_COLUMNS_MAX = 100;

/** Words of `text` in lines of at most `columns`, each after `indent`. */
function wrap(text: string, indent: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

/** Pairs as two columns; the left ones are as wide as the longest. */
function pairs(rows: readonly (readonly [unknown, string])[], columns: number): string[] {
  const width = Math.max(0, ...rows.map(([left]) => String(left).length));
  const indent = ' '.repeat(width + 4);
  return rows.flatMap(([left, right]) => {
    const [first = '', ...rest] = wrap(right, indent, columns);
    return [`  ${String(left).padEnd(width)}  ${first.trimStart()}`, ...rest];
  });
}

function optionLines({ manual, options }: Tool, columns: number): string[] {
  const command = helpCommand(manual.name, options, columns, (group) => `${group}:`);
  const lines = command.helpInformation().trimEnd().split('\n');
  // Commander starts with its own line of usage.
  return lines.slice(
    lines.findIndex((line) => line.endsWith(':') && !line.startsWith('Usage')) - 1,
  );
}

/** The whole text; ends with a line end. */
export function helpText(tool: Tool, columnsWanted: number = HELP_COLUMNS): string {
  const columns = Math.min(HELP_COLUMNS_MAX, Math.max(HELP_COLUMNS_MIN, columnsWanted));
  const { manual } = tool;
  const usage = manual.usage.map((words) => `  ${manual.name} ${words}`);
  const examples = manual.examples.flatMap(([command, means]) => [
    ...wrap(`${means}:`, '  ', columns),
    `    ${command}`,
  ]);
  return [
    ...wrap(`${manual.name} - ${manual.summary}`, '', columns),
    ...section('Usage', usage),
    ...manual.description.flatMap((text) => ['', ...wrap(text, '', columns)]),
    ...optionLines(tool, columns),
    ...section('Environment', pairs(manual.environment, columns)),
    ...section('Exit status', pairs(manual.exitCodes, columns)),
    ...section('Examples', examples),
    '',
  ].join('\n');
}
