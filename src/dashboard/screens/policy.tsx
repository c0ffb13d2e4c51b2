/** The policy of a function. Rule: changes only the keys that were edited, and only if nobody else has changed it meanwhile. */
import { useState } from 'preact/hooks';
import { act } from '../api/actions.ts';
import { pathOf } from '../api/paths.ts';
import { call } from '../api/request.ts';
import type { KnownFunction } from '../api/types.ts';
import { closeDialog, Dialog } from '../parts/dialog.tsx';

interface Key {
  readonly name: string;
  readonly help: string;
}

const GROUPS: readonly (readonly [title: string, keys: readonly Key[]])[] = [
  [
    'How many run, and when they start',
    [
      { name: 'concurrency', help: 'jobs that run at a time; 0 = no limit' },
      { name: 'rate', help: 'starts, such as 100/s, 20/m, 5/h; 0 = no limit' },
      { name: 'burst', help: 'jobs that may start at once after a rest' },
    ],
  ],
  [
    'Jobs that fail',
    [
      { name: 'attempts', help: 'runs that may fail, 1 to 1000' },
      { name: 'backoff', help: 'exp:1s:1h, fixed:10s or list:1s:10s:1m' },
      { name: 'jitter', help: '0 to 1: how much of the time is random' },
      { name: 'timeout', help: 'longest run, such as 30s; 0 = no limit' },
      { name: 'fg', help: '1 = foreground jobs are tried again too' },
    ],
  ],
  [
    'Dead jobs',
    [
      { name: 'dead', help: 'how many are kept; 0 = none' },
      { name: 'dead_age', help: 'how long, such as 30d' },
      { name: 'dead_bytes', help: 'their memory, such as 64M' },
    ],
  ],
];

export function PolicyDialog({ known }: { known: KnownFunction }) {
  // The policy as it was opened: the form does not change under the reader's hands.
  const [{ view, segment, etag }] = useState(known);
  const given = new Map(view.policy.keys.map(({ key, value }) => [key, value]));
  const [edited, setEdited] = useState<ReadonlyMap<string, string>>(new Map());
  const changed = [...edited].filter(
    ([key, value]) => value !== (given.get(key) ?? '') && value !== '',
  );
  const patch = (policy: Record<string, string> | null): Promise<unknown> =>
    call('PATCH', pathOf.function(segment), {
      body: { policy },
      headers: etag === null ? {} : { 'If-Match': etag },
    });
  const hasOwn = view.policy.keys.some(({ origin }) => origin === 'command');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (changed.length === 0) return;
    const words = changed.map(([key, value]) => `${key} ${value}`).join(', ');
    const isDone = await act(
      `${view.name}: ${words}`,
      () => patch(Object.fromEntries(changed)),
      undoOf(known, changed),
    );
    if (isDone) closeDialog();
  };
  const reset = async (): Promise<void> => {
    if (await act(`${view.name} has the policy of the options again`, () => patch(null)))
      closeDialog();
  };
  return (
    <Dialog title={`Policy of ${view.name}`}>
      <form onSubmit={submit}>
        {GROUPS.map(([title, keys]) => (
          <fieldset key={title}>
            <legend>{title}</legend>
            <div class="grid">
              {keys.map(({ name, help }) => (
                <label key={name} class="field">
                  <span>{name}</span>
                  <input
                    type="text"
                    autocomplete="off"
                    spellcheck={false}
                    value={edited.get(name) ?? given.get(name) ?? ''}
                    onInput={(event) => {
                      const { value } = event.currentTarget;
                      setEdited(new Map(edited).set(name, value.trim()));
                    }}
                  />
                  <small>{help}</small>
                </label>
              ))}
            </div>
          </fieldset>
        ))}
        <p class="hint">
          Changes count at once and hide the options of the start, key by key. An empty key stays as
          it is.
        </p>
        <div class="buttons">
          {hasOwn && (
            <button type="button" onClick={() => void reset()}>
              As in the options
            </button>
          )}
          <button type="button" onClick={closeDialog}>
            Leave it
          </button>
          <button type="submit" class="primary" disabled={changed.length === 0}>
            Change
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The values of before; null where a key had none, because a key alone cannot be taken away. */
function undoOf(
  { view, segment }: KnownFunction,
  changed: readonly (readonly [string, string])[],
): (() => Promise<unknown>) | null {
  const given = new Map(view.policy.keys.map(({ key, value }) => [key, value]));
  if (!changed.every(([key]) => given.has(key))) return null;
  const policy = Object.fromEntries(changed.map(([key]) => [key, given.get(key)]));
  return async () => {
    const { etag } = await call('GET', pathOf.function(segment));
    const headers: Record<string, string> = etag === null ? {} : { 'If-Match': etag };
    await call('PATCH', pathOf.function(segment), { body: { policy }, headers });
  };
}
