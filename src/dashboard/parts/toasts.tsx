/** The lines about what was done, in a polite live region, with Undo. */
import { dismiss, toasts, undo } from '../api/actions.ts';

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <span aria-hidden="true">{toast.kind === 'done' ? '✓' : '▲'}</span>
          <span class="words">
            {toast.kind === 'failed' && <span class="hidden">Refused: </span>}
            {toast.text}
          </span>
          {toast.undo !== null && (
            <button type="button" onClick={() => void undo(toast)}>
              Undo
            </button>
          )}
          <button
            type="button"
            class="quiet"
            aria-label="Dismiss"
            onClick={() => dismiss(toast.id)}
          >
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
