/**
 * Every dialogue of this folder on one thread in memory, with a clock that is moved by hand. With GEARTRAIN_REWRITE=1
 * answers that differ are written into the files instead; whoever does that reads the difference line by line.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../src/cli/settings.ts';
import { resolveOptions } from '../../src/server/options.ts';
import { configMaker } from '../../src/server/thread-config.ts';
import { compileAdminFrom } from '../../src/shard/admin-from.ts';
import { compare, Mismatch, printHeard } from '../support/dialogue/compare.ts';
import {
  type DialogueCase,
  type DialogueGroup,
  dialogueFiles,
  rewriteDialogues,
} from '../support/dialogue/files.ts';
import { MemoryDialogue } from '../support/dialogue/memory.ts';
import { HASH_SEED, type OwnThreadOptions } from '../support/own-thread.ts';

const isRewriting = process.env.GEARTRAIN_REWRITE === '1';

it('no answers are rewritten in continuous integration', () => {
  expect(isRewriting && process.env.CI !== undefined).toBe(false);
});

describe.each(dialogueFiles())('$name in memory', (file) => {
  const answers = new Map<string, readonly string[]>();
  afterAll(() => rewriteDialogues(file, answers));
  for (const group of file.groups) {
    const options = threadOptions(group.args);
    for (const dialogue of group.cases) {
      it(titleOf(dialogue, group), () => play(dialogue, options, answers));
    }
  }
});

function titleOf({ title }: DialogueCase, { args }: DialogueGroup): string {
  return args.length === 0 ? title : `${title} (${args.join(' ')})`;
}

function play(
  { steps }: DialogueCase,
  options: OwnThreadOptions,
  answers: Map<string, readonly string[]>,
): void {
  const dialogue = new MemoryDialogue(options);
  const { names } = dialogue;
  for (const step of steps) {
    const heard = dialogue.carryOut(step);
    try {
      compare(step, heard, names);
    } catch (error) {
      if (!isRewriting || !(error instanceof Mismatch)) throw error;
      for (const handle of heard.flatMap(({ words }) => words)) {
        if (/^H:t:\d{21,34}$/.test(handle)) names.number(handle);
      }
      answers.set(step.line.place, printHeard(heard, names));
    }
  }
  dialogue.sweep();
}

/** What gearmand makes of `args` for its one thread. */
function threadOptions(args: readonly string[]): OwnThreadOptions {
  const { server } = readSettings(args, {}, () => '');
  const state = {
    hashSeed: HASH_SEED,
    boot: 1,
    keptIn: null,
    storeOf: () => null,
    upgrade: () => {},
    open: async () => {},
    close: async () => {},
  };
  const options = resolveOptions({ ...server, threads: 0 });
  const secrets = { tls: null, tokens: [] } as never;
  const { core, facts } = configMaker(options, 'twin', state, secrets, () => [])(0);
  const { hashSeed: _seed, thread: _thread, ...sessions } = core.sessions;
  const { measured: _measured, ...broker } = core.broker;
  return { ...sessions, ...broker, isAllowed: compileAdminFrom(facts.adminFrom) };
}
