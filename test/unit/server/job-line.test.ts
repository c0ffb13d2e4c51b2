import { describe, expect, it } from 'vitest';
import { jobOf, lineOf } from '../../../src/server/transfer/job-line.ts';
import { type JobParts, StoredJob, type StoredRuns } from '../../../src/store/stored-job.ts';

const job = (fields: Partial<JobParts> = {}): StoredJob =>
  StoredJob.of({
    functionName: Buffer.from('resize'),
    unique: Buffer.from('u1'),
    reducer: Buffer.from(''),
    priority: 1,
    startMs: 0,
    workload: Buffer.from('hello'),
    ...fields,
  });

const noRuns: StoredRuns = {
  ...{ attempts: 0, losses: 0, dueMs: 0, delayMs: 0, isDead: false },
  details: Buffer.from(''),
};

describe('the line of a job', () => {
  it('has only what there is', () => {
    expect(lineOf(job())).toBe(
      '{"function":"resize","unique":"u1","priority":"normal","workload":"aGVsbG8="}',
    );
    const full = job({ startMs: 1_900_000_000_500, reducer: Buffer.from('sum'), priority: 0 });
    expect(JSON.parse(lineOf(full))).toMatchObject({ runTime: 1_900_000_000.5, reducer: 'sum' });
  });

  it('has what the store keeps of its runs', () => {
    expect(JSON.parse(lineOf(job({ runs: noRuns }))).runs).toEqual({ attempts: 0, losses: 0 });
    const runs = { ...{ attempts: 2, losses: 1, dueMs: 1_900_000_000_000, delayMs: 1500.25 } };
    const dead = job({ runs: { ...runs, isDead: true, details: Buffer.from('{}') } });
    expect(JSON.parse(lineOf(dead)).runs).toEqual({ ...runs, isDead: true, details: 'e30=' });
  });

  it.each([
    ['plain', job()],
    ['text that is not ASCII', job({ functionName: Buffer.from('größe €') })],
    [
      'bytes that are no text',
      job({ functionName: Buffer.from([0xff, 1]), unique: Buffer.from([0x80]) }),
    ],
    ['all bytes', job({ workload: Buffer.from(Array.from({ length: 256 }, (_, i) => i)) })],
    ['nothing', job({ unique: Buffer.from(''), workload: Buffer.from('') })],
    ['everything', job({ priority: 2, startMs: 1_900_000_000_123, reducer: Buffer.from('r') })],
    ['no run yet', job({ runs: noRuns })],
    [
      'the most of runs',
      job({
        runs: {
          ...{ attempts: 1000, losses: 65_535, dueMs: Number.MAX_SAFE_INTEGER, delayMs: 0.1 + 0.2 },
          isDead: true,
          details: Buffer.alloc(65_536, 0xfe),
          handle: Buffer.alloc(63, 'h'),
        },
      }),
    ],
  ])('gives the job back: %s', (_, one) => {
    const back = jobOf(lineOf(one), 1 << 20) as StoredJob;
    const plain = (some: object): object =>
      Object.fromEntries(
        Object.entries(some).map(([key, value]) => [
          key,
          value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
        ]),
      );
    expect(plain({ ...back, ...back.runs })).toEqual(plain({ ...one, ...one.runs }));
  });

  const line = (fields: object) =>
    JSON.stringify({ function: 'f', unique: 'u', priority: 'low', workload: '', ...fields });
  const withRuns = (fields: object) => line({ runs: { attempts: 0, losses: 0, ...fields } });
  it.each([
    ['{', /no JSON/],
    ['[]', /no JSON object/],
    ['null', /no JSON object/],
    ['7', /no JSON object/],
    [line({ handle: 'H' }), /"handle" is no field/],
    [line({ function: undefined }), /function is missing, not text/],
    [line({ function: 7 }), /function is 7, not text/],
    [line({ function: { base64: '?' } }), /function is .*, not text/],
    [line({ function: 'a\0b' }), /function has a NUL/],
    [line({ function: 'f'.repeat(8193) }), /function is 8193 bytes, limit 8192/],
    [line({ unique: 'u'.repeat(65) }), /unique is 65 bytes, limit 64/],
    [line({ unique: { base64: 'AAAA', more: 1 } }), /unique is .*, not text/],
    [line({ priority: 'urgent' }), /priority is "urgent", not high, normal, low/],
    [line({ priority: undefined }), /priority is missing/],
    [line({ runTime: -1 }), /runTime is -1, not seconds/],
    [line({ runTime: '5' }), /runTime is "5", not seconds/],
    [line({ reducer: null }), /reducer is null, not text/],
    [line({ workload: undefined }), /workload is missing, not base64/],
    [line({ workload: 'abc' }), /workload is "abc", not base64/],
    [line({ workload: 'ab=c' }), /not base64/],
    [line({ workload: 'a'.repeat(200) }), /workload is 150 bytes, limit 100/],
    [line({ runs: null }), /runs is null, not an object/],
    [line({ runs: [] }), /runs is \[\], not an object/],
    [line({ runs: 3 }), /runs is 3, not an object/],
    [line({ runs: {} }), /attempts is missing, not 0 to 1000/],
    [line({ runs: { attempts: 1 } }), /losses is missing, not 0 to 65535/],
    [withRuns({ tries: 1 }), /"tries" is no field of runs/],
    [withRuns({ attempts: 1001 }), /attempts is 1001, not 0 to 1000/],
    [withRuns({ attempts: 0.5 }), /attempts is 0.5, not 0 to 1000/],
    [withRuns({ losses: -1 }), /losses is -1, not 0 to 65535/],
    [withRuns({ losses: 65_536 }), /losses is 65536, not 0 to 65535/],
    [withRuns({ dueMs: -1 }), /dueMs is -1, not milliseconds since 1970/],
    [withRuns({ dueMs: '5' }), /dueMs is "5", not milliseconds since 1970/],
    [withRuns({ delayMs: null }), /delayMs is null, not milliseconds/],
    [withRuns({ isDead: 1 }), /isDead is 1, not true or false/],
    [withRuns({ details: null }), /details is null, not base64/],
    [withRuns({ details: '?' }), /details is "\?", not base64/],
    [withRuns({ details: 'a'.repeat(87_384) }), /details is 65538 bytes, limit 65536/],
    [withRuns({ handle: 7 }), /handle is 7, not the handle of a job/],
    [withRuns({ handle: 'h'.repeat(64) }), /handle is "h+\.\.\., not the handle of a job/],
    [withRuns({ handle: 'a b' }), /handle is "a b", not the handle of a job/],
  ])('is refused with what is wrong: %s', (text, reason) => {
    expect(jobOf(text, 100)).toMatch(reason);
  });
});
