/**
 * Where our tools differ from the C tools on purpose, each with its reason. The table in docs/differences.md is made of it. A row of
 * the comparison names the rules that it needs; everything that no rule speaks of must be equal byte for byte.
 */
import { expect } from 'vitest';
import type { Invocation } from './invocation.ts';
import type { Outcome } from './invoke.ts';

export interface Difference {
  readonly tool: 'gearman' | 'gearadmin' | 'both';
  readonly c: string;
  readonly ours: string;
  readonly why: string;
  /** Checks that the C tool shows its side and returns what ours has to look like instead. */
  apply(c: Outcome, row: Invocation): Partial<Record<keyof Outcome, unknown>>;
}

function own(row: Invocation, field: 'stdout' | 'heard' | 'left') {
  const value = row[field];
  if (value === undefined) throw new Error(`${row.title}: the row does not say our ${field}`);
  return value;
}

export const DIFFERENCES = {
  'exit status': {
    tool: 'both',
    c: 'exit status 0 even when the server cannot be reached, the time is over, a job is refused or the server answers with an error',
    ours: 'exit status 1; `--exit-status c` gives 0 as in the C tools',
    why: 'scripts that check it',
    apply: (c) => {
      expect(c.code, 'of the C tool').toBe(0);
      return { code: 1 };
    },
  },
  'own messages': {
    tool: 'both',
    c: 'messages of libgearman with its source lines, or none',
    ours: 'what was tried, what is wrong, and the value',
    why: 'people read them',
    apply: (_c, row) => {
      if (row.says === undefined) throw new Error(`${row.title}: the row does not say our message`);
      return { stderr: expect.stringMatching(row.says) };
    },
  },
  'own usage': {
    tool: 'both',
    c: 'a wrong command line prints the whole help; gearadmin prints it on standard output',
    ours: 'prints what is wrong on standard error; `--help` prints the help (gearman: also `-H`)',
    why: 'the reason scrolls out of sight; standard output is for results',
    apply: (c, row) => {
      expect(c.stdout + c.stderr, 'of the C tool').toMatch(/Options:|options/);
      if (row.says === undefined) throw new Error(`${row.title}: the row does not say our message`);
      return { stdout: '', stderr: expect.stringMatching(row.says) };
    },
  },
  'own help': {
    tool: 'both',
    c: 'a list of options',
    ours: 'a manual: every option, exit status, environment, examples',
    why: 'there are more options to explain',
    apply: (_c, row) => ({ stdout: expect.stringMatching(row.says as RegExp), stderr: '' }),
  },
  'stray words': {
    tool: 'gearadmin',
    c: 'words that are not options are ignored',
    ours: 'they are ignored with a warning on standard error',
    why: 'typing errors',
    apply: (c, row) => {
      expect(c.stderr, 'of the C tool').toBe('');
      return { stderr: expect.stringMatching(row.says as RegExp) };
    },
  },
  'TLS is not forgotten': {
    tool: 'both',
    c: 'a build without TLS takes `-S` and goes on in clear text; with TLS it does not verify the server',
    ours: 'uses TLS and verifies the server unless `--tls-insecure` is given',
    why: 'secrets in clear text',
    apply: (c, row) => {
      expect(c.stdout, 'of the C tool').not.toBe('');
      const left = row.left ?? c.left;
      return { code: 1, stdout: '', stderr: expect.stringMatching(row.says as RegExp), left };
    },
  },
  'line ends in names': {
    tool: 'gearadmin',
    c: 'a name with a line end is sent unchanged, so the rest of it becomes a second command',
    ours: 'refused',
    why: 'a name that comes from input must not become a command',
    apply: (_c, row) => ({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(row.says as RegExp),
      left: own(row, 'left'),
    }),
  },
  'the last line': {
    tool: 'gearman',
    c: '`-N` cuts the last character of a last line that has no line end',
    ours: 'removes nothing but a line end',
    why: 'lost data',
    apply: (_c, row) => ({ stdout: own(row, 'stdout'), heard: own(row, 'heard') }),
  },
  'NUL in lines': {
    tool: 'gearman',
    c: 'with `-n` and `-N` a line ends at its first NUL',
    ours: 'NUL is a byte like any other',
    why: 'lost data',
    apply: (_c, row) => ({ stdout: own(row, 'stdout'), heard: own(row, 'heard') }),
  },
  'long lines': {
    tool: 'gearman',
    c: 'with `-n` and `-N` a line of more than 8191 bytes becomes several jobs',
    ours: 'a line is a job',
    why: 'broken data',
    apply: (_c, row) => ({ stdout: own(row, 'stdout'), heard: own(row, 'heard') }),
  },
  exceptions: {
    tool: 'gearman',
    c: 'waits for ever for a job that ended with an exception',
    ours: 'prints the exception on standard error and treats the job as failed',
    why: 'a hanging client',
    apply: (c, row) => {
      expect(c.stderr, 'of the C tool').toContain('TIMEOUT');
      return { code: 1, stderr: expect.stringMatching(row.says as RegExp) };
    },
  },
  'empty workloads': {
    tool: 'gearman',
    c: 'an empty argument is refused, with exit status 0',
    ours: 'submits a job with an empty workload',
    why: 'the protocol allows it',
    apply: (c, row) => {
      expect(c.stderr, 'of the C tool').not.toBe('');
      return { stdout: own(row, 'stdout'), stderr: '', heard: own(row, 'heard') };
    },
  },
  'order of output': {
    tool: 'gearman',
    c: 'with `-v` in a pipe, handles and results are printed out of order, because only one of them is buffered',
    ours: 'prints them in the order of events, as the C tool does on a terminal',
    why: 'the reader cannot match handles and results',
    apply: (_c, row) => ({ stdout: own(row, 'stdout') }),
  },
  'values are checked': {
    tool: 'gearman',
    c: 'a value that is not a number counts as 0; an empty function name or a long unique key is reported with exit status 0',
    ours: 'refused before anything is done, with exit status 1',
    why: 'typing errors',
    apply: (c, row) => {
      expect(c.code, 'of the C tool').toBe(0);
      const nothing = { stdout: '', heard: [], left: expect.anything() };
      return { ...nothing, code: 1, stderr: expect.stringMatching(row.says as RegExp) };
    },
  },
  'count of failed jobs': {
    tool: 'gearman',
    c: 'a failed job counts twice for `-c`',
    ours: 'once',
    why: 'the help says that `-c` counts jobs',
    apply: (_c, row) => ({ left: own(row, 'left') }),
  },
  'lines of a worker': {
    tool: 'gearman',
    c: 'with `-n` and `-N` each chunk repeats all lines before it',
    ours: 'a chunk is a line',
    why: 'the result is not the output',
    apply: (_c, row) => ({ heard: own(row, 'heard') }),
  },
  'commands that break': {
    tool: 'gearman',
    c: 'if a signal ends the command, the job completes with the output so far',
    ours: 'the job fails',
    why: 'half a result is unusable',
    apply: (c, row) => {
      expect(c.heard.join(), 'of the C tool').toContain('WORK_COMPLETE');
      return { stderr: expect.stringMatching(row.says as RegExp), heard: own(row, 'heard') };
    },
  },
  'missing commands': {
    tool: 'gearman',
    c: 'a worker whose command does not exist completes every job with an empty result',
    ours: 'refuses to start; no job is touched',
    why: 'lost jobs',
    apply: (c, row) => {
      expect(c.left.join(), 'of the C tool').not.toContain('1\t');
      return {
        code: 1,
        stderr: expect.stringMatching(row.says as RegExp),
        left: expect.anything(),
      };
    },
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceName = keyof typeof DIFFERENCES;

/** The table of docs/differences.md; ends with a line end. */
export function renderDifferences(): string {
  const cell = (words: string): string => words.replaceAll('|', '\\|');
  const rows = Object.entries(DIFFERENCES).map(([name, rule]) => {
    const subject = rule.tool === 'both' ? name : `${name} (${rule.tool})`;
    return `| ${[subject, rule.c, rule.ours, rule.why].map(cell).join(' | ')} |`;
  });
  return ['| subject | C tools 1.1.20 | here | why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
