/** Worker mode: from the parsed command line to the exit status. */
import type { ReadTool } from '../../../option/read-tool.ts';
import { tlsSettings } from '../../tool/tls.ts';
import { tokenOf } from '../../tool/token.ts';
import type { Surroundings } from '../client/run-client.ts';
import { gearmanValues } from '../options.ts';
import { serversOf } from '../servers.ts';
import { Commands } from './command.ts';
import { commandHandler, printHandler } from './handle-job.ts';
import { work } from './work.ts';

/** Runs the worker until its attempts are over; resolves to the exit status. */
export async function runWorker(read: ReadTool, around: Surroundings): Promise<number> {
  const values = gearmanValues(read);
  const servers = {
    all: serversOf(read.values, process.env),
    tls: tlsSettings(read.values, process.env),
    token: tokenOf(read.values),
  };
  const commands = read.operands.length === 0 ? null : new Commands(read.operands, process.env);
  const json = values.json
    ? new (await import('../report-json.ts')).JsonReport(process.stdout)
    : null;
  const handler = commands === null ? printHandler : commandHandler(values, commands);
  around.ready();
  const idle = await work({
    values,
    servers,
    handler,
    json,
    say: around.say,
    onWorker: (worker) =>
      around.tidying.add(async () => {
        // First the connection, so that ending a command here does not fail its job.
        await worker.close();
        await commands?.endAll();
      }),
  });
  return idle > 0 && values.exitStatus === 'strict' ? 1 : 0;
}
