#!/usr/bin/env node
/**
 * The command `gearmand`. Only what `--help`, `--version` and a wrong option need is loaded at once; the server
 * follows when it is to run.
 */
import { usesTls } from '../server/options/tls-rows.ts';
import { OptionError, resolveOptions } from '../server/options.ts';
import { readTlsFiles, TlsFileError } from '../server/tls-files.ts';
import { readTokenFile, TokenFileError } from '../server/token-file.ts';
import { backgroundChannel, startInBackground } from './background.ts';
import { helpText } from './read-words.ts';
import { readSettings, type Settings } from './settings.ts';
import { settingsText } from './settings-text.ts';
import { versionText } from './version-text.ts';

const channel = backgroundChannel();

function complain(text: string): void {
  if (channel === null) process.stderr.write(`gearmand: ${text}\n`);
  else channel.complain(text);
}

/** Settings, or null after having said what is wrong with them. */
function settingsOf(argv: readonly string[]): Settings | null {
  try {
    return readSettings(argv, process.env);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    for (const problem of error.problems) complain(problem);
    return null;
  }
}

/** Options are good; the files that they name are looked at too. */
function checkFiles(settings: Settings): boolean {
  if (settings.values.checkConfig !== true) return true;
  try {
    const options = resolveOptions(settings.server);
    if (usesTls({ ...options })) readTlsFiles(options);
    if (options.tokenFile !== null) readTokenFile(options.tokenFile);
  } catch (error) {
    if (!(error instanceof TlsFileError || error instanceof TokenFileError)) throw error;
    complain(error.message);
    return false;
  }
  process.stdout.write(settingsText(settings));
  return true;
}

async function main(argv: readonly string[]): Promise<number> {
  const settings = settingsOf(argv);
  if (settings === null) return 1;
  switch (settings.action) {
    case 'help':
      process.stdout.write(helpText(process.stdout.columns));
      return 0;
    case 'version':
      process.stdout.write(versionText());
      return 0;
    case 'check':
      return checkFiles(settings) ? 0 : 1;
    case 'transfer': {
      const { runTransfer } = await import('./transfer.ts');
      return runTransfer(settings, complain);
    }
    case 'run': {
      if (settings.values.daemon === true && channel === null) {
        return startInBackground(process.argv[1] as string, argv, complain);
      }
      const { runDaemon } = await import('./daemon.ts');
      return runDaemon(settings, channel, complain);
    }
  }
}

process.exit(await main(process.argv.slice(2)));
