/**
 * Selects the action of the command `gearmand`: print, check, move jobs, or run. Modules for `--help`, `--version` and
 * invalid options are loaded at the start; the modules of the server are loaded when it is needed.
 */
import { isAbsolute } from 'node:path';
import { LogLevel } from '../base/logger.ts';
import { OptionError } from '../option/error.ts';
import type { OptionValues } from '../option/row.ts';
import { isJournal, journalPriority } from '../server/journal-stream.ts';
import { resolveOptions } from '../server/options.ts';
import { isSecretFileError, readSecretFiles } from '../server/secrets.ts';
import { backgroundChannel, startInBackground } from './background.ts';
import { isFolderGone } from './before-start.ts';
import { OPTIONS } from './gearmand-options.ts';
import { readSettings, type Settings } from './settings.ts';
import { settingsText } from './settings-text.ts';
import { surviveLostStreams, writeIfPossible } from './standard-streams.ts';
import { endOnLostOutput, writeAll } from './tool/streams.ts';
import { versionText } from './version-text.ts';

const channel = backgroundChannel();

/** Reports an error. Before the server listens, all errors have this format. */
function complain(text: string): void {
  const priority = isJournal() ? journalPriority(LogLevel.ERROR) : '';
  if (channel === null) writeIfPossible(process.stderr, `${priority}gearmand: ${text}\n`);
  else channel.complain(text);
}

async function print(text: string): Promise<void> {
  endOnLostOutput('gearmand');
  await writeAll(process.stdout, text);
}

/** Settings, or null after reporting their errors. */
function settingsOf(argv: readonly string[]): Settings | null {
  try {
    const settings = readSettings(argv, process.env);
    if (isFolderGone) refuseRelativePaths(settings);
    return settings;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    for (const problem of error.problems) complain(problem);
    complain('--help lists all options');
    return null;
  }
}

/** Refuses relative paths when there is no working folder: they would name other files. */
function refuseRelativePaths({ given, origins, ...settings }: Settings): void {
  const values: OptionValues = settings.values;
  const isRelative = (value: unknown): boolean =>
    typeof value === 'string' && !isAbsolute(value) && !['stderr', 'none', '-'].includes(value);
  const problems = OPTIONS.filter(
    ({ key, type }) =>
      given.has(key) && ['file', 'folder'].includes(type.argument ?? '') && isRelative(values[key]),
  ).map(
    ({ name, key }) =>
      `option --${name}: ${JSON.stringify(values[key])} (${origins.get(key)}) is relative, but the working folder no longer exists; give the whole path`,
  );
  if (problems.length > 0) throw new OptionError(problems);
}

/** Checks the files that the options name; the options themselves are valid. */
async function checkFiles(settings: Settings): Promise<boolean> {
  if (!settings.values.checkConfig) return true;
  try {
    readSecretFiles(resolveOptions(settings.server));
  } catch (error) {
    if (!isSecretFileError(error)) throw error;
    complain(error.message);
    return false;
  }
  await print(settingsText(settings));
  return true;
}

async function showHelp(words: readonly string[]): Promise<number> {
  const { helpFor } = await import('../option/manual.ts');
  const { GEARMAND } = await import('./gearmand-manual.ts');
  const { text, problem } = helpFor(GEARMAND, words, process.stdout.columns);
  if (problem !== null) complain(problem);
  await print(text);
  return problem === null ? 0 : 1;
}

async function main(argv: readonly string[]): Promise<number> {
  surviveLostStreams();
  const settings = settingsOf(argv);
  if (settings === null) return 1;
  switch (settings.action) {
    case 'help':
      return showHelp(settings.words);
    case 'version':
      await print(versionText());
      return 0;
    case 'check':
      return (await checkFiles(settings)) ? 0 : 1;
    case 'transfer': {
      const { runTransfer } = await import('./transfer.ts');
      return runTransfer(settings, complain);
    }
    case 'run': {
      if (settings.values.daemon && channel === null) {
        return startInBackground(process.argv[1] as string, argv, complain);
      }
      const { runDaemon } = await import('./daemon.ts');
      return runDaemon(settings, channel, complain);
    }
  }
}

process.exit(await main(process.argv.slice(2)));
