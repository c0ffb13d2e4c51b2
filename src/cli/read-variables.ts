/**
 * GEARTRAIN_ variables as options: GEARTRAIN_MAX_MEMORY=1G is --max-memory=1G. A list is separated by commas or
 * blanks, a flag is 1, true, on or 0, false, off. Rule: an unknown variable is reported and ignored, and so are those
 * that container platforms set.
 */
import { closest } from '../base/closest.ts';
import type { GivenWord } from '../option/read-words.ts';
import type { OptionRow } from '../option/row.ts';
import { OPTIONS } from './gearmand-options.ts';

const PREFIX = 'GEARTRAIN_';
/** Variables that are not options: they are for the choice of the core, the build and tests. */
const OTHERS = ['NATIVE', 'BACKGROUND', 'FULL', 'DAEMON', 'REQUIRE_PEERS', 'PREBUILDS', 'PREBUILD'];
const OTHER_FORMS = [/^HOSTILE_/, /^RUNNER$/, /^TOKEN$/];
/**
 * Set by Kubernetes for services named `geartrain` or `geartrain-...`: GEARTRAIN_PORT=tcp://10.0.0.1:4730 and others.
 */
const SERVICE_LINK = /^(\w+_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_|$)/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** The environment variable of an option, such as GEARTRAIN_MAX_MEMORY; null where there is none. */
export function variableOf({ name, isWordOnly }: OptionRow): string | null {
  return isWordOnly === true ? null : `${PREFIX}${name.replaceAll('-', '_').toUpperCase()}`;
}

export interface ReadVariables {
  readonly given: readonly GivenWord[];
  /** A sentence for each variable that is ignored. */
  readonly ignored: readonly string[];
}

/** The options in the environment. */
export function readVariables(env: NodeJS.ProcessEnv): ReadVariables {
  const given: GivenWord[] = [];
  const ignored: string[] = [];
  const names = new Map(OPTIONS.map((row) => [variableOf(row), row]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined || text === '') continue;
    const rest = name.slice(PREFIX.length);
    const row = names.get(name);
    const isOther = OTHERS.includes(rest) || OTHER_FORMS.some((form) => form.test(rest));
    // GEARTRAIN_NATIVE=0 is older than its option and means it; 1 is for the build.
    if (isOther && !(rest === 'NATIVE' && !/^[01]$/.test(text))) continue;
    if (SERVICE_LINK.test(rest) || isServiceAddress(text)) continue;
    if (row === undefined) {
      const known = closest(
        name,
        [...names.keys()].filter((each) => each !== null),
      );
      const guess = known === null ? '' : `, did you mean ${known}?`;
      ignored.push(`${name} (environment) is ignored, there is no such option${guess}`);
      continue;
    }
    const words = row.isRepeatable === true ? text.split(/[\s,]+/).filter(Boolean) : [text];
    given.push(...words.map((word) => ({ row, word })));
  }
  return { given, ignored };
}

/** `tcp://10.0.0.1:4730`: set by a container platform, never a value of an option. */
export function isServiceAddress(text: string): boolean {
  return SERVICE_ADDRESS.test(text);
}
