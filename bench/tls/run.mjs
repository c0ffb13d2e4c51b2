// CPU time of the server for one foreground round trip, in clear text and by TLS: `npm run bench:tls -- [jobs] [pairs]`.
// Rule: both speak to the same server, in alternating pairs; the load comes from this process, whose time does not count.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Worker } from '../../dist/index.js';
import { freePort } from '../../test/support/free-port.mjs';

const jobs = Number(process.argv[2] ?? 20_000);
const pairs = Number(process.argv[3] ?? 5);
const clients = 8;
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));
const folder = mkdtempSync(join(tmpdir(), 'geartrain-bench-tls-'));
const daemon = new URL('../../dist/cli/gearmand.js', import.meta.url).pathname;

function makeCertificate() {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const what = ['-x509', '-days', '2', '-subj', '/CN=localhost'];
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', ...what, ...names, ...key, ...files], { stdio: 'ignore' });
}

/** CPU seconds of a process so far. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Microseconds of the server's CPU time a round trip; `outstanding` jobs of each client at a time. */
async function measure(pid, options, outstanding) {
  const worker = new Worker({ ...options, concurrency: 256 });
  worker.add('echo', (job) => job.data);
  await worker.start();
  const peers = Array.from({ length: clients }, () => new Client(options));
  const run = (count) =>
    Promise.all(
      peers.flatMap((client) =>
        Array.from({ length: outstanding }, async () => {
          for (let i = 0; i < count / clients / outstanding; i++)
            await client.submit('echo', 'x'.repeat(64));
        }),
      ),
    );
  await run(jobs / 10);
  const before = cpuOf(pid);
  await run(jobs);
  const micros = ((cpuOf(pid) - before) * 1e6) / jobs;
  await Promise.all(peers.map((client) => client.close()));
  await worker.close();
  return micros;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

makeCertificate();
const [plain, secure] = [await freePort(), await freePort()];
const words = [
  '-t',
  '1',
  '-L',
  `127.0.0.1:${plain}`,
  '-L',
  `tls://127.0.0.1:${secure}`,
  '--verbose',
  'WARNING',
];
const files = [
  `--ssl-certificate=${join(folder, 'cert.pem')}`,
  `--ssl-key=${join(folder, 'key.pem')}`,
];
const server = spawn(process.execPath, [daemon, ...words, ...files], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  await new Promise((resolve) => server.stdout.once('data', resolve));
  const ca = readFileSync(join(folder, 'cert.pem'));
  for (const outstanding of [1, 32]) {
    const times = { plain: [], tls: [] };
    for (let i = 0; i < pairs; i++) {
      times.plain.push(await measure(server.pid, { servers: [`localhost:${plain}`] }, outstanding));
      times.tls.push(
        await measure(server.pid, { servers: [`localhost:${secure}`], tls: { ca } }, outstanding),
      );
    }
    const show = (values) =>
      `${median(values).toFixed(1)} us (${values.map((value) => value.toFixed(1)).join(' ')})`;
    console.log(
      `${clients} clients, ${outstanding} outstanding, ${jobs} jobs: plain ${show(times.plain)}, TLS ${show(times.tls)}`,
    );
  }
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
