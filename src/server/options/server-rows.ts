/**
 * Options of the server as a whole: threads, jobs and warnings. Names, short forms and meanings of gearmand 2.0 come
 * first; extensions keep to its style.
 */
import { OptionGroup } from '../../option/groups.ts';
import type { OptionTable, ProgramEntry } from '../../option/row.ts';
import { choice, flag, integer, type ProgramType, text } from '../../option/types.ts';
import { HANDLE_PREFIX_BYTES_MAX } from '../../protocol/handle.ts';

/** A day: longer delays are mistakes, and timers stay far below 2^31 ms. */
const DELAY_MS_MAX = 86_400_000;
/** Sets of owners are 32-bit masks, and the acceptor is one more thread. */
const THREADS_MAX = 30;

function checkThreads(value: unknown): number | 'auto' | undefined {
  if (value === 'auto') return value;
  const count = value as number;
  return Number.isInteger(value) && count >= 0 && count <= THREADS_MAX ? count : undefined;
}

/** Shards: a number, or `auto`. */
const threadCount: ProgramType<number | 'auto'> = {
  argument: 'n|auto',
  allowed: `auto or 0 to ${THREADS_MAX}, 0 = everything in one thread`,
  readText: (word) => checkThreads(/^\+?\d{1,9}$/.test(word) ? Number(word) : word),
  accept: checkThreads,
  show: String,
  codeType: "number | 'auto'",
  codeAllowed: `0 to ${THREADS_MAX}`,
};

function isHandlePrefix(prefix: string): boolean {
  const bytes = Buffer.from(prefix);
  const isShort = bytes.length >= 1 && bytes.length <= HANDLE_PREFIX_BYTES_MAX;
  return isShort && bytes.every((byte) => byte > 0x20 && byte !== 0x7f);
}

export const jobTable = {
  group: OptionGroup.jobs,
  rows: [
    {
      name: 'threads',
      short: 't',
      type: threadCount,
      defaultValue: 'auto',
      embeddedDefault: 0,
      note: (value) =>
        value === 0
          ? '--threads 0 runs everything in one thread, whatever the number of processors'
          : null,
      doc: "threads that share the functions; 0 = everything in the caller's thread, `auto` = usable processors - 1, at least 1, at most 16",
      help: 'threads that share the functions; auto = usable processors - 1, at least 1, at most 16; 0 = everything in one thread',
    },
    {
      name: 'exceptions',
      type: flag,
      defaultValue: false,
      help: 'every connection starts with the exceptions option on',
    },
    {
      name: 'job-retries',
      short: 'j',
      type: integer({ min: 0, max: 255, special: { [-1]: 'no limit', 0: 'no second attempt' } }),
      defaultValue: -1,
      help: 'further attempts for a job whose worker was lost',
    },
    {
      name: 'job-handle-prefix',
      type: text({
        argument: 'prefix',
        allowed: `1 to ${HANDLE_PREFIX_BYTES_MAX} bytes without blanks and control characters`,
        isAllowed: isHandlePrefix,
      }),
      defaultValue: null,
      defaultText: 'H: and the host name',
      help: 'prefix of every job handle',
    },
    {
      name: 'job-order',
      type: choice('2.0', '1.1.20'),
      defaultValue: '2.0',
      help: 'order in which a worker of several functions is served: 2.0 = best priority of all, functions in rotation; 1.1.20 = function by function, the last registered first',
    },
    {
      name: 'round-robin',
      short: 'R',
      type: flag,
      defaultValue: false,
      note: (_value, values) =>
        values.jobOrder === '2.0' ? '--round-robin is always on with --job-order 2.0' : null,
      help: 'serve the functions of a worker in rotation; always so with --job-order 2.0',
    },
    {
      name: 'worker-wakeup',
      short: 'w',
      type: integer({ min: 0, max: 65_535, special: { 0: '1' } }),
      defaultValue: 0,
      note: (value) =>
        value === 0 ? '--worker-wakeup 0 wakes one worker a job, not all of them' : null,
      help: 'sleeping workers to wake for each job',
    },
    {
      name: 'wakeup-delay',
      type: integer({ min: 1, max: DELAY_MS_MAX, unit: 'milliseconds' }),
      defaultValue: 100,
      help: 'when a woken worker has not grabbed a job in this time, the next one is woken',
    },
    {
      name: 'drain-timeout',
      type: integer({ min: 0, max: DELAY_MS_MAX / 1000, unit: 'seconds' }),
      defaultValue: 30,
      doc: 'how long `close({ graceful: true })` waits for running and foreground jobs, with a store that keeps the others',
      help: 'how long the end by SIGUSR1 waits for running and foreground jobs, with a store that keeps the others',
    },
    {
      name: 'warm-up',
      type: integer({ min: 1, max: 1_000, unit: 'milliseconds', special: { 0: 'off' } }),
      defaultValue: 40,
      embeddedDefault: 0,
      doc: "how long each thread, also the caller's, warms up its code before the server listens",
      help: 'how long each thread warms up its code before the server listens, so that the first replies are fast',
    },
    {
      name: 'native',
      type: choice('auto', 'on', 'off'),
      defaultValue: 'auto',
      help: 'the native core: auto = where it loads, on = required, off = never; GEARTRAIN_NATIVE=0 is off',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;

export const warningTable = {
  group: OptionGroup.log,
  rows: [
    {
      name: 'slow-turn-ms',
      type: integer({ min: 1, max: DELAY_MS_MAX, unit: 'milliseconds', special: { 0: 'off' } }),
      defaultValue: 100,
      help: 'a turn of a thread that takes longer is logged with its content',
    },
    {
      name: 'idle-queue-warning',
      type: integer({ min: 1, max: DELAY_MS_MAX / 1000, unit: 'seconds', special: { 0: 'off' } }),
      defaultValue: 60,
      help: 'a function that has queued jobs and no worker for so long is logged as a WARNING',
    },
  ],
} as const satisfies OptionTable<ProgramEntry>;
