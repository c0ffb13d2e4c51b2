/** Client mode: from the parsed command line to the exit status. */
import type { ReadTool } from '../../../option/read-tool.ts';
import type { Tidying } from '../../tool/tidying.ts';
import { tlsSettings } from '../../tool/tls.ts';
import { tokenOf } from '../../tool/token.ts';
import { gearmanValues } from '../options.ts';
import { serversOf } from '../servers.ts';
import { NoWorkerHint } from './no-worker.ts';
import { ProgressLine } from './progress-line.ts';
import { submitJobs } from './submit-jobs.ts';
import { workloadsOf } from './workloads.ts';

export interface Surroundings {
  readonly tidying: Tidying;
  /** Reports a sentence to the user. */
  say(text: string): void;
  /** Called when the whole command line has been checked. */
  ready(): void;
}

/** Runs the client. Resolves to the exit status; rejects when no job server can be reached. */
export async function runClient(read: ReadTool, around: Surroundings): Promise<number> {
  const values = gearmanValues(read);
  const { stdin, stdout, stderr } = process;
  const servers = {
    all: serversOf(read.values, process.env),
    tls: tlsSettings(read.values, process.env),
    token: tokenOf(read.values),
  };
  const isShown = stderr.isTTY === true && !values.quiet && !values.json;
  const progress = new ProgressLine(isShown ? stderr : null);
  around.tidying.add(() => progress.clear());
  const { verbose: tellsHandles, prefix: isPrefixed } = values;
  const report = values.json
    ? new (await import('../report-json.ts')).JsonReport(stdout)
    : new (await import('./report.ts')).TextReport({
        stdout,
        stderr,
        tellsHandles,
        isPrefixed,
        progress,
      });
  const say = (text: string): void => {
    if (values.quiet) return;
    progress.clear();
    around.say(text);
  };
  const hint = new NoWorkerHint(servers, say);
  const workloads = workloadsOf(values, read.operands, stdin);
  if (workloads.isTyped && isShown)
    around.say('reading workloads from the terminal, Ctrl-D ends them');
  around.ready();
  const run = { values, servers, workloads, report, progress, hint, say };
  const { failed, broken } = await submitJobs(run);
  return failed > 0 || (broken > 0 && values.exitStatus === 'strict') ? 1 : 0;
}
