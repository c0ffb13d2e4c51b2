/** Keys that work on every screen. Rule: none while a person types, none with Ctrl, Alt or Meta. */
import { closeDialog, Dialog, openDialog } from './parts/dialog.tsx';
import { goTo } from './routing.ts';

const KEYS: readonly (readonly [key: string, what: string, run: () => void])[] = [
  ['/', 'search', () => document.getElementById('search')?.focus()],
  ['?', 'these keys', () => openDialog(<Keys />)],
  ['o', 'overview', () => goTo('#/')],
  ['f', 'functions', () => goTo('#/functions')],
  ['j', 'jobs', () => goTo('#/jobs')],
  ['d', 'dead jobs', () => goTo('#/dead')],
  ['w', 'workers', () => goTo('#/workers')],
  ['s', 'server', () => goTo('#/server')],
];

/** Listens; the function that it returns ends that. */
export function listenToKeys(): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const { target, key, ctrlKey, altKey, metaKey } = event;
    if (ctrlKey || altKey || metaKey || isTyping(target)) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const row = KEYS.find(([known]) => known === key);
    if (row === undefined) return;
    event.preventDefault();
    row[2]();
  };
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input:not([type=checkbox], [type=radio]), textarea, select'))
  );
}

function Keys() {
  return (
    <Dialog title="Keys">
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>close a dialog</dd>
        </div>
      </dl>
      <div class="buttons">
        <button type="button" onClick={closeDialog}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
