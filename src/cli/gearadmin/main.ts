/** The command `gearadmin`: operations of the text protocol, and the live view `top`. */
import { type ReadTool, readToolWords } from '../../option/read-tool.ts';
import { optionMeant } from '../../option/read-words.ts';
import { keyOf } from '../../option/row.ts';
import { type AdminAddress, AdminConnection } from '../tool/admin-connection.ts';
import { reasonOf } from '../tool/failure.ts';
import { endOnLostOutput, writeAll } from '../tool/streams.ts';
import { tlsSettings } from '../tool/tls.ts';
import { tokenOf } from '../tool/token.ts';
import { OPERATIONS } from './operations.ts';
import { GEARADMIN, type GearadminValues } from './options.ts';
import { runOperations, type WantedOperation } from './run-operations.ts';

const TOP = 'top';

function complain(text: string): void {
  process.stderr.write(`gearadmin: ${text}\n`);
}

function addressOf({ host: target, port }: GearadminValues): AdminAddress {
  return 'path' in target ? target : { host: target.host, port: target.port ?? port };
}

function shown(address: AdminAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** The operations that were asked for, in the order of the table, which is the C tool's. */
function wantedOperations({ values, given }: ReadTool): WantedOperation[] {
  return OPERATIONS.filter(({ option }) => given.has(keyOf(option))).map((operation) => ({
    operation,
    value: String(values[keyOf(operation.option)]),
  }));
}

function nothingToDo(word: string | undefined): string {
  if (word === undefined) return 'nothing to do: name an operation, or top';
  const operations = OPERATIONS.map(({ option }) => option);
  return `nothing to do: ${JSON.stringify(word)} is not an operation${optionMeant(word, operations)}`;
}

/** Errors in the command line. */
function problemsOf(read: ReadTool, wanted: readonly WantedOperation[]): string[] {
  if (read.problems.length > 0 || read.values.help === true || read.values.version === true)
    return [...read.problems];
  const isTop = read.operands[0] === TOP;
  if (isTop && wanted.length > 0) return ['top stands alone, without operations'];
  if (!isTop && wanted.length === 0) return [nothingToDo(read.operands[0])];
  const ofFunction = wanted.find(({ operation }) => operation.isOfFunction === true);
  const [stray] = read.operands;
  if (ofFunction === undefined || stray === undefined) return [];
  const { name } = ofFunction.operation.option;
  return [
    `the word ${JSON.stringify(stray)} stands alone, and nothing was done: --${name} takes one word, such as ${ofFunction.value}=${stray}`,
  ];
}

async function carryOut(read: ReadTool, wanted: readonly WantedOperation[]): Promise<number> {
  const values = read.values as GearadminValues;
  const tls = tlsSettings(read.values, process.env);
  const token = tokenOf(read.values);
  const address = addressOf(values);
  const connect = async (): Promise<AdminConnection> => {
    try {
      return await AdminConnection.open(address, {
        tls,
        token,
        timeoutMs: values.timeoutMs,
      });
    } catch (error) {
      throw new Error(`connect to ${shown(address)}: ${reasonOf(error)}`, { cause: error });
    }
  };
  if (wanted.length === 0) {
    const { top } = await import('./top/top.ts');
    await top({
      connect,
      server: shown(address),
      intervalMs: values.intervalMs,
      count: values.count,
      sort: values.sort,
    });
    return 0;
  }
  const connection = await connect();
  try {
    const isGood = await runOperations(connection, wanted);
    return isGood || values.exitStatus === 'c' ? 0 : 1;
  } finally {
    connection.close();
  }
}

export async function main(argv: readonly string[]): Promise<number> {
  endOnLostOutput('gearadmin');
  const read = readToolWords(argv, GEARADMIN);
  const wanted = wantedOperations(read);
  const problems = problemsOf(read, wanted);
  for (const problem of problems) complain(problem);
  if (problems.length > 0) {
    process.stderr.write('gearadmin --help lists all options\n');
    return 1;
  }
  if (read.values.help === true) {
    const { helpFor } = await import('../../option/manual.ts');
    const { text, problem } = helpFor(GEARADMIN, read.operands, process.stdout.columns);
    if (problem !== null) complain(problem);
    await writeAll(process.stdout, text);
    return problem === null ? 0 : 1;
  }
  if (read.values.version === true) {
    const { toolVersion } = await import('../version-text.ts');
    await writeAll(process.stdout, toolVersion('gearadmin'));
    return 0;
  }
  const strays = wanted.length > 0 ? read.operands : read.operands.slice(1);
  for (const word of strays) complain(`the word ${JSON.stringify(word)} has no effect`);
  try {
    return await carryOut(read, wanted);
  } catch (error) {
    complain(reasonOf(error));
    return 1;
  }
}
