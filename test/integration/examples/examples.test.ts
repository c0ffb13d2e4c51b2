/** The programs of examples/ do what they say, run as their heads say, against a server of a process of its own. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../../../src/index.ts';
import { commandOf, commandsOf } from '../../support/examples.ts';
import { PackageFolder, type Program } from '../../support/package-folder.ts';
import { requirePeer } from '../../support/peers.ts';

let folder: PackageFolder;
beforeEach(async () => {
  folder = await PackageFolder.make(8080);
  await folder.copy('examples');
});
afterEach(() => folder.remove());

const start = (file: string): Program => folder.start(commandOf(file));
const said = (stdout: string) => ({ code: 0, stdout, stderr: '' });

describe('in one program', () => {
  it('demo.mjs: handle, progress and results', async () => {
    writeFileSync(join(folder.path, 'README.md'), 'three little words');
    const { code, stdout, stderr } = await folder.run(commandOf('demo.mjs'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('client: 4 of 4\nclient: README.md has 3 words\n');
    expect(stdout).toMatch(/\n!dlroW olleH\n$/);
  });

  it('embedding.mjs: server, worker and client in one program', async () => {
    expect(await folder.run(commandOf('embedding.mjs'))).toEqual(said('1 4 9 16\n'));
  });

  it('testing: jobs in a unit test', async () => {
    const { code, stdout } = await folder.run(commandOf('testing/jobs.test.mjs'));
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/ pass 3$/m);
  });
});

/** The order of the example's head, by its own command where curl is installed. Resolves to the report's address. */
async function orderAsShown(
  url: string,
  order: (body: string) => Promise<string>,
): Promise<string> {
  const [, , , curl = ''] = commandsOf('web/app.mjs');
  if (!requirePeer('curl')) return order(/'(\{.*\})'/.exec(curl)?.[1] ?? '');
  const { stdout } = await folder.run(curl);
  expect(stdout).toMatch(/^HTTP\/1\.1 202 Accepted\r\n/);
  return `${url}${/location: (\S+)/.exec(stdout)?.[1]}`;
}

describe('with a job server', () => {
  beforeEach(() => folder.serve());

  it('web: a request is answered at once, a worker makes the report', async () => {
    const { until } = start('web/app.mjs');
    await until((text) => text.includes('/reports'));
    const url = folder.ported('http://127.0.0.1:8080');
    const order = async (body: string) => {
      const response = await fetch(`${url}/reports`, { method: 'POST', body });
      expect(response.status).toBe(202);
      return `${url}${response.headers.get('location')}`;
    };
    const read = async (place: string) => (await fetch(place)).json();
    const good = await orderAsShown(url, order);
    const bad = await order('{"numbers":"none"}');
    // Nobody works yet: the requests were answered all the same.
    expect(await read(good)).toEqual({ state: 'running', percent: 0 });
    start('web/worker.mjs');
    const ended = async (place: string) => {
      for (;;) {
        const report = (await read(place)) as { state: string };
        if (report.state !== 'running') return report;
      }
    };
    expect(await ended(good)).toEqual({ state: 'done', result: { count: 3, sum: 9, mean: 3 } });
    expect(await ended(bad)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('numbers are needed'),
    });
    expect((await fetch(`${url}/reports/none`)).status).toBe(404);
    expect((await fetch(`${url}/reports`, { method: 'POST', body: '{' })).status).toBe(400);
  });

  it('thumbnails: threads make small pictures of large ones', async () => {
    folder.link('pngjs');
    const files = [400, 100].map((width) => {
      const picture = new PNG({ width, height: 100 });
      for (let i = 0; i < picture.data.length; i += 4)
        picture.data.set([(i / 4) % width < width / 2 ? 255 : 0, 10, 20, 255], i);
      writeFileSync(join(folder.path, `${width}.png`), PNG.sync.write(picture));
      return `${width}.png`;
    });
    const out = join(folder.path, 'out');
    mkdirSync(out);
    start('thumbnails/worker.mjs');
    const command = commandOf('thumbnails/client.mjs');
    const filled = command.replace('FOLDER PICTURE.png ...', `out ${files.join(' ')}`);
    const { code, stderr } = await folder.run(filled);
    expect([code, stderr]).toEqual([0, '']);
    const small = PNG.sync.read(readFileSync(join(out, '400.png')));
    expect([small.width, small.height]).toEqual([64, 16]);
    expect([...small.data.subarray(0, 4)]).toEqual([255, 10, 20, 255]);
    expect([...small.data.subarray(-4)]).toEqual([0, 10, 20, 255]);
    const square = PNG.sync.read(readFileSync(join(out, '100.png')));
    expect([square.width, square.height]).toEqual([64, 64]);
  });

  it('recurring.mjs: one run an interval, however many processes offer it', {
    timeout: 150_000,
  }, async () => {
    const command = `${commandOf('recurring.mjs')} 2`;
    const programs = [folder.start(command), folder.start(command)];
    const runs: string[] = [];
    const take = (text: string): boolean => {
      for (const line of text.split('\n').slice(0, -1)) if (!runs.includes(line)) runs.push(line);
      return runs.length >= 3;
    };
    await Promise.race(programs.map((program) => program.until(take)));
    for (const program of programs) program.kill('SIGTERM');
    const ends = await Promise.all(programs.map(({ ended }) => ended));
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const lines = ends.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean)).sort();
    expect(lines.length).toBeGreaterThanOrEqual(3);
    const seconds = lines.map((line) => Date.parse(line.replace('report of ', '')) / 1000);
    // The times are whole multiples of the interval; none of them ran twice.
    expect(seconds.filter((second) => second % 2 !== 0)).toEqual([]);
    expect(new Set(seconds).size).toBe(seconds.length);
  });

  describe('container', () => {
    it('at SIGTERM the job that runs is finished, a further one is not taken', async () => {
      const client = new Client({ servers: [`127.0.0.1:${folder.port}`] });
      try {
        const worker = start('container/worker.mjs');
        await worker.until((text) => text.includes('ready'));
        const running = client.submit('slow', '1500');
        const handle = await running.handle;
        while (!(await client.status(handle)).isRunning);
        worker.kill('SIGTERM');
        const result = running.text();
        expect(await worker.ended).toEqual(
          said('ready\nstopped, 0 jobs were left to other workers\n'),
        );
        expect(await result).toBe('done');
        const later = client.submit('slow', '0', { background: true });
        expect(await client.status(await later)).toMatchObject({ isKnown: true, isRunning: false });
      } finally {
        await client.close();
      }
    });

    it('the command of the Dockerfile starts Node.js itself', () => {
      const text = readFileSync(join(folder.path, 'examples/container/Dockerfile'), 'utf8');
      const [, list = ''] = /^CMD (\[.*\])$/m.exec(text) ?? [];
      expect(JSON.parse(list)).toEqual(['node', 'worker.mjs']);
    });
  });

  describe.skipIf(!requirePeer('php'))('php', () => {
    it('a PHP page asks a Node.js worker', async () => {
      start('php/worker.mjs');
      expect(await folder.run(commandOf('php/client.php'))).toEqual(said('now-on-sale\n'));
      const accented = commandOf('php/client.php').replace(/'.*'/, "'Übergrößen im Angebot!'");
      expect(await folder.run(accented)).toEqual(said('ubergro-en-im-angebot\n'));
    });

    it('Node.js asks a PHP worker', async () => {
      start('php/worker.php');
      expect(await folder.run(commandOf('php/client.mjs'))).toEqual(said('From Node And Back\n'));
    });
  });

  it('typed: the compiler takes what is right, refuses what is wrong, and the programs run', {
    timeout: 150_000,
  }, async () => {
    folder.link('typescript');
    folder.link('@types/node');
    folder.link('.bin/tsc');
    await folder.copy('examples/typed', '.');
    const [, build = ''] = commandsOf('typed/worker.mts');
    expect(await folder.run(build)).toEqual(said(''));
    const [, , , worker = '', client = ''] = commandsOf('typed/worker.mts');
    folder.start(worker);
    expect(await folder.run(client)).toEqual(said('6\nGuten Tag, Ada!\n'));
  });
});
