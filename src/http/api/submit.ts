/**
 * Submits a job for a caller of the API on a connection of its own in this process. Rule: exactly one result; a
 * foreground job ends with its request.
 */
import { latin1 } from '../../base/bytes.ts';
import { argumentEnd } from '../../link/arguments.ts';
import { Connection } from '../../link/connection.ts';
import type { Endpoint } from '../../link/endpoint.ts';
import { Packet } from '../../protocol/packets.ts';
import { ApiProblem } from './problems.ts';

const EXCEPTIONS = Buffer.from('exceptions');
/** The job server is in this process, so if it does not answer in this time, it is shutting down. */
const CONNECT_MS = 5_000;
const ALIVE_MS = 120_000;

/** A job to be submitted; names are bytes. */
export interface Submission {
  readonly functionName: Buffer;
  readonly unique: Buffer;
  readonly workload: Uint8Array;
  readonly priority: 'high' | 'normal' | 'low';
  readonly isBackground: boolean;
  /** How long to wait for the result of a foreground job. */
  readonly waitMs: number;
}

export interface SubmitOutcome {
  readonly handle: string;
  readonly state: 'queued' | 'complete' | 'failed' | 'exception' | 'late';
  /** Latin-1, one character a byte; null without a result. */
  readonly data: string | null;
}

const TYPES = {
  high: [Packet.SUBMIT_JOB_HIGH, Packet.SUBMIT_JOB_HIGH_BG],
  normal: [Packet.SUBMIT_JOB, Packet.SUBMIT_JOB_BG],
  low: [Packet.SUBMIT_JOB_LOW, Packet.SUBMIT_JOB_LOW_BG],
} as const;

/** Bytes of a result that are returned; a longer one is cut. */
const RESULT_BYTES_MAX = 1024 * 1024;

/** Throws ApiProblem `jobRefused`. `left` aborts when the caller has gone: then a foreground job is dropped. */
export function submit(
  endpoint: Endpoint,
  job: Submission,
  left: AbortSignal,
): Promise<SubmitOutcome> {
  return new Promise((resolve, reject) => {
    let handle = '';
    let data = Buffer.alloc(0);
    const end = (outcome: SubmitOutcome | ApiProblem): void => {
      clearTimeout(timer);
      left.removeEventListener('abort', leave);
      connection.destroy('ERR_GEARMAN_CLOSED', 'was disconnected');
      if (outcome instanceof ApiProblem) reject(outcome);
      else resolve(outcome);
    };
    const leave = () => end(new ApiProblem('jobRefused', 'the caller has left'));
    const add = (bytes: Buffer): void => {
      const room = RESULT_BYTES_MAX - data.length;
      if (room > 0) data = Buffer.concat([data, bytes.subarray(0, room)]);
    };
    const connection = new Connection(
      endpoint,
      {
        ...{ connectTimeoutMs: CONNECT_MS, keepaliveMs: ALIVE_MS, answerTimeoutMs: ALIVE_MS },
        ...{ endpoints: [], id: null, token: null, backoffMinMs: 1, backoffMaxMs: 1 },
      },
      {
        greet: (writer) => {
          writer.open(Packet.OPTION_REQ, EXCEPTIONS.length);
          writer.put(EXCEPTIONS);
          writer.close();
        },
        onReady: () => {
          const { functionName, unique, workload, priority, isBackground } = job;
          const { writer } = connection;
          const byteCount = functionName.length + unique.length + 2 + workload.length;
          writer.open(TYPES[priority][isBackground ? 1 : 0], byteCount);
          writer.put(functionName);
          writer.nul();
          writer.put(unique);
          writer.nul();
          writer.closeWith(workload);
          connection.flushSoon();
        },
        onPacket: (type, bytes, start, stop) => {
          const firstEnd = argumentEnd(bytes, start, stop);
          const rest = Buffer.from(bytes.subarray(Math.min(stop, firstEnd + 1), stop));
          const isOver = (state: SubmitOutcome['state']) =>
            end({ handle, state, data: data.toString('latin1') });
          if (type === Packet.JOB_CREATED) {
            handle = latin1(bytes, start, stop);
            if (job.isBackground) end({ handle, state: 'queued', data: null });
          } else if (type === Packet.ERROR) {
            const code = latin1(bytes, start, firstEnd);
            end(new ApiProblem('jobRefused', `${code} ${rest.toString('latin1')}`));
          } else if (type === Packet.WORK_DATA) add(rest);
          else if (type === Packet.WORK_COMPLETE) {
            add(rest);
            isOver('complete');
          } else if (type === Packet.WORK_FAIL) isOver('failed');
          else if (type === Packet.WORK_EXCEPTION) {
            add(rest);
            isOver('exception');
          }
        },
        onDrained: () => {},
        onClosed: () => end(new ApiProblem('jobRefused', 'the job server takes no requests')),
      },
    );
    const timer = setTimeout(() => end({ handle, state: 'late', data: null }), job.waitMs);
    left.addEventListener('abort', leave, { once: true });
  });
}
