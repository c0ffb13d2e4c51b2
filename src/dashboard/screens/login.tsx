/** The token, swapped for a session. Rule: it never becomes part of an address and is never stored. */
import { useState } from 'preact/hooks';
import { ApiError, isLoginOptional, logIn, needsLogin } from '../api/request.ts';
import { Failure } from '../parts/words.tsx';

export function Login() {
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [words, setWords] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(words.trim());
    } catch (refusal) {
      if (!(refusal instanceof ApiError)) throw refusal;
      setError(refusal);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1>
          <img src="./icon.svg" alt="" width="28" height="28" /> geartrain
        </h1>
        <p>
          {isLoginOptional.value
            ? `${location.host} shows and allows more with its token.`
            : `${location.host} asks for its token.`}
        </p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            autocomplete="current-password"
            required
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        {error !== null && <Failure error={error} />}
        <button type="submit" class="primary" disabled={isBusy || words === ''}>
          Log in
        </button>
        {isLoginOptional.value && (
          <button
            type="button"
            onClick={() => {
              needsLogin.value = false;
            }}
          >
            Back, without a token
          </button>
        )}
        <p class="hint">
          It is the content of the file that <code>--control-token-file</code> names.
        </p>
      </form>
    </main>
  );
}
