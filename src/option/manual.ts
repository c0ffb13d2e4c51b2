/**
 * The text of `--help`: three examples, usage, description, options by group, environment, exit status; and of `--help
 * WORD`: the options that match.
 */
import { fullHelp, matchingOptions } from './matching.ts';
import { helpCommand } from './read-words.ts';
import type { OptionRow } from './row.ts';
import { closingSections, type Example, type Tool } from './tool.ts';

const HELP_COLUMNS = 80;
/** Text is not wrapped to fewer columns than this: it would be harder to read than long lines. */
const HELP_COLUMNS_MIN = 40;
/** Lines are wrapped at this width even if the terminal is wider, because long lines are harder to read. */
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

/** Pairs as two columns; the left one is as wide as its longest entry. */
function pairs(rows: readonly (readonly [unknown, string])[], columns: number): string[] {
  const width = Math.max(0, ...rows.map(([left]) => String(left).length));
  const indent = ' '.repeat(width + 4);
  return rows.flatMap(([left, right]) => {
    const [first = '', ...rest] = wrap(right, indent, columns);
    return [`  ${String(left).padEnd(width)}  ${first.trimStart()}`, ...rest];
  });
}

function optionLines(name: string, options: readonly OptionRow[], columns: number): string[] {
  const command = helpCommand(name, options, columns, (group) => `${group}:`);
  const lines = command.helpInformation().trimEnd().split('\n');
  // Commander's help begins with its own usage line.
  return lines.slice(
    lines.findIndex((line) => line.endsWith(':') && !line.startsWith('Usage')) - 1,
  );
}

function exampleLines(examples: readonly Example[], columns: number): string[] {
  return examples.flatMap(([command, means]) => [
    ...wrap(`${means}:`, '  ', columns),
    `    ${command}`,
  ]);
}

function bounded(columns: number): number {
  return Math.min(HELP_COLUMNS_MAX, Math.max(HELP_COLUMNS_MIN, columns));
}

/** The whole text; ends with a line end. */
export function helpText({ manual, options }: Tool, columnsWanted: number = HELP_COLUMNS): string {
  const columns = bounded(columnsWanted);
  const usage = manual.usage.map((words) => `  ${manual.name} ${words}`);
  return [
    ...wrap(`${manual.name} - ${manual.summary}`, '', columns),
    ...section('Examples', exampleLines(manual.examples, columns)),
    ...section('Usage', usage),
    ...manual.description.flatMap((text) => ['', ...wrap(text, '', columns)]),
    ...optionLines(manual.name, options, columns),
    ...closingSections(manual).flatMap(({ title, items }) => section(title, pairs(items, columns))),
    ...section('More examples', exampleLines(manual.moreExamples ?? [], columns)),
    '',
  ].join('\n');
}

/** The options that match all words, with the values that they allow; null when no option matches. */
function matchingText({ manual, options }: Tool, words: readonly string[], columns: number) {
  const found = matchingOptions(options, words).map((row) => ({ ...row, help: fullHelp(row) }));
  if (found.length === 0) return null;
  const [, ...lines] = optionLines(manual.name, found, bounded(columns));
  return [...lines, ''].join('\n');
}

/**
 * What `--help WORD...` prints; without words all of `helpText`. `problem` is null, or a sentence about words that no
 * option matches.
 */
export function helpFor(
  tool: Tool,
  words: readonly string[],
  columns: number = HELP_COLUMNS,
): { readonly text: string; readonly problem: string | null } {
  if (words.length === 0) return { text: helpText(tool, columns), problem: null };
  const text = matchingText(tool, words, columns);
  if (text !== null) return { text, problem: null };
  const all = `${tool.manual.name} --help lists all options`;
  return { text: '', problem: `no option matches ${JSON.stringify(words.join(' '))}; ${all}` };
}
