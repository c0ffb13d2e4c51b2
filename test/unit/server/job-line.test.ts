import { describe, expect, it } from 'vitest';
import { jobOf, lineOf } from '../../../src/server/transfer/job-line.ts';
import { type JobParts, StoredJob } from '../../../src/store/stored-job.ts';

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

describe('the line of a job', () => {
  it('has only what there is', () => {
    expect(lineOf(job())).toBe(
      '{"function":"resize","unique":"u1","priority":"normal","workload":"aGVsbG8="}',
    );
    const full = job({ startMs: 1_900_000_000_500, reducer: Buffer.from('sum'), priority: 0 });
    expect(JSON.parse(lineOf(full))).toMatchObject({ runTime: 1_900_000_000.5, reducer: 'sum' });
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
  ])('gives the job back: %s', (_, one) => {
    const back = jobOf(lineOf(one), 1 << 20) as StoredJob;
    const plain = (some: StoredJob) =>
      Object.entries(some).map(([key, value]) => [
        key,
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
      ]);
    expect(Object.fromEntries(plain(back))).toEqual(Object.fromEntries(plain(one)));
  });

  const line = (fields: object) =>
    JSON.stringify({ function: 'f', unique: 'u', priority: 'low', workload: '', ...fields });
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
  ])('is refused with what is wrong: %s', (text, reason) => {
    expect(jobOf(text, 100)).toMatch(reason);
  });
});
