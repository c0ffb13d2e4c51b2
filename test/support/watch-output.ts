/** The output of a process started by a test, as it comes, and how it ends. */
import type { ChildProcess } from 'node:child_process';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WatchedProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<ProcessEnd>;
  /** Resolves as soon as stdout and stderr together match; rejects when the process ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Watches a process whose output comes by pipes. */
export function watchOutput(child: ChildProcess, encoding: 'utf8' | 'latin1'): WatchedProcess {
  const texts = { stdout: '', stderr: '' };
  const said = (): string => `${texts.stdout}\n${texts.stderr}`;
  const looks = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding(encoding).on('data', (chunk: string) => {
      texts[name] += chunk;
      for (const look of [...looks]) look();
    });
  }
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(said());
        if (found === null) return;
        looks.delete(look);
        resolve(found);
      };
      looks.add(look);
      void ended.then(({ code, signal }) =>
        reject(new Error(`ended (${signal ?? code}) before ${pattern}:\n${said()}`)),
      );
      look();
    });
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, ended, until };
}
