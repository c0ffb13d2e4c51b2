/**
 * 10,000 half-open connections, garbage and slow writers against every listener, one after the other, while others are
 * served: nothing ends, memory does not grow without bound. A tenth of it without GEARTRAIN_FULL=1. Prints its figures.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import { loadNative } from '../../../src/native/load.ts';
import { Authority, itTls as it } from '../../support/certificates.ts';
import { freePort } from '../../support/free-port.mjs';
import { Random } from '../../support/random.ts';
import { start, useScratch } from '../daemon/command.ts';
import { endingOf } from './peers.ts';

const COUNT = process.env.GEARTRAIN_FULL === '1' ? 10_000 : 1_000;
const HANDSHAKES_MAX = 500;
const MIB = 1024 * 1024;
const PROBER = new URL('./prober.mjs', import.meta.url);
/** What is alive with 10,000 peers, and what the TypeScript core drops only with a full collection. */
const SLACK_MIB = loadNative().kind === 'addon' ? 150 : 300;

useScratch();
let ours: Authority;
beforeAll(() => {
  ours = new Authority();
  ours.sign('server', 'localhost');
});
afterAll(() => ours.remove());

const random = new Random(4711);

/** First bytes of peers that never finish, by listener. */
const BEGINNINGS: Readonly<Record<string, readonly (string | null)[]>> = {
  plain: [null, '\0REQ', '\0REQ\0\0\0\x07\0\xff\xff\xff', 'stat'],
  tls: [null, '\x16', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
  http: [
    null,
    'P',
    'POST /f HTTP/1.1\r\nContent-Length: 100\r\n',
    'POST /f HTTP/1.1\r\nContent-Length: 9\r\n\r\nx',
  ],
  control: [null, 'GET /metr', 'GET /metrics HTTP/1.1\r\nA: '],
};

/** What the prober has met since the last report, by question. */
interface Report {
  readonly worst: Readonly<Record<string, number>>;
  readonly unanswered: Readonly<Record<string, number>>;
  readonly count: number;
}

const together = (reports: readonly Report[], of: (report: Report) => Report['worst']): string =>
  Object.keys(of(reports[0] as Report))
    .map((name) => `${name} ${Math.max(...reports.map((report) => of(report)[name] ?? 0))}`)
    .join(', ');

/** A peer that begins and never goes on. */
function halfOpen(port: number, beginning: string | null): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (beginning !== null) socket.write(Buffer.from(beginning, 'latin1'));
      resolve(socket);
    });
    socket.on('error', () => resolve(socket));
    socket.resume();
  });
}

/** A whole record whose content is noise, or noise alone. */
function garbage(): Buffer {
  const noise = random.bytes(random.between(1, 300));
  if (random.oneIn(2)) return Buffer.from(noise);
  const head = [
    22,
    3,
    1,
    (noise.length + 4) >> 8,
    (noise.length + 4) & 255,
    1,
    0,
    0,
    noise.length & 255,
  ];
  return Buffer.concat([Buffer.from(head), noise]);
}

function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round((Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024) / MIB);
}

it.each(COUNT === 1_000 ? ['2'] : ['0', '2'])(
  `serves others under ${COUNT} hostile peers of each listener, -t %s`,
  async (threads) => {
    const ports = {
      plain: await freePort(),
      tls: await freePort(),
      http: await freePort(),
      control: await freePort(),
    };
    const run = start([
      ...['-t', threads, '-L', `127.0.0.1:${ports.plain}`, '-L', `tls://127.0.0.1:${ports.tls}`],
      ...['-r', 'http', '--http-port', `${ports.http}`, '--control', `127.0.0.1:${ports.control}`],
      ...[`--ssl-certificate=${ours.file('server.pem')}`, `--ssl-key=${ours.file('server.key')}`],
      ...[
        '--handshake-timeout',
        '5',
        '--max-handshakes',
        `${HANDSHAKES_MAX}`,
        '--verbose',
        'WARNING',
      ],
    ]);
    await run.until(/^geartrain .*$/m);
    const prober = fork(PROBER, [...Object.values(ports).map(String), ours.certificate]);
    const report = async (): Promise<Report> => {
      prober.send('report');
      return (await once(prober, 'message'))[0];
    };
    while ((await report()).count === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = residentMib(run.pid);
    for (const [name, beginnings] of Object.entries(BEGINNINGS)) {
      const port = ports[name as keyof typeof ports];
      const begun = performance.now();
      const sockets: Socket[] = [];
      await report();
      while (sockets.length < COUNT) {
        const some = Array.from({ length: 100 }, () => halfOpen(port, random.pick(beginnings)));
        sockets.push(...(await Promise.all(some)));
      }
      const endings = Array.from({ length: COUNT / 10 }, () => {
        const socket = connect(port, '127.0.0.1');
        const ending = endingOf(socket);
        socket.write(garbage());
        socket.end();
        return ending;
      });
      await Promise.all(endings);
      const peak = residentMib(run.pid);
      for (const socket of sockets) socket.destroy();
      const tookMs = Math.round(performance.now() - begun);
      const reports = [await report()];
      // Served to the end, and not only before: a whole round behind it.
      while (reports.slice(1).every(({ count }) => count < 2)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        reports.push(await report());
      }
      console.log(
        `${name}, -t ${threads}: ${COUNT} half-open, ${COUNT / 10} with garbage, ${tookMs} ms: resident ${before} -> ${peak} MiB; ` +
          `honest peers waited at most (ms) ${together(reports, ({ worst }) => worst)}; ` +
          `without an answer ${together(reports, ({ unanswered }) => unanswered)}`,
      );
      expect(peak - before).toBeLessThan(SLACK_MIB);
    }
    while ((await report()).count === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    prober.disconnect();
    // Whoever was not known is gone; what was refused was told at most once a second for each reason.
    const lines = run
      .stderr()
      .split('\n')
      .filter((line) => line.includes('handshakes are open'));
    expect(lines.length).toBeGreaterThan(COUNT > HANDSHAKES_MAX * 3 ? 0 : -1);
    run.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
  },
  300_000,
);
