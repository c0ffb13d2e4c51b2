/** The workload of a job. Rule: it is loaded only when a person asks, because each look is written into the audit log. */
import { useState } from 'preact/hooks';
import { toast } from '../api/actions.ts';
import { pathOf } from '../api/paths.ts';
import { ApiError, get, send } from '../api/request.ts';
import type { WorkloadView } from '../api/types.ts';
import { bytes } from '../format.ts';
import { Failure } from '../parts/words.tsx';

const FORMS = ['auto', 'text', 'json', 'hex'];

export function Workload({ handle, size }: { handle: string; size: number }) {
  const [form, setForm] = useState('auto');
  const [shown, setShown] = useState<WorkloadView | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const show = async (as: string): Promise<void> => {
    setForm(as);
    setError(null);
    try {
      setShown(await get<WorkloadView>(pathOf.job(handle, `/workload?as=${as}`)));
    } catch (refusal) {
      if (!(refusal instanceof ApiError)) throw refusal;
      setError(refusal);
    }
  };
  return (
    <section>
      <header class="bar">
        <h2>Workload</h2>
        {shown === null && (
          <button type="button" onClick={() => void show(form)}>
            Show {bytes(size)}
          </button>
        )}
        {shown !== null && (
          <select
            aria-label="Show as"
            value={form}
            onChange={(event) => void show(event.currentTarget.value)}
          >
            {FORMS.map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        )}
        <button type="button" onClick={() => void download(handle)}>
          Download
        </button>
      </header>
      {error !== null && <Failure error={error} />}
      {shown === null ? (
        <p class="hint">Each look at a workload is written into the audit log.</p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard. */}
          <pre class="workload" tabIndex={0}>
            {shown.content}
          </pre>
          <p class="hint">
            {shown.kind}, {bytes(shown.bytes)}
            {shown.isCut && ', only the beginning is shown'}
          </p>
        </>
      )}
    </section>
  );
}

async function download(handle: string): Promise<void> {
  try {
    const headers = { Accept: 'application/octet-stream' };
    const answer = await send('GET', pathOf.job(handle, '/workload?download=1'), { headers });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `${handle.replaceAll(/[^\w.-]/g, '_')}.bin`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast('failed', error.message);
  }
}
