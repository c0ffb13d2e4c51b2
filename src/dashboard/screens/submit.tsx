/** A job for trying out, and what became of it. */
import { useState } from 'preact/hooks';
import { changes } from '../api/actions.ts';
import { ApiError, call } from '../api/request.ts';
import type { SubmitResult } from '../api/types.ts';
import { closeDialog, Dialog } from '../parts/dialog.tsx';
import { Failure, JobLink } from '../parts/words.tsx';

const WAIT_S = 30;

export function Submit({ name }: { name: string }) {
  const [values, setValues] = useState({
    ...{ function: name, unique: '', workload: '', priority: 'normal', isBackground: true },
  });
  const [result, setResult] = useState<SubmitResult | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const set = (change: Partial<typeof values>): void => setValues({ ...values, ...change });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    setResult(null);
    const { unique, ...others } = values;
    const body = unique === '' ? others : { ...others, unique };
    const headers: Record<string, string> = values.isBackground ? {} : { Prefer: `wait=${WAIT_S}` };
    try {
      setResult((await call<SubmitResult>('POST', 'v1/jobs', { body, headers })).data);
      changes.value++;
    } catch (refusal) {
      if (!(refusal instanceof ApiError)) throw refusal;
      setError(refusal);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Submit a job">
      <form onSubmit={submit}>
        <div class="grid">
          <label class="field">
            <span>Function</span>
            <input
              type="text"
              required
              spellcheck={false}
              value={values.function}
              onInput={(event) => set({ function: event.currentTarget.value })}
            />
          </label>
          <label class="field">
            <span>Unique key</span>
            <input
              type="text"
              maxLength={64}
              spellcheck={false}
              value={values.unique}
              onInput={(event) => set({ unique: event.currentTarget.value })}
            />
            <small>empty: the server makes one</small>
          </label>
          <label class="field">
            <span>Priority</span>
            <select
              value={values.priority}
              onChange={(event) => set({ priority: event.currentTarget.value })}
            >
              <option>high</option>
              <option>normal</option>
              <option>low</option>
            </select>
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={values.isBackground}
              onChange={(event) => set({ isBackground: event.currentTarget.checked })}
            />
            <span>in the background</span>
          </label>
        </div>
        <label class="field">
          <span>Workload</span>
          <textarea
            rows={4}
            spellcheck={false}
            value={values.workload}
            onInput={(event) => set({ workload: event.currentTarget.value })}
          />
        </label>
        <div role="status">
          {isBusy && !values.isBackground && <p>Waiting for the result, up to {WAIT_S} s…</p>}
          {result !== null && <Result result={result} />}
        </div>
        {error !== null && <Failure error={error} />}
        <div class="buttons">
          <button type="button" onClick={closeDialog}>
            Close
          </button>
          <button type="submit" class="primary" disabled={isBusy || values.function === ''}>
            Submit
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Result({ result: { handle, state, data } }: { result: SubmitResult }) {
  return (
    <>
      <p>
        <JobLink handle={handle} />: {state}
      </p>
      {data !== null && data !== '' && <pre class="workload">{data}</pre>}
    </>
  );
}
