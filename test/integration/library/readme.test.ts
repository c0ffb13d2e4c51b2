/** The worker and the client of docs/library.md work as they stand there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../support/servers.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A new folder with the package installed and the document's programs, which find `server`. */
function folderOf(server: TestServer): string {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-readme-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/geartrain'));
  const guide = readFileSync(join(root, 'docs/library.md'), 'utf8');
  for (const [, name, source] of guide.matchAll(/```js\n\/\/ (\w+\.js)\n([\s\S]*?)```/g))
    writeFileSync(
      join(folder, name as string),
      (source as string).replaceAll('4730', String(server.port)),
    );
  return folder;
}

it('runs the programs of docs/library.md', { timeout: 30_000 }, async () => {
  const server = await startServer('geartrain');
  ends.push(() => server.stop());
  const folder = folderOf(server);
  const worker = spawn(process.execPath, ['worker.js'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const workerEnded = once(worker, 'close');
  ends.push(() => worker.kill('SIGKILL'));
  const client = spawn(process.execPath, ['client.js'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  client.stdout.on('data', (chunk) => {
    output += chunk;
  });
  expect(await once(client, 'close')).toEqual([0, null]);
  expect(output).toBe('!dlroW olleH\n');
  worker.kill('SIGTERM');
  expect(await workerEnded).toEqual([0, null]);
});
