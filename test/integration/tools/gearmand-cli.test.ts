/**
 * Our tools as gearmand's own tests of its tools call them (tests/cli.cc): the same words, the same end. C's tools beside
 * ours, where they are installed, so that an expectation cannot be ours alone.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { daemonPath, startServer, type TestServer } from '../../support/servers.ts';

const FUNCTION_55 = `55_char_function_name_${'_'.repeat(32)}`;
const ours = (name: string): string[] => [
  process.execPath,
  join(dirname(daemonPath), `${name}.js`),
];
const hasC = requirePeer('gearman') && requirePeer('gearadmin');

let server: TestServer;
beforeAll(async () => {
  server = await startServer('geartrain');
});
afterAll(() => server.stop());

interface Call {
  readonly tool: 'gearman' | 'gearadmin';
  readonly words: readonly string[];
  readonly code: number;
  /** Where ours ends otherwise, with the reason in docs/differences.md. */
  readonly ourCode?: number;
}

/** The port arrives in one word with its option, behind a blank. */
const gearman = (code: number, ...words: string[]): Call => ({ tool: 'gearman', words, code });
const gearadmin = (code: number, ...words: string[]): Call => ({
  tool: 'gearadmin',
  words: ['--port={port}', ...words],
  code,
});

const CALLS: readonly Call[] = [
  gearman(0, '-H'),
  gearman(0, '-H', '-v'),
  gearman(1, '-p {port}', '--unknown'),
  gearman(0, '-p {port}', '-f', 'echo_function', '-b', 'payload'),
  gearman(0, '-p {port}', '-f', FUNCTION_55, '-b', 'payload'),
  gearadmin(0, '--help'),
  gearadmin(0, '--server-version'),
  gearadmin(0, '--server-verbose'),
  { ...gearadmin(0, '--cancel-job=test'), ourCode: 1 },
  gearadmin(0, '--cancel-job=test', '--exit-status=c'),
  gearadmin(0, '--show-jobs'),
  gearadmin(0, '--show-unique-jobs'),
  gearadmin(0, '--status'),
  gearadmin(0, '--getpid'),
  gearadmin(0, '--workers'),
  gearadmin(0, '--create-function=test_function'),
  gearadmin(0, '--drop-function=test_function'),
  gearadmin(1, '--unknown'),
];

function run(program: readonly string[], words: readonly string[]): number | null {
  const filled = words.map((word) => word.replace('{port}', String(server.port)));
  const [file, ...first] = program;
  return spawnSync(file as string, [...first, ...filled], { input: '' }).status;
}

describe.each(CALLS)('$tool $words', ({ tool, words, code, ourCode }) => {
  test(`ends with ${ourCode ?? code}`, () => {
    expect(run(ours(tool), words)).toBe(ourCode ?? code);
  });

  // An option that the tools of C do not know.
  if (words.includes('--exit-status=c')) return;
  test.skipIf(!hasC)('ends as expected with the tool of C', () => {
    expect(run([tool], words)).toBe(code);
  });
});

test('gearadmin --shutdown ends the server and with 1', async () => {
  const victim = await startServer('geartrain');
  const words = [`--port=${victim.port}`, '--shutdown'];
  expect(run(ours('gearadmin'), words)).toBe(1);
  await victim.stop();
});
