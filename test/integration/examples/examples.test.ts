/** The programs of test/examples do what they say, against a real server and in processes of their own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import { run, startWorker, stopWorkers } from '../peers/programs.ts';

const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const node = (name: string, ...args: string[]) => run(process.execPath, [example(name), ...args]);

describe('the examples', () => {
  let server: TestServer;
  let address: string;
  beforeAll(async () => {
    server = await startServer('geartrain');
    address = `127.0.0.1:${server.port}`;
  });
  afterAll(() => server.stop());
  afterEach(stopWorkers);

  const worker = (name: string): void => {
    startWorker(process.execPath, [example(name), address]);
  };

  it('embedding: server, worker and client in one program', async () => {
    expect(await node('embedding.mjs')).toEqual({ code: 0, stdout: '1 4 9 16\n', stderr: '' });
  });

  it('web: Express hands reports to a worker and answers at once', async () => {
    const app = startWorker(process.execPath, [example('web/app.mjs'), address], 'pipe');
    const url = await new Promise<string>((resolve) => {
      app.stdout?.once('data', (text) => resolve(String(text).trim()));
    });
    const order = async (body: object): Promise<string> => {
      const response = await fetch(`${url}/reports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(202);
      return new URL(response.headers.get('location') as string, url).href;
    };
    const read = async (place: string) => (await fetch(place)).json();
    const [good, bad] = [await order({ numbers: [1, 2, 6] }), await order({ numbers: 'none' })];
    // Nobody works yet: the requests were answered all the same.
    expect(await read(good)).toEqual({ state: 'running', percent: 0 });
    worker('web/worker.mjs');
    const ended = async (place: string) => {
      for (;;) {
        const report = (await read(place)) as { state: string };
        if (report.state !== 'running') return report;
      }
    };
    expect(await ended(good)).toEqual({ state: 'done', result: { count: 3, sum: 9, mean: 3 } });
    expect(await ended(bad)).toMatchObject({ state: 'failed' });
    expect((await fetch(`${url}/reports/none`)).status).toBe(404);
  });

  it('images: threads make thumbnails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-images-'));
    try {
      const files = [400, 100].map((width) => {
        const picture = new PNG({ width, height: 100 });
        for (let i = 0; i < picture.data.length; i += 4)
          picture.data.set([(i / 4) % width < width / 2 ? 255 : 0, 10, 20, 255], i);
        const file = join(folder, `${width}.in.png`);
        writeFileSync(file, PNG.sync.write(picture));
        return file;
      });
      const out = mkdtempSync(join(folder, 'out-'));
      worker('images/worker.mjs');
      const { code, stderr } = await node('images/resize.mjs', address, out, ...files);
      expect([code, stderr]).toEqual([0, '']);
      const small = PNG.sync.read(readFileSync(join(out, '400.in.png')));
      expect([small.width, small.height]).toEqual([64, 16]);
      expect([...small.data.subarray(0, 4)]).toEqual([255, 10, 20, 255]);
      expect([...small.data.subarray(-4)]).toEqual([0, 10, 20, 255]);
      const square = PNG.sync.read(readFileSync(join(out, '100.in.png')));
      expect([square.width, square.height]).toEqual([64, 64]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  describe.skipIf(!requirePeer('php'))('php', () => {
    const php = (name: string, ...rest: string[]): string[] => [
      example(name),
      '127.0.0.1',
      String(server.port),
      ...rest,
    ];

    it('a PHP page asks a Node.js worker', async () => {
      worker('php/worker.mjs');
      const { stdout } = await run('php', php('php/client.php', 'Übergrößen im Angebot!'));
      expect(stdout).toBe('ubergro-en-im-angebot\n');
    });

    it('Node.js asks a PHP worker', async () => {
      startWorker('php', php('php/worker.php'));
      const { stdout } = await node('php/client.mjs', address, 'from node and back');
      expect(stdout).toBe('From Node And Back\n');
    });
  });
});
