/**
 * docs/library.md: every program in it runs as it stands in a folder of a user, and prints the text below it. A js block
 * begins with its file name; the next block, if it is text, is what the program prints.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CodeBlock, codeBlocksOf, textOf } from '../../support/markdown.ts';
import { PackageFolder } from '../../support/package-folder.ts';

const NAME = /^\/\/ ([\w.-]+\.js)\n/;
const nameOf = ({ body }: CodeBlock): string => NAME.exec(body)?.[1] ?? '';

const blocks = codeBlocksOf(textOf('docs/library.md'));
const commands = blocks.filter(({ info }) => info === 'sh').map(({ body }) => body);
const SERVE = 'npx --no -- gearmand --listen 127.0.0.1';
const programs = blocks.filter(({ info }) => info === 'js');
/** What a program prints, by its name; the text of the first client follows the commands that run it. */
const printed = new Map<string, string>();
blocks.forEach((block, at) => {
  const after = blocks[at + 1];
  if (block.info === 'js' && after?.info === 'text') printed.set(nameOf(block), `${after.body}\n`);
  if (block.body === 'node client.js') printed.set('client.js', `${after?.body}\n`);
});

/** Workers that run while the clients do. */
const WORKERS = ['worker.js', 'shop-worker.js', 'primes-worker.js'];
/** Programs with a test of their own, and what is no program by itself. */
const OTHERS = ['deliver-worker.js', 'patient-worker.js', 'primes.js', 'reverse.test.js'];
const clients = programs.map(nameOf).filter((name) => ![...WORKERS, ...OTHERS].includes(name));

let folder: PackageFolder;
beforeAll(async () => {
  folder = await PackageFolder.make(4731);
  for (const program of programs) folder.write(nameOf(program), program.body);
  await folder.serve(SERVE);
});
afterAll(() => folder.remove());

it('names every program, and says what each prints', () => {
  expect(programs.filter((program) => nameOf(program) === '')).toEqual([]);
  expect(clients.filter((name) => !printed.has(name))).toEqual([]);
  expect(blocks.filter(({ info }) => !/^(js|text|sh)$/.test(info))).toEqual([]);
});

it('has no command that is not run', () => {
  const [install, ...others] = commands;
  // The test of the README runs it.
  expect(codeBlocksOf(textOf('README.md')).map(({ body }) => body)).toContain(install);
  expect(others).toEqual([SERVE, 'node worker.js', 'node client.js']);
});

describe('with the workers of the guide', () => {
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(() => {
    for (const name of WORKERS) {
      const worker = folder.start(`node ${name}`);
      ends.push(() => {
        worker.kill('SIGTERM');
        return worker.ended;
      });
    }
  });

  it.each(clients)('%s prints what the guide says', async (name) => {
    const { code, stdout, stderr } = await folder.run(`node ${name}`);
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: printed.get(name) });
    if (name !== 'outage.js') expect(stderr).toBe('');
  });

  it('the workers end with exit code 0 at SIGTERM', async () => {
    const ended = await Promise.all(ends.map((end) => end()));
    expect(ended.map((end) => (end as { code: number }).code)).toEqual([0, 0, 0]);
  });
});

it('deliver-worker.js tries again after a delay', async () => {
  const worker = folder.start('node deliver-worker.js');
  const expected = printed.get('deliver-worker.js') as string;
  expect(await worker.until((text) => text.length >= expected.length)).toBe(expected);
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

it('patient-worker.js ends with exit code 0 although it has never reached a server', async () => {
  const worker = folder.start('node patient-worker.js');
  await worker.until((text) => text.includes('waiting'));
  worker.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
});

it('reverse.test.js passes', async () => {
  const { code, stdout } = await folder.run('node --test reverse.test.js');
  expect(code, stdout).toBe(0);
});
