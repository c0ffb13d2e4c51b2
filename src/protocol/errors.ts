/**
 * THE catalogue of ERROR packets, in gearmand's spelling; built once and sent unchanged. Source: observed replies of
 * gearmand 1.1.20 and 2.0.
 */
import { packetOf } from './encode.ts';
import { Packet } from './packets.ts';

const error = (code: string, text: string) => packetOf(Packet.ERROR, `${code}\0${text}`);

/** Complete packets, header included. */
export const Errors = {
  invalidMagic: error('INVALID_MAGIC', 'Request magic expected'),
  invalidCommand: error('INVALID_COMMAND', 'Command not expected'),
  unknownOption: error('UNKNOWN_OPTION', 'Server does not recognize given option'),
  unknownToken: error('NOT_ALLOWED', 'The token is not known'),
  uniqueTooLarge: error('ARGUMENT_TOO_LARGE', 'Unique value too large'),
  handleTooLarge: error(
    'ARGUMENT_TOO_LARGE',
    'Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf',
  ),
  queueFull: error('QUEUE_ERROR', 'Job queue is full'),
  queueError: error('QUEUE_ERROR', 'QUEUE_ERROR'),
  draining: error('QUEUE_ERROR', 'The function takes no new jobs'),
  resultJobNotFound: error('JOB_NOT_FOUND', 'Job given in work result not found'),
  jobNotFound: error('JOB_NOT_FOUND', 'Job does not exist on server'),
  exceptionJobNotFound: error(
    'JOB_NOT_FOUND',
    'An exception was received for a job that does not exist',
  ),
} as const;

/** `ERROR ARGUMENT_TOO_LARGE` for a packet above --max-packet-size; the connection is closed after it. */
export function packetTooLarge(packetBytes: number, limitBytes: number): Uint8Array {
  return error('ARGUMENT_TOO_LARGE', `packet is ${packetBytes} bytes, limit ${limitBytes}`);
}

/** The ERROR for a request that access rules do not allow. */
export function notAllowed(what: string): Uint8Array {
  return error('NOT_ALLOWED', `Not allowed ${what}`);
}

/** The ERROR for a WORK_ packet about a job that its sender does not hold. */
export function workErrorFor(type: number): Uint8Array {
  if (type === Packet.WORK_DATA || type === Packet.WORK_WARNING) return Errors.jobNotFound;
  if (type === Packet.WORK_EXCEPTION) return Errors.exceptionJobNotFound;
  return Errors.resultJobNotFound;
}
