/**
 * `npm run bench:replay -- [--jobs N] [--threads N] [--bytes N]`: how long a start takes that reads N jobs (default
 * 1,000,000 of 200 bytes) back from the journal, and how much memory it needs at most, against what the jobs need then.
 * The start is a process of its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from '../../dist/index.js';
import { shardOfName } from '../../dist/protocol/shard-of.js';
import { writeManifest } from '../../dist/store/manifest.js';
import { reshard } from '../../dist/store/reshard.js';
import { StoredJob } from '../../dist/store/stored-job.js';

const MS_MAX = 5_000;
const MEMORY_MAX = 1.3;
const MIB = 1024 * 1024;

if (process.send !== undefined) await start(JSON.parse(process.argv[2]));
else await measure();

async function measure() {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string', default: '1000000' },
      threads: { type: 'string', default: '0' },
      bytes: { type: 'string', default: '200' },
    },
  });
  const [jobs, threads, bytes] = [values.jobs, values.threads, values.bytes].map(Number);
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-replay-'));
  try {
    await fill(folder, jobs, threads, bytes);
    const words = JSON.stringify({ stateDir: folder, threads, queueType: 'journal' });
    const child = fork(fileURLToPath(import.meta.url), [words], { execArgv: ['--expose-gc'] });
    const [figures] = await once(child, 'message');
    await once(child, 'exit');
    const part = figures.peakBytes / figures.restBytes;
    console.log(`${figures.jobs} jobs of ${bytes} bytes, ${threads} threads`);
    const [wall, cpu] = [figures.ms, figures.cpuMs].map((ms) => (ms / 1000).toFixed(2));
    console.log(`start ${wall} s (at most ${MS_MAX / 1000} s), ${cpu} s of CPU time`);
    console.log(
      `memory ${Math.round(figures.peakBytes / MIB)} MiB at most, ${Math.round(figures.restBytes / MIB)} MiB then: ${part.toFixed(2)}x (at most ${MEMORY_MAX}x)`,
    );
    if (figures.jobs !== jobs || figures.ms > MS_MAX || part > MEMORY_MAX) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(folder, jobs, threads, bytes) {
  const to = { format: 1, generation: 1, shards: threads, hashSeed: 12_345, salt: 67_890, boot: 1 };
  const workload = Buffer.alloc(bytes, 'w');
  function* made() {
    for (let i = 0; i < jobs; i++) {
      const functionName = Buffer.from(`function-${i % 16}`);
      const unique = Buffer.from(`unique-${i}`);
      const parts = { functionName, unique, reducer: Buffer.alloc(0), workload };
      yield [i + 1, StoredJob.of({ ...parts, priority: i % 3, startMs: 0 })];
    }
  }
  await reshard({
    folder,
    from: null,
    to,
    ownerOf: (name) => shardOfName(name, to.hashSeed, threads),
    log: () => {},
    more: made(),
  });
  writeManifest(folder, to);
}

/** Bytes of the whole process, threads included. */
function residentBytes(which) {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024;
}

async function start(options) {
  const startMs = performance.now();
  const before = process.cpuUsage();
  const server = createServer({ ...options, host: '127.0.0.1', port: 0 });
  await server.listen();
  const ms = performance.now() - startMs;
  const cpu = process.cpuUsage(before);
  const peakBytes = residentBytes('VmHWM');
  const { jobs } = await server.stats();
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.send({
    ms,
    cpuMs: (cpu.user + cpu.system) / 1000,
    jobs,
    peakBytes,
    restBytes: residentBytes('VmRSS'),
  });
  await server.close();
  process.disconnect();
}
