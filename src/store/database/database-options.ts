/** What the options of one kind of database are and mean; its backend is found by kinds.ts when it is needed. */
import type { OptionValues, ProgramEntry } from '../../option/row.ts';
import { text } from '../../option/types.ts';
import type { DatabaseSettings } from './kinds.ts';

export interface DatabaseOptions {
  /** gearmand's name of the queue, for `--queue-type`. */
  readonly name: DatabaseSettings['type'];
  /** Each has a meaning with this `--queue-type` only; help, messages and docs/options.md say so by themselves. */
  readonly rows: readonly ProgramEntry[];
  /** Name of the option without which there is no such queue. */
  readonly needs?: string;
  /** Whether the server starts when the database is away; `asked` = with `--store-wait`. */
  readonly waits: 'never' | 'asked' | 'always';
  /** Settings without their `type`: plain data that can be sent to a thread. */
  settings(values: OptionValues): object;
}

export const word = text({ argument: 'text' });
export const password = text({ argument: 'password' });
