// One server with a plain and a TLS port, and the CPU time that it spends for a load from this process.
// Rule: peers connect anew for every measurement; connecting and the first tenth of the jobs do not count.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Worker } from '../../dist/index.js';
import { freePort } from '../../test/support/free-port.mjs';
import { start, stop } from '../load/processes.mjs';

const clients = 8;

/** Makes `key.pem` and `cert.pem` for localhost. */
export function makeCertificate(folder) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const what = ['-x509', '-days', '2', '-subj', '/CN=localhost'];
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', ...what, ...names, ...key, ...files], { stdio: 'ignore' });
}

/** CPU time of all threads of a process so far, in us. */
function cpuOf(pid) {
  const tasks = `/proc/${pid}/task`;
  const ns = readdirSync(tasks).map((task) => {
    try {
      return Number(readFileSync(join(tasks, task, 'schedstat'), 'latin1').split(' ')[0]);
    } catch {
      return 0; // the thread has ended meanwhile
    }
  });
  return ns.reduce((sum, each) => sum + each, 0) / 1000;
}

export class Server {
  #child;
  #plain;
  #tls;

  /** Starts `daemon` with one shard; `folder` has the certificate. */
  static async start(daemon, folder, cores) {
    const server = new Server();
    const [plain, secure] = [await freePort(), await freePort()];
    const listen = ['-L', `127.0.0.1:${plain}`, '-L', `tls://127.0.0.1:${secure}`];
    const certificate = join(folder, 'cert.pem');
    const files = [`--ssl-certificate=${certificate}`, `--ssl-key=${join(folder, 'key.pem')}`];
    const words = ['--threads', '1', '--verbose', 'WARNING', ...listen, ...files];
    const child = start([process.execPath, daemon, ...words], { cores });
    const listens = new Promise((resolve) => child.stdout.once('data', () => resolve(true)));
    if (!(await Promise.race([listens, child.ended.then(() => false)])))
      throw new Error(`the server ended before it was ready: ${child.tail()}`);
    server.#child = child;
    server.#plain = { servers: [`localhost:${plain}`] };
    server.#tls = { servers: [`localhost:${secure}`], tls: { ca: readFileSync(certificate) } };
    return server;
  }

  stop() {
    return stop(this.#child);
  }

  /** CPU time of the server for one foreground round trip, in us. */
  async measure({ name, outstanding }, jobs) {
    const idle = new Client(this.#tls);
    if (name === 'beside') await idle.ping();
    try {
      return await this.#play(name === 'tls' ? this.#tls : this.#plain, outstanding, jobs);
    } finally {
      await idle.close();
    }
  }

  async #play(options, outstanding, jobs) {
    const worker = new Worker({ ...options, concurrency: 256 });
    worker.add('echo', (job) => job.data);
    await worker.start();
    const peers = Array.from({ length: clients }, () => new Client(options));
    try {
      await submitAll(peers, outstanding, Math.ceil(jobs / 10));
      const before = cpuOf(this.#child.pid);
      await submitAll(peers, outstanding, jobs);
      return (cpuOf(this.#child.pid) - before) / jobs;
    } finally {
      await Promise.all(peers.map((client) => client.close()));
      await worker.close();
    }
  }
}

/** Does exactly so many jobs, `outstanding` of each peer at a time. */
async function submitAll(peers, outstanding, jobs) {
  let left = jobs;
  const goOn = async (client) => {
    while (left-- > 0) await client.submit('echo', 'x'.repeat(64));
  };
  await Promise.all(
    peers.flatMap((client) => Array.from({ length: outstanding }, () => goOn(client))),
  );
}
