/** A bundle of a program that uses only clients or workers: it runs alone, and has nothing of the server in it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Format } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../support/servers.ts';

const entry = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
const PROGRAM = `
import { Client, Worker } from 'geartrain';
const servers = [process.argv[2]];
const worker = new Worker({ servers });
worker.add('reverse', (job) => job.text().split('').reverse().join(''));
worker.start().then(async () => {
  const client = new Client({ servers });
  console.log(await client.submit('reverse', 'bundle').text());
  await client.close();
  await worker.close();
});
`;

let folder = '';
let server: TestServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-bundle-'));
  server = await startServer('geartrain');
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

it.each(['esm', 'cjs'] as Format[])('runs as %s', async (format) => {
  const outfile = join(folder, `${format}.${format === 'esm' ? 'mjs' : 'cjs'}`);
  await build({
    stdin: { contents: PROGRAM, resolveDir: folder },
    alias: { geartrain: entry },
    bundle: true,
    platform: 'node',
    format,
    outfile,
    logLevel: 'error',
    // Threads of a worker are files of the package: only a handler with a file needs them.
    logOverride: { 'empty-import-meta': 'silent' },
  });
  const words = [outfile, `127.0.0.1:${server.port}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { cwd: folder });
  expect(stderr).toBe('');
  expect(stdout).toBe('eldnub\n');
  // Client with its admin calls and worker are 216 kB; of the server nothing is in it.
  expect(statSync(outfile).size).toBeLessThan(225_000);
});
