#!/usr/bin/env node
/** The command `gearman`: submits jobs, or works on them with a command. */
import { type BackgroundChannel, backgroundChannel, startInBackground } from './background.ts';
import { GEARMAN, gearmanValues } from './gearman/options.ts';
import { removePidFile, writePidFile } from './pid-file.ts';
import { reasonOf, UnreachableError } from './tool/failure.ts';
import { helpText } from './tool/manual.ts';
import { type ReadTool, readToolWords } from './tool/read-tool-words.ts';
import { beforeSignal, endOnBrokenPipe, writeAll } from './tool/streams.ts';
import { tlsSettings } from './tool/tls.ts';

const channel: BackgroundChannel | null = backgroundChannel();

function complain(text: string): void {
  if (channel === null) process.stderr.write(`gearman: ${text}\n`);
  else channel.complain(text);
}

function problemsOf({ values, problems }: ReadTool): string[] {
  if (problems.length > 0) return [...problems];
  return (values.functions as readonly string[]).length > 0
    ? []
    : ['no function: name one with -f'];
}

/** What is to be put in order when the program ends, by itself or by a signal. */
class Tidying {
  readonly #steps: (() => void)[] = [];

  constructor() {
    beforeSignal(() => this.run());
    process.once('exit', () => this.run());
  }

  add(step: () => void): void {
    this.#steps.push(step);
  }

  run(): void {
    for (const step of this.#steps.splice(0)) step();
  }
}

async function runClient(read: ReadTool, tidying: Tidying): Promise<number> {
  const values = gearmanValues(read);
  const { serversOf } = await import('./gearman/servers.ts');
  const { submitJobs } = await import('./gearman/submit-jobs.ts');
  const { NoWorkerHint } = await import('./gearman/no-worker.ts');
  const { ProgressLine } = await import('./gearman/progress-line.ts');
  const { TextReport } = await import('./gearman/report.ts');
  const { JsonReport } = await import('./gearman/report-json.ts');
  const { workloadsOf } = await import('./gearman/workloads.ts');
  const servers = {
    all: serversOf(read.values, process.env),
    tls: tlsSettings(read.values, process.env),
  };
  const isShown = process.stderr.isTTY === true && !values.quiet && !values.json;
  const progress = new ProgressLine(isShown ? process.stderr : null);
  tidying.add(() => progress.clear());
  const { stdout, stderr } = process;
  const report = values.json
    ? new JsonReport(stdout)
    : new TextReport({
        stdout,
        stderr,
        tellsHandles: values.verbose,
        isPrefixed: values.prefix,
        progress,
      });
  const hint = new NoWorkerHint(servers, (text) => {
    if (values.quiet) return;
    progress.clear();
    complain(text);
  });
  const workloads = workloadsOf(values, read.operands, process.stdin);
  channel?.ready();
  const { failed, broken } = await submitJobs({
    values,
    servers,
    workloads,
    report,
    progress,
    hint,
  });
  return failed > 0 || (broken > 0 && values.exitStatus === 'strict') ? 1 : 0;
}

async function runWorker(read: ReadTool, tidying: Tidying): Promise<number> {
  const values = gearmanValues(read);
  const { serversOf } = await import('./gearman/servers.ts');
  const { Commands } = await import('./gearman/command.ts');
  const { commandHandler, printHandler } = await import('./gearman/handle-job.ts');
  const { JsonReport } = await import('./gearman/report-json.ts');
  const { work } = await import('./gearman/work.ts');
  const servers = {
    all: serversOf(read.values, process.env),
    tls: tlsSettings(read.values, process.env),
  };
  const commands = read.operands.length === 0 ? null : new Commands(read.operands, process.env);
  if (commands !== null) tidying.add(() => commands.endAll());
  const json = values.json ? new JsonReport(process.stdout) : null;
  const handler = commands === null ? printHandler : commandHandler(values, commands);
  channel?.ready();
  const idle = await work({ values, servers, handler, json, say: complain });
  return idle > 0 && values.exitStatus === 'strict' ? 1 : 0;
}

async function main(argv: readonly string[]): Promise<number> {
  endOnBrokenPipe();
  const read = readToolWords(argv, GEARMAN);
  const values = gearmanValues(read);
  if (values.help) {
    await writeAll(process.stdout, helpText(GEARMAN, process.stdout.columns));
    return 0;
  }
  const problems = problemsOf(read);
  for (const problem of problems) complain(problem);
  if (problems.length > 0) {
    if (channel === null) process.stderr.write('gearman --help tells what there is\n');
    return 1;
  }
  if (values.daemon && channel === null) {
    return startInBackground(process.argv[1] as string, argv, complain);
  }
  const tidying = new Tidying();
  try {
    const { pidFile } = values;
    if (pidFile !== null) {
      writePidFile(pidFile, process.pid);
      tidying.add(() => removePidFile(pidFile, process.pid));
    }
    return await (values.worker ? runWorker(read, tidying) : runClient(read, tidying));
  } catch (error) {
    complain(reasonOf(error));
    // The C tool says 1 for a wrong command line and a failed job only.
    return values.exitStatus === 'c' && error instanceof UnreachableError ? 0 : 1;
  }
}

process.exit(await main(process.argv.slice(2)));
