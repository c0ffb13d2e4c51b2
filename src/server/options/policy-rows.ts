/** Options about single functions: policies and aliases. Their grammar is in src/policy. */
import { OptionGroup } from '../../option/groups.ts';
import type { OptionTable, ProgramEntry } from '../../option/row.ts';
import { type ProgramType, size } from '../../option/types.ts';
import { escapeName, latin1Of } from '../../policy/function-name.ts';
import { POLICY_KEY_NAMES, POLICY_KEYS, type Policy, PolicyError } from '../../policy/policy.ts';
import { type AliasRule, parseAliasRule, parsePolicyRule } from '../../policy/rule.ts';
import { unkeptProblem } from '../policies/unkept.ts';

/** Words of an option, or an object with a member for each function. */
function rules(
  shape: Pick<ProgramType<readonly string[]>, 'argument' | 'allowed' | 'codeType'>,
  wordOf: (name: string, value: unknown) => string | undefined,
): ProgramType<readonly string[]> {
  const accept = (value: unknown): readonly string[] | undefined => {
    if (typeof value === 'string') return [value];
    if (typeof value !== 'object' || value === null) return undefined;
    const words: readonly unknown[] = Array.isArray(value)
      ? value
      : Object.entries(value).map(([name, member]) => wordOf(escapeName(latin1Of(name)), member));
    return words.every((word) => typeof word === 'string') ? (words as string[]) : undefined;
  };
  return {
    ...shape,
    readText: (text) => [text],
    accept,
    show: (words) => words.join(' ') || 'none',
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const policyRules = rules(
  {
    argument: 'rule',
    allowed: `FUNCTION=KEY:VALUE,...; ${POLICY_KEY_NAMES.map((key) => `${key}: ${POLICY_KEYS[key].allowed}`).join('; ')}`,
    codeType: 'Readonly<Record<string, FunctionPolicy | string>> | string | readonly string[]',
  },
  (name, value) => {
    if (typeof value === 'string') return `${name}=${value}`;
    if (!isRecord(value)) return undefined;
    const keys = Object.entries(value).filter(([, member]) => member !== undefined);
    return `${name}=${keys.map(([key, member]) => `${key}:${member}`).join(',')}`;
  },
);

const aliasRules = rules(
  {
    argument: 'rule',
    allowed: 'ALIAS=FUNCTION or ALIAS=FUNCTION{priority:high|normal|low}',
    codeType: 'Readonly<Record<string, FunctionAlias | string>> | string | readonly string[]',
  },
  (name, value) => {
    if (typeof value === 'string') return `${name}=${value}`;
    if (!isRecord(value) || typeof value.function !== 'string') return undefined;
    const target = `${name}=${escapeName(latin1Of(value.function))}`;
    return value.priority === undefined ? target : `${target}{priority:${value.priority}}`;
  },
);

const none: readonly string[] = [];

/** The first problem of the words, with the word; null when there is none. */
function problemOf<R>(words: readonly string[], parse: (word: string) => R): string | null {
  for (const word of words) {
    try {
      parse(word);
    } catch (error) {
      return `${JSON.stringify(word)}: ${(error as Error).message}`;
    }
  }
  return null;
}

/** Throws PolicyError when the store would forget what the policy leads to. */
function refuseUnkept(policy: Policy, queueType: string): void {
  const problem = unkeptProblem(policy, queueType);
  if (problem !== null) throw new PolicyError(problem);
}

/** Why these aliases exclude each other or a policy; null when they do not. */
function aliasProblem(aliases: readonly AliasRule[], policies: readonly string[]): string | null {
  const names = new Set<string>();
  for (const { name } of aliases) {
    if (names.has(name)) return `${escapeName(name)} is an alias of two functions`;
    names.add(name);
  }
  for (const { name, target } of aliases)
    if (names.has(target))
      return `${escapeName(name)} is an alias of ${escapeName(target)}, which is an alias itself`;
  for (const word of policies) {
    const { name } = parsePolicyRule(word);
    if (names.has(name))
      return `${escapeName(name)} has a policy; give the policy to the function that it stands for`;
  }
  return null;
}

export const policyTable = {
  group: OptionGroup.jobs,
  rows: [
    {
      name: 'policy',
      key: 'policies',
      type: policyRules,
      defaultValue: none,
      isRepeatable: true,
      conflict: (words: readonly string[], { queueType }) =>
        problemOf(words, (word) => refuseUnkept(parsePolicyRule(word).policy, String(queueType))),
      doc: 'policies of single functions: how many of their jobs may run, and start in a time',
      help: 'policy of one function: how many of its jobs may run, and start in a time; may be repeated',
    },
    {
      name: 'alias',
      key: 'aliases',
      type: aliasRules,
      defaultValue: none,
      isRepeatable: true,
      conflict: (words: readonly string[], values) => {
        const policies = values.policies as readonly string[];
        const problem = problemOf(words, parseAliasRule);
        if (problem !== null || problemOf(policies, parsePolicyRule) !== null) return problem;
        return aliasProblem(words.map(parseAliasRule), policies);
      },
      doc: 'other names for functions, for submits: their jobs are those of the function, with the priority of the alias',
      help: 'another name of a function, for submits: its jobs are those of the function, with the priority of the alias; may be repeated',
    },
    {
      name: 'dead-memory',
      type: size({ min: 65_536, max: 2 ** 40, special: { 0: 'no limit' } }),
      defaultValue: 256 * 1024 * 1024,
      help: 'memory of the dead jobs of all functions; beyond it the oldest are dropped; never more than half of --max-memory',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;
