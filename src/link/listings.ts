/**
 * Rows of listings of the text protocol. Rule: gearmand's listings have names as they are, with tabs and line ends; our
 * own have `\xHH` (`functions`) or `%HH` (`policy`) for bytes that would break a row.
 */

import { unescapeName } from '../policy/function-name.ts';
import type { FunctionPolicy } from '../policy/policy.ts';

/** A row of `status`, which every job server has. */
export interface StatusFigures {
  /** The function. */
  readonly name: string;
  /** Jobs queued and running. */
  readonly total: number;
  /** Jobs running. */
  readonly running: number;
  /** Workers that offer the function. */
  readonly workers: number;
}

/** A row of `functions`, which geartrain has. */
export interface FunctionFigures {
  /** The function. */
  readonly name: string;
  /** Jobs queued. */
  readonly queued: number;
  /** Jobs running. */
  readonly running: number;
  /** Workers that offer the function. */
  readonly workers: number;
  /** Jobs created since the server knows the function. */
  readonly created: number;
  /** How long the oldest queued job has waited, in milliseconds; 0 when none is queued. */
  readonly oldestMs: number;
  /**
   * Why no job of the function may start now: it is paused, or its limit of `concurrency` or `rate` is reached. `open`:
   * jobs may start. Null: it has no policy and was never paused or drained, or the server is an earlier geartrain.
   */
  readonly gate: 'open' | 'paused' | 'concurrency' | 'rate' | null;
  /** New jobs of the function are refused. */
  readonly isDraining: boolean;
  /** Part of `queued` that waits for the next run after a failed one; null of an earlier geartrain. */
  readonly retrying: number | null;
  /** Dead jobs; null of an earlier geartrain. */
  readonly dead: number | null;
}

/** A row of `workers`: a connection to the server, of a worker or of a client. */
export interface ConnectionFigures {
  /** The server's number for the connection. */
  readonly number: number;
  /** IP address of the other side. */
  readonly address: string;
  /** Client id; null when none was set. */
  readonly id: string | null;
  /** Functions that it offers; a name with a blank comes as two. */
  readonly functions: readonly string[];
}

/** A row of `show jobs`. */
export interface JobFigures {
  /** The server's name for the job. */
  readonly handle: string;
  /** Runs that were lost with their worker. */
  readonly lostRuns: number;
  /** It runs, but all clients that waited for it have left: it is not run again. */
  readonly isIgnored: boolean;
  /** Whether it is a background job. */
  readonly isBackground: boolean;
}

/** What operators have told a function. */
export interface FunctionState {
  /** No job of the function starts. */
  readonly isPaused: boolean;
  /** Seconds after which the pause ends by itself; null when it does not, or there is none. */
  readonly pausedSeconds: number | null;
  /** New jobs of the function are refused. */
  readonly isDraining: boolean;
}

/** A row of `policy`. */
export interface PolicyFigures extends FunctionState {
  /** The function. */
  readonly name: string;
  /** The keys that are set. */
  readonly policy: FunctionPolicy;
}

/** The answer to `policy F`. */
export interface FunctionPolicyFigures extends PolicyFigures {
  /** Where each key was set: in the options of the server, or by a command at run time. */
  readonly origins: Readonly<Record<string, 'option' | 'command'>>;
}

/**
 * Rows of a listing. In a listing of gearmand a name may contain line ends: a line that is not a row by itself is
 * joined with the next. Throws when the text is not a listing, or its last line is not a row.
 */
export function readRows<R>(text: string, read: (row: string) => R | null): R[] {
  const rows: R[] = [];
  let row = '';
  for (const line of linesOf(text)) {
    row += line;
    const figures = read(row);
    if (figures !== null) rows.push(figures);
    row = figures === null ? `${row}\n` : '';
  }
  if (row !== '') throw notARow(row.slice(0, -1));
  return rows;
}

/** What `readRows` throws. */
export function notARow(row: string): Error {
  return new Error(`the server listed ${JSON.stringify(row.slice(0, 200))}`);
}

/** The lines of a listing without their ends and without the dot. */
export function linesOf(text: string): string[] {
  if (text !== '.\n' && !text.endsWith('\n.\n'))
    throw new Error(`the server answered ${JSON.stringify(text.trim().slice(0, 200))}`);
  return text.slice(0, -2).split('\n').slice(0, -1);
}

/** The last `count` columns as numbers, split from the end: a name may contain tabs. */
function columns(row: string, count: number): { name: string; numbers: number[] } | null {
  const cells = row.split('\t');
  if (cells.length <= count) return null;
  const numbers = cells.slice(-count).map(Number);
  const isGood = numbers.every((number) => Number.isFinite(number));
  return isGood ? { name: cells.slice(0, -count).join('\t'), numbers } : null;
}

export function statusRow(row: string): StatusFigures | null {
  const read = columns(row, 3);
  if (read === null) return null;
  const [total, running, workers] = read.numbers as [number, number, number];
  return { name: read.name, total, running, workers };
}

/** A text in which control characters and backslashes are `\xHH`. */
export const unescaped = (name: string): string =>
  name.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

const GATE = /^(open|paused|concurrency|rate)(\+draining)?$/;

/** A row of `functions`; a server of before has no columns for the gate, waiting runs and dead jobs. */
export function functionRow(row: string): FunctionFigures | null {
  const [escaped = '', ...cells] = row.split('\t');
  const numbers = cells.slice(0, 5).concat(cells.slice(6, 8)).map(Number);
  if (numbers.length < 5 || !numbers.every((number) => Number.isFinite(number))) return null;
  type Five = [number, number, number, number, number];
  const [queued, running, workers, created, oldestMs] = numbers as [...Five];
  const [retrying = null, dead = null] = numbers.slice(5);
  const [, gate = null, draining] = GATE.exec(cells[5] ?? '') ?? [];
  return {
    name: unescaped(escaped),
    queued,
    running,
    workers,
    created,
    oldestMs,
    gate: gate as FunctionFigures['gate'],
    isDraining: draining !== undefined,
    retrying,
    dead,
  };
}

export function jobRow(row: string): JobFigures | null {
  const read = columns(row, 3);
  if (read === null) return null;
  const [lostRuns, ignored, background] = read.numbers as [number, number, number];
  return {
    handle: read.name,
    lostRuns,
    isIgnored: ignored === 1,
    isBackground: background === 1,
  };
}

const CONNECTION = /^(\d+) (\S*) (.*?) :(?: (.*))?$/s;

/** All rows of `workers`. A line that does not begin like a row belongs to the names of the row before. */
export function readConnections(text: string): ConnectionFigures[] {
  const rows: string[] = [];
  for (const line of linesOf(text)) {
    if (CONNECTION.test(line)) rows.push(line);
    else rows.push(`${rows.pop() ?? ''}\n${line}`);
  }
  return rows.map((row) => {
    const [, number, address = '', id, names = ''] = CONNECTION.exec(row) ?? [];
    if (id === undefined) throw notARow(row);
    return {
      number: Number(number),
      address,
      id: id === '-' ? null : id,
      functions: names === '' ? [] : names.split(' '),
    };
  });
}

/** A row of `policy`: `NAME \t KEY:VALUE,... \t STATE`. */
export function policyRow(row: string): PolicyFigures | null {
  const [escaped = '', keys = '', state] = row.split('\t');
  const name = unescapeName(escaped);
  if (name === undefined || state === undefined) return null;
  const pairs = keys === '-' ? [] : keys.split(',').map(pairOf);
  return { name: textOf(name), policy: policyOf(pairs), ...stateOf(state) };
}

/** The answer to `policy F`: rows `KEY \t VALUE \t ORIGIN`; the last one is `state`. */
export function readFunctionPolicy(text: string, name: string): FunctionPolicyFigures {
  const rows = linesOf(text).map((line) => line.split('\t') as [string, string, string]);
  const last = rows.pop();
  if (last?.[0] !== 'state') throw notARow((last ?? []).join('\t'));
  const origins = rows.map(([key, , origin]) => [key, origin] as const);
  return {
    name,
    policy: policyOf(rows),
    ...stateOf(last[1]),
    origins: Object.fromEntries(origins) as FunctionPolicyFigures['origins'],
  };
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf(':');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A number is a number; other values stay text, as in `rate: '100/s'`. */
function policyOf(pairs: readonly (readonly [string, string, string?])[]): FunctionPolicy {
  const entries = pairs.map(([key, text]) => [
    key,
    /^\d+(\.\d+)?$/.test(text) ? Number(text) : text,
  ]);
  return Object.fromEntries(entries) as FunctionPolicy;
}

/** Reads `open`, `paused`, `paused:SECONDS`, `draining` or two of them with a comma. */
function stateOf(text: string): FunctionState {
  const words = text.split(',').map((word) => word.split(':') as [string, string?]);
  const paused = words.find(([word]) => word === 'paused');
  const seconds = paused?.[1];
  return {
    isPaused: paused !== undefined,
    pausedSeconds: seconds === undefined ? null : Number(seconds),
    isDraining: words.some(([word]) => word === 'draining'),
  };
}

/** Bytes, one character each, as UTF-8 text. */
export function textOf(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}
