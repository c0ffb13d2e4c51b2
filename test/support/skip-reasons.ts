/**
 * Prints at the end of a run which tests were skipped and why. Rule: a file that skips a test has printed `skipped:
 * REASON` (`peers.ts` does) or given `context.skip` the reason; otherwise the run fails, because the skip would go
 * unnoticed.
 */
import type { UserConsoleLog } from 'vitest';
import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';

const REASON = /^skipped: (.+)$/gm;

export default class SkipReasons implements Reporter {
  #vitest: Vitest | null = null;
  /** Reasons by path of the file that gave them. */
  readonly #reasons = new Map<string, Set<string>>();

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onUserConsoleLog({ content, taskId = '' }: UserConsoleLog): void {
    const path = this.#vitest?.state.idMap.get(taskId)?.file.filepath ?? taskId;
    for (const [, reason = ''] of content.matchAll(REASON)) {
      const said = this.#reasons.get(path) ?? new Set();
      this.#reasons.set(path, said.add(reason));
    }
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, ended: TestRunEndReason): void {
    // With a pattern of names most tests are skipped, and everybody knows why.
    if (ended === 'interrupted' || this.#vitest?.config.testNamePattern !== undefined) return;
    const files = new Map<string, number>();
    for (const module of modules) {
      const skipped = [...module.children.allTests('skipped')];
      if (skipped.length === 0 || module.state() === 'failed') continue;
      const reasons = new Set(this.#reasons.get(module.moduleId));
      for (const test of skipped) {
        const result = test.result();
        if (result.state === 'skipped' && result.note !== undefined) reasons.add(result.note);
      }
      if (reasons.size === 0) this.#fail(module.relativeModuleId, skipped.length);
      for (const reason of reasons) files.set(reason, (files.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of [...files].sort())
      console.log(`skipped in ${count} file${count === 1 ? '' : 's'}: ${reason}`);
  }

  #fail(path: string, count: number): void {
    console.error(`${path} skips ${count} tests and does not print why`);
    process.exitCode = 1;
  }
}
