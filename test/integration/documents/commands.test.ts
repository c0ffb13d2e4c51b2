/** Each command of README and docs runs as it stands, or is listed with the reason why not (not-run.ts). */
import { expect, it } from 'vitest';
import { fencesOf, textOf } from '../../support/markdown.ts';
import { NOT_RUN } from './not-run.ts';
import { isRun, isShell, play } from './play.ts';

const documents = ['README.md'];
/** What the document says that its commands print. */
const SHOWN: Readonly<Record<string, readonly RegExp[]>> = {
  'README.md': [/^ *\d+$/m, /^lines\t0\t0\t1$/m, /^!dlroW olleH$/m],
};
const played = documents.filter((path) => fencesOf(textOf(path)).some(isRun));

it('knows every block of commands', () => {
  const unknown = documents.flatMap((path) =>
    fencesOf(textOf(path))
      .filter(
        ({ info }) => !/^(sh( server| needs=[a-z]+)?|js|ts|php|perl|json|yaml|ini|)$/.test(info),
      )
      .map(({ info, line }) => `${path}:${line}: ${info}`),
  );
  expect(unknown).toEqual([]);
});

it('leaves out what is listed, and nothing else', () => {
  const left = documents.flatMap((document) =>
    fencesOf(textOf(document))
      .filter((fence) => isShell(fence) && !isRun(fence))
      .map(({ info, body }) => ({
        document,
        starts: body.split('\n')[0] as string,
        needs: /needs=([a-z]+)/.exec(info)?.[1] as string,
      })),
  );
  expect(left).toEqual(NOT_RUN.map(({ reason: _, ...listed }) => listed));
  for (const { reason } of NOT_RUN) expect(reason.length).toBeGreaterThan(20);
});

it.each(played)('runs the commands of %s', { timeout: 150_000 }, async (path) => {
  const { code, output } = await play(textOf(path));
  expect(code, output).toBe(0);
  for (const shown of SHOWN[path] ?? []) expect(output).toMatch(shown);
});

it('fails when a command fails', async () => {
  const { code } = await play('```sh\nfalse\ntrue\n```\n');
  expect(code).toBe(1);
  const { code: other } = await play('```sh server\ngearmand --no-such-option\n```\n');
  expect(other).not.toBe(0);
});
