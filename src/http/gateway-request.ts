/**
 * Reads the job from an HTTP request, in gearmand's mapping: the target without its leading slash is the function's
 * name, byte for byte; headers give unique, background and priority; the body is the workload.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { UNIQUE_BYTES_MAX } from '../protocol/limits.ts';
import { submitTypes } from '../protocol/submit-types.ts';

/** A job to submit. */
export interface JobRequest {
  /** A SUBMIT_JOB type. */
  readonly type: number;
  readonly functionName: Uint8Array;
  readonly unique: Uint8Array;
  readonly isBackground: boolean;
}

/** An answer without a job. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** gearmand's default: jobs of a function with the same workload are one. */
const UNIQUE_DEFAULT = '-';

const { foreground, background } = submitTypes(null);

function header(headers: IncomingHttpHeaders, name: string): string {
  return String(headers[name] ?? '');
}

/** Reads everything except the body. */
export function readRequest(request: IncomingMessage): JobRequest | Refusal {
  const { method = '', url = '', headers } = request;
  if (!['GET', 'POST', 'PUT', 'HEAD'].includes(method))
    return { status: 405, text: `${method} is not allowed` };
  const functionName = Buffer.from(url.startsWith('/') ? url.slice(1) : url, 'latin1');
  if (functionName.length === 0)
    return method === 'HEAD' ? { status: 200, text: '' } : { status: 404, text: '' };
  const unique = Buffer.from(header(headers, 'x-gearman-unique') || UNIQUE_DEFAULT, 'latin1');
  if (unique.length > UNIQUE_BYTES_MAX)
    return { status: 400, text: `X-Gearman-Unique is ${unique.length} bytes, limit 64` };
  const isBackground = header(headers, 'x-gearman-background').toLowerCase() === 'true';
  const priority = header(headers, 'x-gearman-priority').toLowerCase();
  const types = isBackground ? background : foreground;
  // gearmand has no name for normal.
  const type = priority === 'normal' ? undefined : types.get(priority || 'normal');
  if (type === undefined)
    return { status: 400, text: `X-Gearman-Priority is ${priority}, allowed are high and low` };
  return { type, functionName, unique, isBackground };
}

/** Whether the request may have a body; other bodies are not read. */
export function hasBody(request: IncomingMessage): boolean {
  return request.method === 'POST' || request.method === 'PUT';
}
