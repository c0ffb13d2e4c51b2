/**
 * What no dialogue does, because gearmand 1.1.20 crashes, hangs, reads freed memory or may answer in two ways.
 * Each row names the test that shows what ours does instead (test/dialogues, test/integration/wire).
 */

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
  /** Title of ours-only test, found word by word in test/dialogues or test/integration/wire. */
  readonly test: string;
}

export const LEFT_OUT: readonly LeftOut[] = [
  {
    name: 'types with the top bit set',
    reason: 'a signed compare accepts them and the whole daemon crashes',
    test: 'closes the connection at a type with the top bit set, and serves the others',
  },
  {
    name: 'job timers that run on',
    reason:
      'a timer is not cancelled by WORK_COMPLETE and fires on freed memory; dialogues use one hour',
    test: 'forgets the timeout of a job that completed in time',
  },
  {
    name: 'results of jobs whose time was over',
    reason:
      'gearmand answers JOB_NOT_FOUND and runs the job again; ours takes the first one, or swallows it',
    test: 'has a late result end a job that nobody has',
  },
  {
    name: 'two timed jobs on one connection',
    reason: 'there is one timer per connection and it hits the wrong job',
    test: 'keeps one timer per job when a worker holds two',
  },
  {
    name: 'timeouts of 20 digits and more',
    reason: 'the error logger formats without arguments and the process ends',
    test: 'survives a timeout of 20 digits and of 21',
  },
  {
    name: 'coalescing onto abandoned or cancelled jobs',
    reason: 'the new submit is answered but never runs',
    test: 'runs a resubmitted job whose first client went away',
  },
  {
    name: 'a foreground client leaving a background job',
    reason: 'the background job is abandoned with it',
    test: 'keeps a background job whose foreground watcher went away',
  },
  {
    name: 'a foreground client leaving a job that was also submitted in background',
    reason: 'the background submit dies with it',
    test: 'keeps a foreground job that was submitted again in background',
  },
  {
    name: 'drop function with queued jobs',
    reason: 'the jobs keep pointing to freed memory',
    test: 'refuses to drop a function that has queued jobs',
  },
  {
    name: 'uniques of exactly 64 bytes',
    reason: 'stored as 63 bytes: never merged, and handed out with a NUL too many',
    test: 'merges submits with a unique of 64 bytes and hands it out whole',
  },
  {
    name: 'reduce submits with a unique above 64 bytes',
    reason: 'heap memory behind the unique is sent to the worker',
    test: 'refuses a reduce submit with a unique of 65 bytes',
  },
  {
    name: 'short packets',
    reason: 'the scan for the missing NUL runs into the next packet and the connection dies',
    test: 'completes a job with an empty result when WORK_COMPLETE has no NUL',
  },
  {
    name: 'GET_STATUS and GET_STATUS_UNIQUE of 64 bytes and more',
    reason: 'fails inside without a reply; the connection may or may not live',
    test: 'answers GET_STATUS of a handle of 64 bytes and more as unknown',
  },
  {
    name: 'WORK_STATUS with a denominator above 10 characters',
    reason: 'fails inside without a reply; the connection may or may not live',
    test: 'goes on after a WORK_STATUS with a denominator of 11 digits',
  },
  {
    name: 'epochs beyond 64 bits',
    reason: 'fails inside without a reply; the connection may or may not live',
    test: 'closes at an epoch beyond 64 bits, and serves the others',
  },
  {
    name: 'packets and lines above 8 KiB of arguments',
    reason: 'closed at a moment that depends on how the bytes were cut',
    test: 'closes at an argument that does not end within 8 KiB',
  },
  {
    name: 'half-closed connections that still wait for replies',
    reason: 'replies not yet written are lost, nearly always',
    test: 'answers what came before the end of a half-closed connection',
  },
  {
    name: 'jobs that become due during the dialogue',
    reason: 'workers are not woken; whole seconds decide',
    test: 'wakes a sleeper when a scheduled job is due, not before its time',
  },
];
