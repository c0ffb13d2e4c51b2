/** The ETag of a function's policy: another one for each change that a caller can see. */
import { createHash } from 'node:crypto';
import { ApiProblem } from './problems.ts';
import type { PolicyView } from './schemas.ts';

export function etagOf({ keys, state }: PolicyView): string {
  // The seconds of a pause go down by themselves.
  const stable = JSON.stringify([keys, state.replace(/:\d+/, ':')]);
  return `"${createHash('sha256').update(stable).digest('base64url').slice(0, 22)}"`;
}

/** Throws ApiProblem `etagNeeded` without If-Match, `etagOld` when it names another state. */
export function requireEtag(ifMatch: string | undefined, policy: PolicyView): void {
  if (ifMatch === undefined) throw new ApiProblem('etagNeeded');
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (!tags.includes('*') && !tags.includes(etagOf(policy))) throw new ApiProblem('etagOld');
}
