/**
 * Dialogs: the element of HTML, which keeps the focus inside and gives it back. Rule: one at a time; Escape closes it;
 * what cannot be undone asks for the name of the function.
 */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { lastToast, refusalAfter } from '../api/actions.ts';

const shown = signal<ComponentChildren>(null);

export function openDialog(content: ComponentChildren): void {
  shown.value = content;
}

export function closeDialog(): void {
  shown.value = null;
}

/** Where the open dialog is. */
export function DialogHost() {
  return <>{shown.value}</>;
}

export function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before anything else may take the focus.
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={closeDialog}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={closeDialog}>
          ✕
        </button>
      </header>
      {children}
      <Refusal />
    </dialog>
  );
}

/** What was refused since the dialog was opened: the lines below the dialog cannot be read meanwhile. */
function Refusal() {
  const [before] = useState(lastToast);
  const text = refusalAfter(before);
  if (text === null) return null;
  return (
    <p class="notice bad" role="alert">
      <span aria-hidden="true">▲ </span>
      {text}
    </p>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** The word on the button. */
  readonly verb: string;
  /** What must be typed first; null: nothing. */
  readonly name: string | null;
  run(): Promise<unknown>;
}

/** Asks before something that cannot be undone. */
export function Confirm({ title, children, verb, name, run }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const isReady = !isBusy && (name === null || typed === name);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!isReady) return;
    setBusy(true);
    await run();
    closeDialog();
  };
  return (
    <Dialog title={title}>
      <form onSubmit={submit}>
        {children}
        {name !== null && (
          <label class="field">
            <span>
              Type <code>{name}</code> to go on
            </span>
            <input
              type="text"
              autocomplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="buttons">
          <button type="button" onClick={closeDialog}>
            Leave it
          </button>
          <button type="submit" class="danger" disabled={!isReady}>
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
