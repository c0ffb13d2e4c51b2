/** Which stores keep what the policies about runs lead to: attempts, times of next runs, dead jobs. */

import { type Policy, policyTexts, RUN_KEYS } from '../../policy/policy.ts';
import { keepsRunsOf } from '../../store/database/kinds.ts';

/** Why a policy cannot be used with the store of `queueType`, or null. */
export function unkeptProblem(policy: Policy, queueType: string): string | null {
  if (OWN.includes(queueType) || keepsRunsOf(queueType)) return null;
  const key = policyTexts(policy).find(([name]) => RUN_KEYS.includes(name))?.[0];
  if (key === undefined) return null;
  const kind = queueType === 'libmemcached' ? ': memcached may throw away any job' : '';
  return `${key}: -q ${queueType} does not keep attempts and dead jobs${kind}; the other queues do`;
}

const OWN: readonly string[] = ['builtin', 'journal'];
