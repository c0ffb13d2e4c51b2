/**
 * GEARTRAIN_ variables to options: GEARTRAIN_MAX_MEMORY=1G is --max-memory=1G. A list is separated by commas or
 * blanks, a flag is 1, true, on or 0, false, off.
 * Rule: a variable that is no option is said and ignored, as are those that container platforms make by themselves.
 */
import { closest } from '../base/closest.ts';
import { LogLevel } from '../base/logger.ts';
import { variableOf } from '../server/options/option-row.ts';
import { OPTIONS } from '../server/options.ts';
import type { GivenOption, ReadWords } from './read-words.ts';
import type { Note } from './settings.ts';

const PREFIX = 'GEARTRAIN_';
/** Variables with a meaning of their own: for the choice of the core, for the build and for tests. */
const OTHERS = ['NATIVE', 'BACKGROUND', 'FULL', 'DAEMON', 'REQUIRE_PEERS', 'PREBUILDS', 'PREBUILD'];
const OTHER_FORMS = [/^HOSTILE_/, /^RUNNER$/, /^TOKEN$/];
/** What Kubernetes sets for services named `geartrain` or `geartrain-...`: GEARTRAIN_PORT=tcp://10.0.0.1:4730 and more. */
const SERVICE_LINK = /^(\w+_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_|$)/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

const FLAG_WORDS: Readonly<Record<string, boolean>> = {
  '1': true,
  true: true,
  on: true,
  '0': false,
  false: false,
  off: false,
};

/** What is given in the environment. `notes` gets a line for each variable that is ignored. */
export function readVariables(env: NodeJS.ProcessEnv, notes: Note[]): ReadWords {
  const given = new Map<string, GivenOption>();
  const names = new Map(OPTIONS.map((row) => [variableOf(row), row]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined || text === '') continue;
    const rest = name.slice(PREFIX.length);
    const row = names.get(name);
    const isOther = OTHERS.includes(rest) || OTHER_FORMS.some((form) => form.test(rest));
    // GEARTRAIN_NATIVE=0 is older than its option and means it; 1 speaks to the build.
    if (isOther && !(rest === 'NATIVE' && !/^[01]$/.test(text))) continue;
    if (SERVICE_LINK.test(rest) || isServiceAddress(text)) continue;
    if (row === undefined) {
      const known = closest(
        name,
        [...names.keys()].filter((each) => each !== null),
      );
      const guess = known === null ? '' : `, did you mean ${known}?`;
      const note = `${name} (environment) is ignored, there is no such option${guess}`;
      notes.push({ level: LogLevel.WARNING, text: note });
      continue;
    }
    const words = row.isRepeatable === true ? text.split(/[\s,]+/).filter(Boolean) : [text];
    given.set(row.key, { row, words });
  }
  return { given, strayWords: [], unknownOptions: [], failure: null };
}

/** `tcp://10.0.0.1:4730`: what a container platform sets, which is never a value of an option. */
export function isServiceAddress(text: string): boolean {
  return SERVICE_ADDRESS.test(text);
}

/** The value of a flag's variable, or undefined. */
export function readFlag(text: string): boolean | undefined {
  return FLAG_WORDS[text.toLowerCase()];
}
