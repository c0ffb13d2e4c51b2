/** The level of the log. Rule: a choice alone changes nothing, so that a reader may look at the choices by keyboard. */
import { useState } from 'preact/hooks';
import { act } from '../api/actions.ts';
import { call, get } from '../api/request.ts';
import { has, may } from '../api/server.ts';
import type { LogLevelView } from '../api/types.ts';
import { Failure, Loading } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';

const LEVELS = ['FATAL', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG'];
const POLL_MS = 5000;

export function LogLevel() {
  const [chosen, setChosen] = useState<string | null>(null);
  const { data, error } = usePoll<LogLevelView>((stop) => get('v1/log-level', stop), [], POLL_MS);
  if (data === null) return error === null ? <Loading /> : <Failure error={error} />;
  const canSet = has('setLogLevel') && may('admin');
  const set = (level: string): Promise<unknown> => call('PUT', 'v1/log-level', { body: { level } });
  const level = chosen ?? data.level;
  const submit = (event: Event): void => {
    event.preventDefault();
    setChosen(null);
    void act(
      `The log shows ${level} and worse`,
      () => set(level),
      () => set(data.level),
    );
  };
  return (
    <form class="filters" onSubmit={submit}>
      <label class="field">
        <span>The log shows</span>
        <select
          value={level}
          disabled={!canSet}
          onChange={(event) => setChosen(event.currentTarget.value)}
        >
          {LEVELS.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
      </label>
      {canSet ? (
        <button type="submit" disabled={level === data.level}>
          Change
        </button>
      ) : (
        <span class="hint">A change needs the right admin.</span>
      )}
    </form>
  );
}
