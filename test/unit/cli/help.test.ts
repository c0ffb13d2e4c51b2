/** What `--help` prints for the three commands: everything, in lines that fit, and with words the options that match. */
import { describe, expect, test } from 'vitest';
import { GEARADMIN } from '../../../src/cli/gearadmin/options.ts';
import { GEARMAN } from '../../../src/cli/gearman/options.ts';
import { GEARMAND } from '../../../src/cli/gearmand-manual.ts';
import { helpFor, helpText } from '../../../src/option/manual.ts';
import { readToolWords } from '../../../src/option/read-tool.ts';

const TOOLS = [GEARMAND, GEARMAN, GEARADMIN];

describe.each(TOOLS)('$manual.name --help', (tool) => {
  const { manual, options } = tool;
  const text = helpText(tool, 80);

  test('shows every option that is not hidden, the environment, exit status and examples', () => {
    for (const row of options)
      expect(text.includes(`--${row.name}`), row.name).toBe(row.isHidden !== true);
    for (const [variable] of manual.environment) expect(text).toContain(variable);
    for (const [code] of manual.exitCodes) expect(text).toMatch(new RegExp(`^ +${code} +`, 'm'));
    for (const [command] of [...manual.examples, ...(manual.moreExamples ?? [])])
      expect(text).toContain(`    ${command}\n`);
  });

  test('begins with name and examples', () => {
    expect(text).toMatch(new RegExp(`^${manual.name} - .*\\n\\nExamples:\\n`));
    expect(text.indexOf('\n\nUsage:\n')).toBeGreaterThan(text.indexOf(manual.examples[2][0]));
  });

  test('has lines of 80 columns, except examples, and ends with a line end', () => {
    const long = text.split('\n').filter((line) => line.length > 80 && !line.startsWith('    '));
    expect(long).toEqual([]);
    expect(text).toMatch(/[^\n]\n$/);
  });

  test('shows commands that the tool understands', () => {
    for (const [command] of [...manual.examples, ...(manual.moreExamples ?? [])]) {
      const [name, ...words] = command.replace(/ [|<] .*/, '').split(' ');
      expect(name).toBe(manual.name);
      expect(readToolWords(words, tool).problems, command).toEqual([]);
    }
  });
});

describe('--help WORD', () => {
  const found = (words: readonly string[], tool = GEARMAND): string[] =>
    [...helpFor(tool, words, 100).text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(
      ([, name]) => name as string,
    );

  test('finds names, by the beginning of a word of them, whatever the case', () => {
    expect(found(['SSL-key'])).toContain('ssl-key');
    expect(found(['memory'])).toContain('max-memory');
    expect(found(['--max-memory'])).toContain('max-memory');
  });

  test('finds one letter as a short form alone', () => {
    expect(found(['q'])).toEqual(['queue-type']);
    expect(found(['-q'])).toEqual(['queue-type']);
    expect(found(['q'], GEARMAN)).toEqual(['quiet']);
  });

  test('finds words of the help text and of allowed values', () => {
    expect(found(['acknowledged'])).toEqual([]);
    expect(found(['unacknowledged'])).toEqual(['tcp-user-timeout']);
    expect(found(['libdrizzle'])).toContain('queue-type');
  });

  test('wants all of several words', () => {
    expect(found(['keepalive', 'unanswered'])).toEqual(['keepalive-count']);
  });

  test('does not show hidden options', () => {
    expect(found(['check-args'])).toEqual([]);
  });

  test('shows the heading, the help and what is allowed, and nothing else', () => {
    expect(helpFor(GEARMAND, ['keepalive-count'], 200).text).toMatch(
      /^Listening:\n {2}--keepalive-count <n> {2}unanswered .*; allowed: .* \(default: 4\)\n$/s,
    );
  });

  test('says in one sentence that no option matches', () => {
    expect(helpFor(GEARMAND, ['no', 'xyzzy'])).toEqual({
      text: '',
      problem: 'no option matches "no xyzzy"; gearmand --help lists all options',
    });
  });

  test('without words is the whole help', () => {
    expect(helpFor(GEARADMIN, [], 80)).toEqual({ text: helpText(GEARADMIN, 80), problem: null });
  });
});
