/** Each command of README and docs runs as it stands, or is listed with the reason why not (not-run.ts). */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codeBlocksOf, root, textOf } from '../../support/markdown.ts';
import { type PeerName, requirePeer } from '../../support/peers.ts';
import { startServer } from '../../support/servers.ts';
import { NOT_RUN } from './not-run.ts';
import { isRun, isShell, play } from './play.ts';

/** test/integration/library/guide.test.ts plays docs/library.md. */
const documents = [
  'README.md',
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith('.md') && name !== 'library.md')
    .map((name) => `docs/${name}`)
    .sort(),
];
/** What the document says that its commands print. */
const SHOWN: Readonly<Record<string, readonly RegExp[]>> = {
  'README.md': [/^ *\d+$/m, /^lines\t0\t0\t1$/m, /^!dlroW olleH$/m],
  'docs/dashboard.md': [/<title>.*geartrain.*<\/title>/],
  'docs/http.md': [/!dlroW olleH/],
  'docs/migrating.md': [/^listen = localhost \(command line\)$/m, /^2\.0\.0\+geartrain\.\d/m],
  'docs/policies.md': [
    /^mail\t1\t1\t0\t0$/m,
    /^mail\trate:50\/s,burst:20\topen\nresize\tconcurrency:5\tpaused:(600|599)$/m,
  ],
  'docs/retries.md': [
    /\t4711\tfail\t3\t0\t\d+\t10\t127\.0\.0\.1:\d+\tfail \| fail \| fail\n\.\nmail\t0\t0\t0$/m,
  ],
  'docs/operating.md': [/^max-memory = 1G \(.*gearmand\.conf/m, /^geartrain_connections/m],
};
/** Programs that a document uses besides those of this package and of every system. */
const USED: Readonly<Record<string, readonly PeerName[]>> = {
  'docs/dashboard.md': ['curl', 'openssl'],
  'docs/http.md': ['curl'],
  'docs/operating.md': ['curl'],
  'docs/security.md': ['openssl'],
};
const isPlayable = (path: string): boolean =>
  (['bash', ...(USED[path] ?? [])] as const).every(requirePeer);
const played = documents.filter((path) => codeBlocksOf(textOf(path)).some(isRun));

it('knows every block of commands', () => {
  const unknown = documents.flatMap((path) =>
    codeBlocksOf(textOf(path))
      .filter(
        ({ info }) =>
          !/^(sh( server| needs=[a-z]+)?|js|ts|php|perl|json|yaml|ini|nginx|text|)$/.test(info),
      )
      .map(({ info, line }) => `${path}:${line}: ${info}`),
  );
  expect(unknown).toEqual([]);
});

it('leaves out what is listed, and nothing else', () => {
  const left = documents.flatMap((document) =>
    codeBlocksOf(textOf(document))
      .filter((block) => isShell(block) && !isRun(block))
      .map(({ info, body }) => ({
        document,
        starts: body.split('\n')[0] as string,
        needs: /needs=([a-z]+)/.exec(info)?.[1] as string,
      })),
  );
  expect(left).toEqual(NOT_RUN.map(({ reason: _, ...listed }) => listed));
  for (const { reason } of NOT_RUN) expect(reason.length).toBeGreaterThan(20);
});

for (const path of played)
  it.skipIf(!isPlayable(path))(`runs the commands of ${path}`, { timeout: 150_000 }, async () => {
    const { code, output } = await play(textOf(path));
    expect(code, output).toBe(0);
    for (const shown of SHOWN[path] ?? []) expect(output).toMatch(shown);
  });

const hasOthers = (['php', 'perl'] as const).every(requirePeer);

it.skipIf(!hasOthers)('runs the PHP client and the Perl worker of docs/migrating.md', async () => {
  const server = await startServer('geartrain');
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-documents-'));
  const program = (language: string): string => {
    const found = codeBlocksOf(textOf('docs/migrating.md')).find(({ info }) => info === language);
    const file = join(folder, `program.${language}`);
    writeFileSync(file, (found?.body ?? '').replaceAll('4730', String(server.port)));
    return file;
  };
  const worker = spawn('perl', [program('perl')], { stdio: 'ignore' });
  const ended = once(worker, 'close');
  try {
    const client = spawnSync('php', [program('php')], { encoding: 'utf8', timeout: 30_000 });
    expect(client.stdout).toBe('!dlroW olleH\n');
  } finally {
    worker.kill('SIGKILL');
    await ended;
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Units that the drop-ins of the documents change. */
const UNITS = {
  'docs/operating.md': readFileSync(`${root}src/packaging/geartrain.service`, 'utf8'),
  // What matters of Debian's.
  'docs/migrating.md': '[Service]\nType=forking\nPIDFile=/run/g.pid\nExecStart=/bin/true $PARAMS\n',
};

for (const [path, unit] of Object.entries(UNITS))
  it.skipIf(!requirePeer('systemd-analyze'))(`systemd takes the drop-in of ${path}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-documents-'));
    const verify = (text: string): string => {
      writeFileSync(join(folder, 'unit.service.d/drop-in.conf'), text);
      const words = ['verify', join(folder, 'unit.service')];
      return spawnSync('systemd-analyze', words, { encoding: 'utf8' }).stderr;
    };
    try {
      mkdirSync(join(folder, 'unit.service.d'));
      writeFileSync(join(folder, 'unit.service'), unit);
      const dropIn = codeBlocksOf(textOf(path)).find(({ info }) => info === 'ini')?.body ?? '';
      expect(dropIn).toContain('dist/cli/gearmand.js');
      // A second ExecStart without the empty one before it is refused: so it is read.
      expect(verify(dropIn.replace('ExecStart=\n', ''))).toContain('unit.service');
      expect(verify(dropIn).replace(/^.*\/usr\/bin\/node is.*\n/m, '')).toBe('');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

it.skipIf(!requirePeer('bash'))('fails when a command fails', async () => {
  const { code } = await play('```sh\nfalse\ntrue\n```\n');
  expect(code).toBe(1);
  const { code: other } = await play('```sh server\ngearmand --no-such-option\n```\n');
  expect(other).not.toBe(0);
});
