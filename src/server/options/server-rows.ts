/**
 * Rows of the options table for jobs, limits and warnings, in the daemon and inside a program.
 * Names, short forms and meanings of gearmand 2.0 come first; options of our own keep to its style.
 */
import { HANDLE_PREFIX_BYTES_MAX } from '../../protocol/handle.ts';
import { PACKET_BYTES_DEFAULT } from '../../protocol/limits.ts';
import { threadCount } from './address-types.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { choice, flag, integer, size, text } from './option-type.ts';

const INT_MAX = 2 ** 31 - 1;
const MIB = 1024 ** 2;
/** Below PACKET_BYTES_LIMIT, and a number that one can write with a suffix. */
const PACKET_BYTES_MAX = 2047 * MIB;
/** A day: longer delays are mistakes, and timers stay far below 2^31 ms. */
const DELAY_MS_MAX = 86_400_000;
/** Owners are bits of a 32-bit mask, and the acceptor is one more thread. */
const THREADS_MAX = 30;

function isHandlePrefix(prefix: string): boolean {
  const bytes = Buffer.from(prefix);
  const isShort = bytes.length >= 1 && bytes.length <= HANDLE_PREFIX_BYTES_MAX;
  return isShort && bytes.every((byte) => byte > 0x20 && byte !== 0x7f);
}

export const jobRows = [
  {
    name: 'threads',
    short: 't',
    key: 'threads',
    type: threadCount(THREADS_MAX),
    fallback: 'auto',
    embeddedFallback: 0,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    note: (value) =>
      value === 0 ? '--threads 0 is one thread for everything, whatever the processors' : null,
    help: 'threads that share the functions; auto = usable processors - 1, at least 1, at most 16; 0 = everything in one thread',
  },
  {
    name: 'exceptions',
    key: 'exceptions',
    type: flag,
    fallback: false,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'every connection starts with the exceptions option on',
  },
  {
    name: 'job-retries',
    short: 'j',
    key: 'jobRetries',
    type: integer({ min: 0, max: 255, special: { [-1]: 'no limit', 0: 'no second attempt' } }),
    fallback: -1,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'further attempts for a job whose worker was lost',
  },
  {
    name: 'job-handle-prefix',
    key: 'jobHandlePrefix',
    type: text({
      argument: 'prefix',
      allowed: `1 to ${HANDLE_PREFIX_BYTES_MAX} bytes without blanks and control characters`,
      isAllowed: isHandlePrefix,
    }),
    fallback: null,
    fallbackText: 'H: and the host name',
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'how every job handle begins',
  },
  {
    name: 'job-order',
    key: 'jobOrder',
    type: choice('2.0', '1.1.20'),
    fallback: '2.0',
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'how a worker of several functions is served: 2.0 = best priority of all, functions in rotation; 1.1.20 = function by function, the last registered first',
  },
  {
    name: 'round-robin',
    short: 'R',
    key: 'roundRobin',
    type: flag,
    fallback: false,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    note: (_value, values) =>
      values.jobOrder === '2.0' ? '--round-robin is always on with --job-order 2.0' : null,
    help: 'serve the functions of a worker in rotation; always so with --job-order 2.0',
  },
  {
    name: 'worker-wakeup',
    short: 'w',
    key: 'workerWakeup',
    type: integer({ min: 0, max: 65_535, special: { 0: '1' } }),
    fallback: 0,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    note: (value) =>
      value === 0 ? '--worker-wakeup 0 wakes one worker a job, not all of them' : null,
    help: 'sleeping workers to wake for each job',
  },
  {
    name: 'wakeup-delay',
    key: 'wakeupDelay',
    type: integer({ min: 1, max: DELAY_MS_MAX, unit: 'milliseconds' }),
    fallback: 100,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'when a woken worker has not come for a job by then, the next one is woken',
  },
  {
    name: 'drain-timeout',
    key: 'drainTimeout',
    type: integer({ min: 0, max: DELAY_MS_MAX / 1000, unit: 'seconds' }),
    fallback: 30,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'how long an end with SIGUSR1 waits for running and foreground jobs where a store keeps the others',
  },
  {
    name: 'warm-up',
    key: 'warmUp',
    type: integer({ min: 1, max: 1_000, unit: 'milliseconds', special: { 0: 'off' } }),
    fallback: 40,
    embeddedFallback: 0,
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'how long each thread tries its code out, all at once, before the server listens: the first answers are fast then',
  },
  {
    name: 'native',
    key: 'native',
    type: choice('auto', 'on', 'off'),
    fallback: 'auto',
    group: OptionGroup.jobs,
    scope: 'server',
    effect: 'used',
    help: 'the native core: auto = where it loads, on = not without it, off = never; GEARTRAIN_NATIVE=0 is off',
  },
] as const satisfies readonly OptionRow[];

export const limitRows = [
  {
    name: 'max-connections',
    key: 'maxConnections',
    type: integer({ min: 0, max: INT_MAX, special: { 0: 'no limit' } }),
    fallback: 0,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'connections at a time; further ones are closed at once',
  },
  {
    name: 'max-connections-per-address',
    key: 'maxConnectionsPerAddress',
    type: integer({ min: 0, max: INT_MAX, special: { 0: 'no limit' } }),
    fallback: 0,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'connections of one IP address at a time; further ones are closed at once',
  },
  {
    name: 'max-packet-rate',
    key: 'maxPacketRate',
    type: integer({ min: 0, max: INT_MAX, special: { 0: 'no limit' } }),
    fallback: 0,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'packets and text lines that one connection may send in a second; above it the connection is paused, not dropped',
  },
  {
    name: 'max-byte-rate',
    key: 'maxByteRate',
    type: size({ min: 1024, max: 2 ** 40, special: { 0: 'no limit' } }),
    fallback: 0,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'bytes that one connection may send in a second; above it the connection is paused, not dropped',
  },
  {
    name: 'max-packet-size',
    key: 'maxPacketSize',
    type: size({ min: 8192, max: PACKET_BYTES_MAX }),
    fallback: PACKET_BYTES_DEFAULT,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'a longer packet is answered with ERROR and its connection closed',
  },
  {
    name: 'output-limit',
    key: 'outputLimit',
    type: size({ min: 65_536, max: PACKET_BYTES_MAX }),
    fallback: 64 * MIB,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'unsent output of one connection; above it the connection is dropped',
  },
  {
    name: 'max-memory',
    key: 'maxMemory',
    type: size({ min: MIB, max: 2 ** 50, special: { 0: 'no limit' } }),
    fallback: 0,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'memory that peers may make the server keep: jobs, function names, connections; new jobs stop at 7/8 of it',
  },
  {
    name: 'max-functions',
    key: 'maxFunctions',
    type: integer({ min: 1, max: INT_MAX }),
    fallback: 1_000_000,
    group: OptionGroup.limits,
    scope: 'server',
    effect: 'used',
    help: 'function names known at a time',
  },
] as const satisfies readonly OptionRow[];

export const warningRows = [
  {
    name: 'slow-turn-ms',
    key: 'slowTurnMs',
    type: integer({ min: 1, max: DELAY_MS_MAX, unit: 'milliseconds', special: { 0: 'off' } }),
    fallback: 100,
    group: OptionGroup.log,
    scope: 'server',
    effect: 'used',
    help: 'a turn of a thread that takes longer is logged with what it did',
  },
  {
    name: 'idle-queue-warning',
    key: 'idleQueueWarning',
    type: integer({ min: 1, max: DELAY_MS_MAX / 1000, unit: 'seconds', special: { 0: 'off' } }),
    fallback: 60,
    group: OptionGroup.log,
    scope: 'server',
    effect: 'used',
    help: 'a function that has jobs queued and no worker for so long is logged as a WARNING',
  },
] as const satisfies readonly OptionRow[];
