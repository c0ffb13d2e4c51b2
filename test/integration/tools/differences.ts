/**
 * Where our tools differ from the C tools on purpose, each with its reason. The README's table is made of it. A row of
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
    c: 'exit status 0 though the server cannot be reached, the time is over, a job is refused or the server answers an error',
    ours: 'exit status 1; `--exit-status c` gives 0 as before',
    why: 'scripts that check it',
    apply: (c) => {
      expect(c.code, 'of the C tool').toBe(0);
      return { code: 1 };
    },
  },
  'own messages': {
    tool: 'both',
    c: 'messages of libgearman with its source lines, or none',
    ours: 'what was tried, what is wrong, the value',
    why: 'they are read by people',
    apply: (_c, row) => {
      if (row.says === undefined) throw new Error(`${row.title}: the row does not say our message`);
      return { stderr: expect.stringMatching(row.says) };
    },
  },
  'own usage': {
    tool: 'both',
    c: 'a wrong command line prints the whole help, gearadmin on standard output',
    ours: 'says what is wrong on standard error; the help comes with `--help` (gearman: also `-H`)',
    why: 'the reason scrolls out of sight; output is for results',
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
    why: 'more options, and more to say',
    apply: (_c, row) => ({ stdout: expect.stringMatching(row.says as RegExp) }),
  },
  'stray words': {
    tool: 'gearadmin',
    c: 'words that are no options are ignored',
    ours: 'they have no effect either, but that is said on standard error',
    why: 'typing errors',
    apply: (c, row) => {
      expect(c.stderr, 'of the C tool').toBe('');
      return { stderr: expect.stringMatching(row.says as RegExp) };
    },
  },
  'TLS is not forgotten': {
    tool: 'both',
    c: 'a build without TLS takes `-S` and goes on in clear text; with TLS it does not verify the server',
    ours: 'TLS, and the server is verified unless `--tls-insecure` is given',
    why: 'secrets in clear text',
    apply: (c, row) => {
      expect(c.stdout, 'of the C tool').not.toBe('');
      return { code: 1, stdout: '', stderr: expect.stringMatching(row.says as RegExp) };
    },
  },
  'line ends in names': {
    tool: 'gearadmin',
    c: 'a name with a line end is sent as it is: what follows is a further command',
    ours: 'refused',
    why: 'a name from somewhere must not become a command',
    apply: (_c, row) => ({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(row.says as RegExp),
      left: own(row, 'left'),
    }),
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceName = keyof typeof DIFFERENCES;

/** The README's table; ends with a line end. */
export function renderDifferences(): string {
  const cell = (words: string): string => words.replaceAll('|', '\\|');
  const rows = Object.entries(DIFFERENCES).map(([name, rule]) => {
    const subject = rule.tool === 'both' ? name : `${name} (${rule.tool})`;
    return `| ${[subject, rule.c, rule.ours, rule.why].map(cell).join(' | ')} |`;
  });
  return ['| subject | C tools 1.1.20 | here | why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
