/** Changes of functions: policy, pause, drain, kick. The owner carries them out as it does for text commands. */
import { type Kicked, kickDead } from '../../admin/kick-dead.ts';
import { latin1 } from '../../base/bytes.ts';
import { DeadResult } from '../../broker/dead-queries.ts';
import { escapeName } from '../../policy/function-name.ts';
import type { PolicyCommand } from '../../policy/policy-command.ts';
import { PAUSE_MS } from '../snapshot.ts';
import { askInTime } from './asking.ts';
import { requireEtag } from './etag.ts';
import { policyOf, shownPolicyOf } from './function-handlers.ts';
import type { HandlersOf } from './handler.ts';
import { ApiProblem, type ProblemCode } from './problems.ts';
import type { Noted } from './router.ts';
import type { ApiSource } from './source.ts';

type Names = 'setPolicy' | 'pause' | 'resume' | 'drain' | 'kick';

/** Problems of the codes that the keeper of policies answers with. */
const POLICY_CODES: Readonly<Record<string, ProblemCode>> = {
  INVALID_POLICY: 'policyInvalid',
  REFUSED: 'policyRefused',
  NOT_KEPT: 'notKept',
  CHANGED: 'etagOld',
};

/** Problems of a DeadResult. */
export const DEAD_PROBLEMS: Readonly<Record<number, ProblemCode>> = {
  [DeadResult.notFound]: 'jobUnknown',
  [DeadResult.uniqueInUse]: 'uniqueInUse',
  [DeadResult.queueFull]: 'queueFull',
  [DeadResult.draining]: 'draining',
  [DeadResult.noMemory]: 'noMemory',
  [DeadResult.isRunning]: 'running',
  [DeadResult.isForeground]: 'foreground',
};

export function functionChanges(source: ApiSource): HandlersOf<Names> {
  return {
    setPolicy: async ({ name, body, request, noted }) => {
      const { policy, text } = await shownPolicyOf(source, name);
      requireEtag(request.headers['if-match'], policy);
      // The keeper compares once more: another change may come first.
      const expected = request.headers['if-match']?.trim() === '*' ? {} : { expected: text };
      const command: PolicyCommand =
        body.policy === null
          ? { kind: 'reset', name, ...expected }
          : { kind: 'set', name, policy: policyText(body.policy), ...expected };
      return changePolicy(source, command, noted);
    },
    pause: ({ name, body, noted }) =>
      changePolicy(source, { kind: 'pause', name, seconds: body.seconds ?? 0 }, noted),
    resume: ({ name, noted }) => changePolicy(source, { kind: 'resume', name }, noted),
    drain: ({ name, noted }) => changePolicy(source, { kind: 'drain', name }, noted),
    kick: async ({ name, body, noted }) => {
      const owner = source.ownerOf(name);
      const { kicked, left, reason } = await new Promise<Kicked>((resolve, reject) =>
        kickDead(
          (query, done) => void askInTime(source, owner, query).then(done, reject),
          (work) => setTimeout(work, PAUSE_MS),
          name,
          body.count,
          resolve,
        ),
      );
      noted.after = `${kicked} kicked, ${left} left`;
      const code = reason === DeadResult.done ? undefined : DEAD_PROBLEMS[reason];
      if (code !== undefined && kicked === 0) throw new ApiProblem(code);
      return { kicked, left };
    },
  };
}

/** `key:value,...`. Throws ApiProblem `policyInvalid` where a key or value has a separator. */
function policyText(policy: Readonly<Record<string, string | number>>): string {
  return Object.entries(policy)
    .map(([key, value]) => {
      if (/[,:]/.test(key) || String(value).includes(','))
        throw new ApiProblem('policyInvalid', `${key}: a comma separates keys`);
      return `${key}:${value}`;
    })
    .join(',');
}

async function changePolicy(source: ApiSource, command: PolicyCommand, noted: Noted) {
  noted.target = escapeName(command.name);
  const { bytes, change } = await askInTime(source, 0, { kind: 'policy', command });
  const answer = latin1(bytes, 0, bytes.length);
  const [word, code = '', ...rest] = answer.trim().split(' ');
  if (word !== 'OK') {
    const text = rest.join(' ').replaceAll('+', ' ');
    throw new ApiProblem(POLICY_CODES[code] ?? 'shardDown', text === '' ? undefined : text);
  }
  if (change !== null) [noted.before, noted.after] = change;
  return { policy: await policyOf(source, command.name), isKept: code === '' };
}
