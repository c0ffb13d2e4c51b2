/** Pause, resume, drain, policy, and a job for trying out. Rule: a pause, resume or drain can be taken back. */
import { useState } from 'preact/hooks';
import { act, post } from '../api/actions.ts';
import { pauseLeftOf } from '../api/judge.ts';
import { pathOf } from '../api/paths.ts';
import { has } from '../api/server.ts';
import type { KnownFunction } from '../api/types.ts';
import { duration } from '../format.ts';
import { openDialog } from '../parts/dialog.tsx';
import { PolicyDialog } from './policy.tsx';
import { Submit } from './submit.tsx';

/** Lengths of a pause in seconds; 0 = until it is resumed. */
const PAUSES = [600, 3600, 86_400, 0];

export function FunctionActions({ known }: { known: KnownFunction }) {
  const { view } = known;
  const { operate, admin } = view.rights;
  const canState = has('pause') && operate;
  return (
    <div class="actions">
      {canState && view.gate !== 'paused' && <Pause known={known} />}
      {canState && view.gate !== 'paused' && !view.isDraining && (
        <button type="button" onClick={() => void change(known, 'drain', 'is draining')}>
          Drain
        </button>
      )}
      {canState && (view.gate === 'paused' || view.isDraining) && (
        <button
          type="button"
          class="primary"
          onClick={() => void change(known, 'resume', 'goes on')}
        >
          Resume
        </button>
      )}
      {has('setPolicy') && admin && (
        <button type="button" onClick={() => openDialog(<PolicyDialog known={known} />)}>
          Policy
        </button>
      )}
      {has('submit') && operate && (
        <button type="button" onClick={() => openDialog(<Submit name={view.name} />)}>
          Submit a job
        </button>
      )}
    </div>
  );
}

function Pause({ known }: { known: KnownFunction }) {
  const [seconds, setSeconds] = useState(PAUSES[0] as number);
  const words = (value: number): string =>
    value === 0 ? 'until resumed' : `for ${duration(value * 1000)}`;
  const body = seconds === 0 ? {} : { seconds };
  return (
    <span class="joined">
      <button
        type="button"
        onClick={() => void change(known, 'pause', `is paused ${words(seconds)}`, body)}
      >
        Pause
      </button>
      <select
        aria-label="How long to pause"
        value={seconds}
        onChange={(event) => setSeconds(Number(event.currentTarget.value))}
      >
        {PAUSES.map((value) => (
          <option key={value} value={value}>
            {words(value)}
          </option>
        ))}
      </select>
    </span>
  );
}

type Verb = 'pause' | 'resume' | 'drain';

function change(
  { view, segment }: KnownFunction,
  verb: Verb,
  words: string,
  body: unknown = {},
): Promise<boolean> {
  const run = (what: Verb, data: unknown = {}): Promise<unknown> =>
    post(pathOf.function(segment, `:${what}`), data);
  const left = pauseLeftOf(view.policy.state);
  // The state of before, by the words that bring it about.
  const back = async (): Promise<void> => {
    if (view.isDraining || view.gate !== 'paused') await run('resume');
    if (view.isDraining) await run('drain');
    if (view.gate === 'paused') await run('pause', left === null ? {} : { seconds: left });
  };
  return act(`${view.name} ${words}`, () => run(verb, body), back);
}
