/**
 * The attacked server as a process: ports, log, resident memory, how it ended.
 * GEARTRAIN_DAEMON names another build's `gearmand.js`.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const daemon = process.env.GEARTRAIN_DAEMON ?? join(root, 'dist/cli/gearmand.js');
const tlsFile = (name) =>
  fileURLToPath(new URL(`../support/tls/localhost.${name}`, import.meta.url));
const LOG_BYTES_MAX = 4 * 1024 * 1024;

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

async function isListening(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export class Server {
  pid;
  /** Ports: `plain`, `tls`, `http`, `control`. */
  ports;
  /** Its folder for files, removed with it. */
  folder;
  log = '';
  /** `exit 1` or `SIGSEGV`; null while it runs. */
  ending = null;
  #child;
  #exited;

  /**
   * Starts a server and waits until it listens. `threads`: of --threads; `isNative`: the addon or the TypeScript core;
   * `args`: further options; `descriptors`: the limit of open files; `listens`: which of tls, http, control it opens.
   */
  static async start({ threads, isNative, args = [], descriptors = 0, listens = [] }) {
    const server = new Server();
    const ports = { plain: await freePort() };
    for (const name of listens) ports[name] = await freePort();
    server.ports = ports;
    server.folder = mkdtempSync(join(tmpdir(), 'geartrain-attack-'));
    writeFileSync(join(server.folder, 'tokens'), 'operator of-an-attacked-server\n', {
      mode: 0o600,
    });
    const argv = [daemon, '-t', `${threads}`, '-L', `tcp://127.0.0.1:${ports.plain}`];
    if (listens.includes('tls')) {
      argv.push('-L', `tls://127.0.0.1:${ports.tls}`);
      argv.push(`--ssl-certificate=${tlsFile('crt')}`, `--ssl-key=${tlsFile('key')}`);
    }
    if (listens.includes('http')) argv.push('-r', 'http', '--http-port', `${ports.http}`);
    if (listens.includes('control')) argv.push('--control', `127.0.0.1:${ports.control}`);
    argv.push(...args);
    const env = { ...process.env, GEARTRAIN_LOG_FORMAT: 'gearmand' };
    delete env.GEARMAND_PORT;
    delete env.GEARTRAIN_NATIVE;
    if (!isNative) env.GEARTRAIN_NATIVE = '0';
    const command =
      descriptors === 0
        ? [process.execPath, ...argv]
        : ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', process.execPath, ...argv];
    server.#child = spawn(command[0], command.slice(1), {
      env,
      cwd: server.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    server.pid = server.#child.pid;
    server.#watch();
    while (server.ending === null && !(await isListening(ports.plain)))
      await new Promise((resolve) => setTimeout(resolve, 20));
    if (server.ending !== null) throw new Error(`start: ${server.ending}\n${server.log}`);
    return server;
  }

  #watch() {
    const child = this.#child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        this.log = (this.log + bytes.toString('latin1')).slice(-LOG_BYTES_MAX);
      });
    this.#exited = once(child, 'exit').then(([code, signal]) => {
      running.delete(child);
      this.ending = signal ?? `exit ${code}`;
    });
  }

  /** Resident bytes now; 0 when it has ended. */
  get residentBytes() {
    return this.#statusBytes('VmRSS');
  }

  /** The most resident bytes since the start or `forgetPeak`; 0 when it has ended. */
  get peakBytes() {
    return this.#statusBytes('VmHWM');
  }

  #statusBytes(name) {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
      return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  forgetPeak() {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  /** Ends it in any case; resolves when it is gone. */
  async stop() {
    this.#child.kill('SIGKILL');
    await this.#exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A process that asks the server again and again; see honest.mjs. */
export class Honest {
  #child;

  static async start(port) {
    const honest = new Honest();
    honest.#child = fork(new URL('./honest.mjs', import.meta.url), [`${port}`]);
    running.add(honest.#child);
    await once(honest.#child, 'message');
    return honest;
  }

  /** What it has met since the last report. */
  async report() {
    this.#child.send('report');
    const [report] = await once(this.#child, 'message');
    return report;
  }

  async stop() {
    running.delete(this.#child);
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
