/**
 * `--daemon`: the command starts itself again in a session of its own and waits for the child's message. It exits with
 * 0 only when the port is bound, and with 1 and the child's message when the child fails.
 */
import { spawn } from 'node:child_process';

const MARK = 'GEARTRAIN_BACKGROUND';

type Word = { readonly complaint: string } | { readonly isReady: true };

/** The child's end of the channel to the command that started it. */
export interface BackgroundChannel {
  complain(text: string): void;
  /** The port is bound: the command exits, the channel closes. */
  ready(): void;
}

/**
 * The channel when this process is such a child; otherwise null. Call it once, before anything reads the environment.
 */
export function backgroundChannel(env: NodeJS.ProcessEnv = process.env): BackgroundChannel | null {
  const isMarked = env[MARK] === '1';
  delete env[MARK];
  if (!isMarked || process.send === undefined) return null;
  const say = (word: Word): void => {
    // The command may have been killed meanwhile; the server continues without it.
    if (process.connected) process.send?.(word, undefined, undefined, () => {});
  };
  return {
    complain: (text) => say({ complaint: text }),
    ready: () => {
      say({ isReady: true });
      if (process.connected) process.disconnect();
    },
  };
}

/** Starts `script` with `argv` detached. Resolves to the exit code of the command. */
export function startInBackground(
  script: string,
  argv: readonly string[],
  complain: (text: string) => void,
): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, script, ...argv], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  const stop = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return new Promise((resolve) => {
    let hasComplained = false;
    child.on('message', (word: Word) => {
      if ('isReady' in word) {
        child.unref();
        resolve(0);
      } else {
        hasComplained = true;
        complain(word.complaint);
      }
    });
    child.once('error', (error) => {
      complain(`start in the background: ${error.message}`);
      resolve(1);
    });
    // `close`, not `exit`: the child's last output is read first.
    child.once('close', (code, signal) => {
      if (!hasComplained) complain(`ended before it listened: ${signal ?? `exit code ${code}`}`);
      resolve(1);
    });
  });
}
