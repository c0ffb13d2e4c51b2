/** Rows of the options table for access: who may do what. All are our own; without them everybody may do everything. */
import { parseRule } from '../../session/access.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { type OptionType, text } from './option-type.ts';

function accept(value: unknown): string[] | undefined {
  const words = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(words)) return undefined;
  const isRule = (word: unknown) => typeof word === 'string' && parseRule(word) !== undefined;
  return words.every(isRule) ? (words as string[]) : undefined;
}

const accessRules: OptionType<readonly string[]> = {
  argument: 'rule',
  allowed:
    'WHO=RIGHTS or WHO=RIGHTS:FUNCTIONS; WHO is any, token:NAME or cert:COMMON-NAME; RIGHTS are of submit,work,admin; * in a name stands for any text',
  readText: accept,
  accept,
  show: (rules) => rules.join(' ') || 'everybody may do everything',
};

const noRules: readonly string[] = [];

const ofAccess = { group: OptionGroup.access, scope: 'server', effect: 'used' } as const;

/** Why rules that name tokens or certificates can be met by nobody, or null. */
function unmet(
  rules: readonly string[],
  who: string,
  option: unknown,
  name: string,
): string | null {
  const rule = rules.find((text) => text.startsWith(`${who}:`));
  return rule === undefined || option !== null
    ? null
    : `${rule} can be met by nobody without ${name}`;
}

export const accessRows = [
  {
    ...ofAccess,
    name: 'allow',
    key: 'allow',
    type: accessRules,
    fallback: noRules,
    isRepeatable: true,
    conflict: (rules: readonly string[], values) =>
      unmet(rules, 'token', values.tokenFile, '--token-file') ??
      unmet(rules, 'cert', values.tlsClientCa, '--tls-client-ca'),
    help: 'who may submit, work and give text commands; may be repeated; given, everything else is refused',
  },
  {
    ...ofAccess,
    name: 'token-file',
    key: 'tokenFile',
    type: text({ argument: 'file' }),
    fallback: null,
    help: 'file with a token a line, as NAME TOKEN or NAME sha256:HEX; read again on SIGHUP',
  },
] as const satisfies readonly [OptionRow<readonly string[]>, OptionRow<string | null>];
