/** A state as sign and word. Rule: colour never says anything alone. */
import type { Tone } from '../api/judge.ts';

const SIGNS: Readonly<Record<Tone, string>> = { calm: '○', busy: '▶', warn: '‖', bad: '▲' };

export function State({ tone, word, sign }: { tone: Tone; word: string; sign?: string }) {
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true" class="sign">
        {sign ?? SIGNS[tone]}
      </span>
      {word}
    </span>
  );
}

const JOBS: Readonly<Record<string, { tone: Tone; sign: string }>> = {
  queued: { tone: 'busy', sign: '◔' },
  running: { tone: 'busy', sign: '▶' },
  retrying: { tone: 'warn', sign: '↻' },
  scheduled: { tone: 'calm', sign: '◷' },
  storing: { tone: 'calm', sign: '⇩' },
  kept: { tone: 'calm', sign: '▣' },
  dead: { tone: 'bad', sign: '✕' },
};

export function JobState({ state }: { state: string }) {
  const { tone, sign } = JOBS[state] ?? { tone: 'calm', sign: '○' };
  return <State tone={tone} word={state} sign={sign} />;
}
