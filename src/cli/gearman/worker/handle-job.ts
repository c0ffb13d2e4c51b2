/** Handlers of a worker: run the command, or write the workload to standard output. */

import { Dead, JobFailed } from '../../../link/errors.ts';
import type { Handler } from '../../../worker/types.ts';
import { writeAll } from '../../tool/streams.ts';
import { LineCutter } from '../line-cutter.ts';
import type { GearmanValues } from '../options.ts';
import type { Commands } from './command.ts';

/** Exit status of sysexits.h: the input is wrong, and another run would not help. All others may be tried again. */
const EX_DATAERR = 65;
/** The longest result of a packet, with room for its arguments. */
const RESULT_BYTES_MAX = 2 ** 31 - 65_536;

type BytesHandler = Handler<Uint8Array, Uint8Array | undefined>;

/** Takes output as it comes, and the rest at the end. */
interface OutputWriter {
  take(chunk: Buffer): void;
  /** Bytes of the result. */
  end(): Uint8Array;
}

function lines(send: (bytes: Uint8Array) => void, keepsEnd: boolean): OutputWriter {
  const cutter = new LineCutter(keepsEnd);
  return {
    take: (chunk) => {
      for (const line of cutter.push(chunk)) send(line);
    },
    end: () => {
      for (const line of cutter.flush()) send(line);
      return new Uint8Array(0);
    },
  };
}

function atOnce(send: (bytes: Uint8Array) => void): OutputWriter {
  return {
    take: send,
    end: () => new Uint8Array(0),
  };
}

function atTheEnd(): OutputWriter {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  return {
    take: (chunk) => {
      chunks.push(chunk);
      byteCount += chunk.length;
      if (byteCount > RESULT_BYTES_MAX) {
        throw new JobFailed(`the output is over ${RESULT_BYTES_MAX} bytes: use --stream`);
      }
    },
    end: () => Buffer.concat(chunks),
  };
}

function writerOf(values: GearmanValues, send: (bytes: Uint8Array) => void): OutputWriter {
  if (values.lines || values.linesStripped) return lines(send, !values.linesStripped);
  return values.stream ? atOnce(send) : atTheEnd();
}

/** A handler that runs the command. A command that fails sends its output as WORK_DATA and fails its job. */
export function commandHandler(values: GearmanValues, commands: Commands): BytesHandler {
  return async (job, { signal }) => {
    const writer = writerOf(values, (bytes) => job.sendData(bytes));
    const { isGood, status, words } = await commands.run(job.data, job.attempt, signal, (chunk) =>
      writer.take(chunk),
    );
    const result = writer.end();
    if (isGood) return result;
    if (result.length > 0) job.sendData(result);
    const why = `the command ended with ${words}`;
    throw status === EX_DATAERR ? new Dead(why) : new JobFailed(why);
  };
}

/** A handler that writes workloads to standard output; the result is empty. */
export const printHandler: BytesHandler = async (job) => {
  await writeAll(process.stdout, job.data);
  return undefined;
};
