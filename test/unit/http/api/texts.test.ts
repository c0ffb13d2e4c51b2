/** Names, cursors, workloads and problems as the API writes and reads them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursorText, readCursor } from '../../../../src/http/api/cursors.ts';
import { etagOf, requireEtag } from '../../../../src/http/api/etag.ts';
import { bytesOfEscaped, bytesOfText, nameFields } from '../../../../src/http/api/names.ts';
import { ApiProblem } from '../../../../src/http/api/problems.ts';
import { shownWorkload } from '../../../../src/http/api/workload.ts';

const problem = (code: string) => expect.objectContaining({ code });
const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('names', () => {
  it('are text, and also escaped where they are not UTF-8', () => {
    expect(nameFields('name', 'mail')).toEqual({ name: 'mail' });
    expect(nameFields('name', '\xc3\xa4')).toEqual({ name: 'ä' });
    expect(nameFields('name', 'a\xff/b')).toEqual({
      ...{ name: 'a\u{fffd}/b', nameEscaped: 'a%FF%2Fb' },
    });
  });

  it('of every answer lead back to the same bytes', () => {
    const name = fc.uint8Array({ min: 1, minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(name, (bytes) => {
        const latin1 = Buffer.from(bytes).toString('latin1');
        const { name: text, nameEscaped } = nameFields('name', latin1);
        expect(bytesOfEscaped(nameEscaped ?? encodeURIComponent(text))).toBe(latin1);
      }),
    );
  });

  it.each(['%00', 'a%0', '%', '%zz', 'a%00b'])('%s is refused', (raw) => {
    expect(thrown(() => bytesOfEscaped(raw))).toEqual(problem('nameInvalid'));
  });

  it('in a body may not have U+0000', () => {
    expect(bytesOfText('ä')).toBe('\xc3\xa4');
    expect(thrown(() => bytesOfText('a\0'))).toEqual(problem('nameInvalid'));
  });
});

describe('cursors', () => {
  it('come back as they were', () => {
    const cursor = { thread: 3, position: 2 ** 31, starts: 7 };
    expect(readCursor('jobs', cursorText('jobs', cursor))).toEqual(cursor);
    const first = { thread: 0, position: 0, starts: -1 };
    expect(readCursor('functions', cursorText('functions', first))).toEqual(first);
  });

  it.each(['', 'x', cursorText('functions', { thread: 0, position: 0, starts: 0 }), 'am9icy4x'])(
    '%j is none of jobs',
    (text) => {
      expect(thrown(() => readCursor('jobs', text))).toEqual(problem('cursorInvalid'));
    },
  );
});

describe('a workload', () => {
  const show = (text: string | Uint8Array, as: 'auto' | 'text' | 'json' | 'hex', isCut = false) =>
    shownWorkload(typeof text === 'string' ? Buffer.from(text) : text, as, isCut);

  it('is JSON, text or hexadecimal digits by its content', () => {
    expect(show('{"a":[1]}', 'auto').kind).toBe('json');
    expect(JSON.parse(show('{"a":[1]}', 'auto').content)).toEqual({ a: [1] });
    expect(show('{"a":', 'auto')).toEqual({ kind: 'text', content: '{"a":' });
    expect(show('hällo\n', 'auto')).toEqual({ kind: 'text', content: 'hällo\n' });
    expect(show('', 'auto')).toEqual({ kind: 'text', content: '' });
    expect(show(Uint8Array.of(0, 255), 'auto')).toEqual({ kind: 'hex', content: '00ff' });
  });

  it('that is cut is not JSON, and may end within a character', () => {
    expect(show('{"a":1}', 'auto', true)).toEqual({ kind: 'text', content: '{"a":1}' });
    const half = Buffer.from('aä').subarray(0, 2);
    expect(show(half, 'auto', true).kind).toBe('text');
    expect(show(half, 'auto').kind).toBe('hex');
  });

  it('is shown as it is wanted', () => {
    expect(show('[1]', 'text')).toEqual({ kind: 'text', content: '[1]' });
    expect(show('[1]', 'hex')).toEqual({ kind: 'hex', content: '5b315d' });
    expect(show('no', 'json')).toEqual({ kind: 'text', content: 'no' });
  });
});

it('a problem has the members of RFC 9457, and a code', () => {
  expect(JSON.parse(JSON.stringify(new ApiProblem('queueFull', 'mail has 5')))).toEqual({
    ...{ type: 'about:blank', title: expect.any(String), status: 409, code: 'queueFull' },
    detail: 'mail has 5',
  });
});

describe('the ETag of a policy', () => {
  const policy = {
    keys: [{ key: 'rate', value: '5/s', origin: 'option' as const }],
    state: 'open',
  };

  it('is another one for each change, but not for each second of a pause', () => {
    const tags = [
      policy,
      { ...policy, state: 'paused:60' },
      { ...policy, state: 'paused' },
      { ...policy, keys: [] },
      {
        ...policy,
        keys: [{ ...policy.keys[0], key: 'rate', value: '6/s', origin: 'option' as const }],
      },
    ].map(etagOf);
    expect(new Set(tags).size).toBe(tags.length);
    expect(etagOf({ ...policy, state: 'paused:59' })).toBe(tags[1]);
  });

  it('must be given, and be the one of now', () => {
    expect(thrown(() => requireEtag(undefined, policy))).toEqual(problem('etagNeeded'));
    expect(thrown(() => requireEtag('"x"', policy))).toEqual(problem('etagOld'));
    expect(thrown(() => requireEtag(`"x", ${etagOf(policy)}`, policy))).toBeUndefined();
    expect(thrown(() => requireEtag('*', policy))).toBeUndefined();
  });
});
