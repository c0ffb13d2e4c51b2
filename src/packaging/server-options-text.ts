/**
 * The source of `src/server/options/server-options.ts`, the typed options of `createServer`: made from the rows, so
 * that a new row is a new option. The file is checked in; a test compares it and can rewrite it.
 */
import { keyOf, type OptionRow, type ProgramEntry } from '../option/row.ts';
import { SERVER_ROWS } from '../server/options.ts';

const COLUMNS = 100;
const COMMENT_COLUMNS = 120;

const HEAD = `/**
 * The options of \`createServer\` as a program gives them. Generated from the options tables, see server/options.ts.
 * \`npm run docs\` writes it anew; do not edit it.
 */
import type { Logger } from '../../base/logger.ts';
import type { FunctionPolicy } from '../../policy/policy.ts';
import type { FunctionAlias } from '../../policy/rule.ts';

/** Options of \`createServer\`. All may be left out; keys are gearmand's option names in camel case. */
export interface ServerOptions {
`;

const HOST = member(
  'host',
  'string',
  'One address to listen on; short for `listen: [host]`. Not together with `listen`.',
);
const LOGGER = member('logger', 'Logger', 'Where log lines go. Default: nowhere.');

/** Lines of at most `columns`; longer words stay whole. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A doc comment and its member, as the formatter leaves them. */
function member(key: string, type: string, doc: string): string {
  const short = `  /** ${doc} */`;
  const comment =
    short.length <= COMMENT_COLUMNS
      ? [short]
      : ['  /**', ...wrap(doc, COMMENT_COLUMNS - 5).map((line) => `   * ${line}`), '   */'];
  const whole = `  ${key}?: ${type};`;
  const declaration =
    whole.length <= COLUMNS ? whole : `  ${key}?:\n    | ${type.replaceAll(' | ', '\n    | ')};`;
  return `${[...comment, declaration].join('\n')}\n`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Help as a doc comment: options by their keys instead of their flags. */
function inCode(help: string): string {
  return help
    .replace(/^-q (\w+): /, "with `queueType: '$1'`: ")
    .replace(/--([a-z][a-z0-9-]+)/g, (_, name: string) => `\`${keyOf({ name })}\``);
}

/** A default as it would be written in code, with its meaning where that is not obvious. */
function defaultOf(row: OptionRow<ProgramEntry>): string {
  const { type, defaultValue, embeddedDefault, defaultText } = row;
  const value = embeddedDefault ?? defaultValue;
  if (defaultText !== undefined) return `${value} = ${defaultText}`;
  if (type.showCode !== undefined) return type.showCode(value);
  if (Array.isArray(value)) return value.length === 0 ? `[] = ${type.show(value)}` : String(value);
  return typeof value === 'string' ? `\`${value}\`` : String(value);
}

function docOf(row: OptionRow<ProgramEntry>): string {
  const { allowed, codeAllowed = allowed } = row.type;
  const range = codeAllowed === '' ? '' : `${sentence(codeAllowed)}; `;
  const rest = sentence(`${range}default ${defaultOf(row)}.`);
  return `${sentence(row.doc ?? inCode(row.help))}. ${rest}`;
}

/** Null means the default; it is part of the type only where the default is null. */
function typeOf({ type, defaultValue }: OptionRow<ProgramEntry>): string {
  return defaultValue === null ? type.codeType : type.codeType.replace(/ \| null$/, '');
}

/** The whole file. */
export function serverOptionsText(): string {
  const members = SERVER_ROWS.flatMap((row) => [
    member(row.key, typeOf(row), docOf(row)),
    ...(row.key === 'port' ? [HOST] : []),
  ]);
  return `${HEAD}${members.join('')}${LOGGER}}\n`;
}
