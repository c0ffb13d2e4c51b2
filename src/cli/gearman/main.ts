/** The command `gearman`: submits jobs, or works on them with a command. */

import { type ReadTool, readToolWords } from '../../option/read-tool.ts';
import { type BackgroundChannel, backgroundChannel, startInBackground } from '../background.ts';
import { reasonOf, UnreachableError } from '../tool/failure.ts';
import { endOnLostOutput, writeAll } from '../tool/streams.ts';
import { Tidying } from '../tool/tidying.ts';
import { GEARMAN, gearmanValues } from './options.ts';

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

export async function main(argv: readonly string[]): Promise<number> {
  endOnLostOutput('gearman');
  const read = readToolWords(argv, GEARMAN);
  const values = gearmanValues(read);
  if (values.help) {
    const { helpFor } = await import('../../option/manual.ts');
    const { text, problem } = helpFor(
      GEARMAN,
      read.given.has('functions') ? [] : read.operands,
      process.stdout.columns,
    );
    if (problem !== null) complain(problem);
    await writeAll(process.stdout, text);
    return problem === null ? 0 : 1;
  }
  if (values.version) {
    const { toolVersion } = await import('../version-text.ts');
    await writeAll(process.stdout, toolVersion('gearman'));
    return 0;
  }
  const problems = problemsOf(read);
  for (const problem of problems) complain(problem);
  if (problems.length > 0) {
    if (channel === null) process.stderr.write('gearman --help lists all options\n');
    return 1;
  }
  if (values.daemon && channel === null) {
    return startInBackground(process.argv[1] as string, argv, complain);
  }
  const tidying = new Tidying();
  try {
    const { pidFile } = values;
    if (pidFile !== null) {
      const { removePidFile, writePidFile } = await import('../pid-file.ts');
      writePidFile(pidFile, process.pid);
      tidying.add(() => removePidFile(pidFile, process.pid));
    }
    const around = { tidying, say: complain, ready: () => channel?.ready() };
    if (values.worker) {
      const { runWorker } = await import('./worker/run-worker.ts');
      return await runWorker(read, around);
    }
    const { runClient } = await import('./client/run-client.ts');
    return await runClient(read, around);
  } catch (error) {
    complain(reasonOf(error));
    // The C tool exits with 1 only for an invalid command line and a failed job.
    return values.exitStatus === 'c' && error instanceof UnreachableError ? 0 : 1;
  }
}
