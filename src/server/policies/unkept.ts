/** Which stores keep what the policies about runs lead to: attempts, times of next runs, dead jobs. */
import { type Policy, policyTexts, RUN_KEYS } from '../../policy/policy.ts';

const KEEPING: readonly string[] = ['builtin', 'journal'];

/** Why a policy cannot be used with the store of `queueType`, or null. */
export function unkeptProblem(policy: Policy, queueType: string): string | null {
  if (KEEPING.includes(queueType)) return null;
  const key = policyTexts(policy).find(([name]) => RUN_KEYS.includes(name))?.[0];
  return key === undefined
    ? null
    : `${key}: -q ${queueType} does not keep attempts and dead jobs; ${KEEPING.map((name) => `-q ${name}`).join(' and ')} do`;
}
