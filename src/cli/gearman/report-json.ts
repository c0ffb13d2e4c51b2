/** Output of a client or worker with `--json`: a line for each event. */
import { isUtf8 } from 'node:buffer';
import type { Writable } from 'node:stream';
import { writeAll } from '../tool/streams.ts';
import type { JobFacts, Report } from './client/report.ts';

/** Bytes as text if they are UTF-8, otherwise as base64. */
function bytesField(bytes: Uint8Array): { data: string } | { base64: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { data: buffer.toString() } : { base64: buffer.toString('base64') };
}

export class JsonReport implements Report {
  readonly #stdout: Writable;

  constructor(stdout: Writable) {
    this.#stdout = stdout;
  }

  created(job: JobFacts): Promise<void> {
    return this.write('created', job);
  }

  queued(job: JobFacts): Promise<void> {
    return this.write('queued', job);
  }

  data(job: JobFacts, bytes: Uint8Array): Promise<void> {
    return this.write('data', job, bytesField(bytes));
  }

  status(job: JobFacts, numerator: number, denominator: number): Promise<void> {
    return this.write('status', job, { numerator, denominator });
  }

  warning(job: JobFacts, bytes: Uint8Array): Promise<void> {
    return this.write('warning', job, bytesField(bytes));
  }

  exception(job: JobFacts, bytes: Uint8Array): Promise<void> {
    return this.write('exception', job, bytesField(bytes));
  }

  complete(job: JobFacts, result: Uint8Array): Promise<void> {
    return this.write('complete', job, bytesField(result));
  }

  failed(job: JobFacts): Promise<void> {
    return this.write('fail', job);
  }

  error(job: JobFacts, message: string): Promise<void> {
    return this.write('error', job, { message });
  }

  /** A worker has started a job. */
  job(job: JobFacts, unique: string, workload: Uint8Array): Promise<void> {
    return this.write('job', job, { unique, ...bytesField(workload) });
  }

  /** Writes a line; keys without a value are left out. */
  write(event: string, job: JobFacts, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { functionName, handle, index } = job;
    const line = { event, function: functionName, handle: handle ?? undefined, index, ...more };
    return writeAll(this.#stdout, `${JSON.stringify(line)}\n`);
  }
}
