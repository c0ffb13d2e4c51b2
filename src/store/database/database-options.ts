/** The options of one kind of database; kinds.ts loads its backend on demand. */
import type { OptionValues, ProgramEntry } from '../../option/row.ts';
import { text } from '../../option/types.ts';
import type { DatabaseSettings } from './kinds.ts';

export interface DatabaseOptions {
  /** gearmand's name of the queue, for `--queue-type`. */
  readonly name: DatabaseSettings['type'];
  /** These options need this `--queue-type`; help, messages and docs/options.md add that by themselves. */
  readonly rows: readonly ProgramEntry[];
  /** Name of the option that the queue needs. */
  readonly needs?: string;
  /** Whether the server starts while the database is unreachable; `asked` = with `--store-wait`. */
  readonly waits: 'never' | 'asked' | 'always';
  /** Settings without their `type`: plain data that can be posted to a thread. */
  settings(values: OptionValues): object;
}

export const word = text({ argument: 'text' });
export const password = text({ argument: 'password' });
