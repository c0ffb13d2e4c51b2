/**
 * Files of dialogues, `test/dialogues/*.txt`: what the server is started with, then cases. Rule: a case stands alone; it
 * finds a server without jobs, functions and other peers.
 *
 *   // A comment: what the file is about.
 *   server --job-retries=2     options of gearmand for the cases that follow; each such line is a server of its own
 *   threads 0 1                shard threads they hold with; 0 and 2 when nothing is said
 *
 *   === fails a job that was lost twice
 *   client > SUBMIT_JOB f u data
 *   client < JOB_CREATED #job
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isComment, type ScriptLine, type Step, stepsOf } from './script.ts';

export interface DialogueCase {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** Cases that are played on one server. */
export interface DialogueGroup {
  readonly args: readonly string[];
  readonly threads: readonly number[];
  readonly cases: readonly DialogueCase[];
}

export interface DialogueFile {
  /** `submit.txt` */
  readonly name: string;
  readonly path: string;
  readonly groups: readonly DialogueGroup[];
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../dialogues/', import.meta.url));

/** Every file, by name. */
export function dialogueFiles(): DialogueFile[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
  return names.sort().map((name) => readDialogues(`${FOLDER}${name}`, name));
}

export function readDialogues(path: string, name: string): DialogueFile {
  const shown = relative(ROOT, path);
  const lines = readFileSync(path, 'utf8').split('\n');
  const groups = groupsOf(
    lines.map((text, at) => ({ text: text.trim(), place: `${shown}:${at + 1}` })),
  );
  return { name, path, groups };
}

interface OpenGroup {
  args: string[];
  threads: number[];
  readonly cases: { readonly title: string; readonly lines: ScriptLine[] }[];
}

/** Throws Error that names the line. */
export function groupsOf(lines: readonly ScriptLine[]): DialogueGroup[] {
  const groups: OpenGroup[] = [];
  const titles = new Set<string>();
  const fail = (line: ScriptLine, why: string): never => {
    throw new Error(`${line.place}: ${why}: ${line.text}`);
  };
  for (const line of lines) {
    const group = groups.at(-1);
    const [, title] = /^=== (.+)$/.exec(line.text) ?? [];
    const [word = '', ...rest] = line.text.split(/\s+/);
    if (word === 'server') {
      groups.push({ args: rest, threads: [0, 2], cases: [] });
    } else if (isComment(line.text)) {
    } else if (group === undefined) {
      fail(line, 'there must be a line "server" first');
    } else if (word === 'threads' && group.cases.length === 0) {
      group.threads = rest.map(Number);
    } else if (title !== undefined) {
      if (titles.has(title)) fail(line, 'there is another case of that title');
      titles.add(title);
      group.cases.push({ title, lines: [] });
    } else {
      (group.cases.at(-1)?.lines ?? fail(line, 'a title must come first')).push(line);
    }
  }
  return groups.map(({ args, threads, cases }) => ({
    args,
    threads,
    cases: cases.map(closedCase),
  }));
}

function closedCase({ title, lines }: { title: string; lines: ScriptLine[] }): DialogueCase {
  const steps = stepsOf(lines);
  for (const { kind, line } of steps) {
    if (kind === 'own') throw new Error(`${line.place}: not a line of a dialogue: ${line.text}`);
  }
  if (steps.length === 0) throw new Error(`the case "${title}" is empty`);
  return { title, steps };
}

/** `<` lines by the place of the step that they follow. */
export type Answers = ReadonlyMap<string, readonly string[]>;

/** Writes `file` anew with other `<` lines after the steps of `answers`. */
export function rewriteDialogues({ path, groups }: DialogueFile, answers: Answers): void {
  if (answers.size === 0) return;
  const lines = readFileSync(path, 'utf8').split('\n');
  const numberOf = ({ place }: ScriptLine): number =>
    Number(place.slice(place.lastIndexOf(':') + 1));
  const dropped = new Set<number>();
  const added = new Map<number, readonly string[]>();
  for (const step of groups.flatMap(({ cases }) => cases.flatMap(({ steps }) => steps))) {
    const answer = answers.get(step.line.place);
    if (answer === undefined) continue;
    for (const { line } of step.wanted) dropped.add(numberOf(line));
    added.set(numberOf(step.line), answer);
  }
  const text = lines.flatMap((line, at) => {
    const kept = dropped.has(at + 1) ? [] : [line];
    return [...kept, ...(added.get(at + 1) ?? [])];
  });
  writeFileSync(path, text.join('\n'));
}
