/**
 * What a person does to the server: one request each, a line that says what happened, and Undo where the opposite
 * exists. Rule: nothing is shown as done before the server has said so; an error is shown as the server words it.
 */
import { signal } from '@preact/signals';
import { ApiError, call } from './request.ts';

export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly text: string;
  readonly undo: (() => Promise<unknown>) | null;
}

export const toasts = signal<readonly Toast[]>([]);
/** Grows after each action: what is shown is loaded again. */
export const changes = signal(0);

const SHOWN_MS = 12_000;
let lastId = 0;

/** The youngest refusal that came after the line `id`; null: there was none. */
export function refusalAfter(id: number): string | null {
  return toasts.value.findLast((shown) => shown.id > id && shown.kind === 'failed')?.text ?? null;
}

/** The line that was shown last. */
export function lastToast(): number {
  return lastId;
}

/** Shows a line; a line with Undo stays long enough for a person who works by keyboard to reach it. */
export function toast(kind: Toast['kind'], text: string, undo: Toast['undo'] = null): void {
  const id = ++lastId;
  toasts.value = [...toasts.value.slice(-3), { id, kind, text, undo }];
  setTimeout(() => dismiss(id), SHOWN_MS * (undo === null ? 1 : 2));
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((shown) => shown.id !== id);
}

/** Runs an action; true when it succeeded. */
export async function act(
  text: string,
  action: () => Promise<unknown>,
  undo: Toast['undo'] = null,
): Promise<boolean> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast('failed', error.message);
    return false;
  } finally {
    changes.value++;
  }
  toast('done', text, undo);
  return true;
}

/** Takes an action back. */
export async function undo({ id, text, undo: action }: Toast): Promise<void> {
  dismiss(id);
  if (action !== null) await act(`Undone: ${text}`, action);
}

export const post = (path: string, body: unknown = {}): Promise<unknown> =>
  call('POST', path, { body });
export const remove = (path: string): Promise<unknown> => call('DELETE', path);
