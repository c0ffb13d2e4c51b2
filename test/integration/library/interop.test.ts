/**
 * Our client with workers of other libraries, and our worker with their clients, over our server: workloads around the
 * sizes at which the old Node libraries broke, binary and large.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LibraryYard } from '../../support/library.ts';
import { type PeerName, requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import { run, startWorker, stopWorkers } from '../peers/programs.ts';

const AROUND_64_KIB = Array.from({ length: 65_537 - 65_479 + 1 }, (_, i) => 65_479 + i);
const LARGEST = 64 << 20;
const sizesUpTo = (largest: number): number[] => [0, 1, ...AROUND_64_KIB, 1 << 20, largest];

const yard = new LibraryYard();
const script = (name: string): string => fileURLToPath(new URL(`scripts/${name}`, import.meta.url));

/** Bytes that look random, all values among them; the same for equal sizes. */
function bytesOf(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const block = createHash('sha512').update(String(size)).digest();
  for (let at = 0, i = 0; at < size; at += block.length, i++) {
    block.writeUInt32LE(i, 0);
    bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
  }
  return bytes;
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The tool gathers the output of its command in quadratic time: what it gives back is 1 MiB at most. */
const TOOL_ECHO_BYTES_MAX = 1 << 20;
/** Reads everything before it writes: the tool writes the whole workload before it reads. */
const ECHO_COMMAND = [
  'perl',
  '-MDigest::SHA=sha256_hex',
  '-0777',
  '-e',
  `binmode STDIN; binmode STDOUT; $d = <STDIN> // ''; print length $d > ${TOOL_ECHO_BYTES_MAX} ? sha256_hex($d) : $d`,
];
const digest = (data: Uint8Array): Buffer =>
  Buffer.from(createHash('sha256').update(data).digest('hex'));

/** libgearman moves its whole buffer at each read: 64 MiB take it 50 s of a core, 16 MiB three. */
const PHP_LARGEST = process.env.GEARTRAIN_FULL === '1' ? LARGEST : 16 << 20;

interface Other {
  readonly peer: PeerName;
  /** Bytes of the largest workload that it is given. */
  readonly largest: number;
  worker(port: number): ChildProcess;
  /** Why its client cannot send some sizes. */
  readonly clientLacks?: { readonly sizes: (size: number) => boolean; readonly why: string };
  /** Runs a client for the sizes; rows like `SIZE equal`. */
  client(port: number, sizes: readonly number[]): Promise<string[]>;
}

const lines = async (command: string, args: string[]): Promise<string[]> => {
  const { stdout, stderr } = await run(command, args, { patienceMs: 100_000 });
  return (stdout + stderr).trim().split('\n');
};

const OTHERS: Other[] = [
  {
    peer: 'php',
    largest: PHP_LARGEST,
    clientLacks: { sizes: (size) => size === 0, why: 'the extension refuses an empty workload' },
    worker: (port) =>
      startWorker('php', ['-dmemory_limit=-1', script('echo-worker.php'), String(port)]),
    client: (port, sizes) =>
      lines('php', [
        '-dmemory_limit=-1',
        script('echo-client.php'),
        String(port),
        ...sizes.map(String),
      ]),
  },
  {
    peer: 'perl',
    largest: LARGEST,
    worker: (port) => startWorker('perl', [script('echo-worker.pl'), String(port)]),
    client: (port, sizes) =>
      lines('perl', [script('echo-client.pl'), String(port), ...sizes.map(String)]),
  },
  {
    peer: 'gearman',
    largest: LARGEST,
    clientLacks: {
      sizes: (size) => size > 1 << 20,
      why: 'the tool reads its input in quadratic time, 4 MiB take longer than 20 s',
    },
    worker: (port) =>
      startWorker('gearman', [
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-w',
        '-f',
        'echo',
        '--',
        ...ECHO_COMMAND,
      ]),
    async client(port, sizes) {
      const rows: string[] = [];
      for (const size of sizes) {
        const data = bytesOf(size);
        const result = await echoByTool(port, data);
        rows.push(`${size} ${equal(result, data) ? 'equal' : 'different'}`);
      }
      return rows;
    },
  },
];

/** The tool as client: workload on stdin, result on stdout, both as bytes. */
function echoByTool(port: number, data: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const args = ['-h', '127.0.0.1', '-p', String(port), '-f', 'echo'];
    const child = spawn('gearman', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(chunks)));
    child.stdin.on('error', () => undefined);
    child.stdin.end(data);
  });
}

describe.each(OTHERS)('$peer', (other) => {
  const isThere = requirePeer(other.peer);
  const all = sizesUpTo(other.largest);
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('geartrain');
  });
  afterAll(async () => {
    await server.stop();
  });
  afterEach(stopWorkers);

  it.skipIf(!isThere)(
    `runs ${all.length} jobs of our client, 0 B to ${other.largest >> 20} MiB`,
    { timeout: 120_000 },
    async () => {
      other.worker(server.port);
      const client = yard.client({ servers: [`127.0.0.1:${server.port}`] });
      const different: number[] = [];
      for (const size of all) {
        const data = bytesOf(size);
        const isDigest = other.peer === 'gearman' && size > TOOL_ECHO_BYTES_MAX;
        const expected = isDigest ? digest(data) : data;
        if (!equal(await client.submit('echo', data), expected)) different.push(size);
      }
      expect(different).toEqual([]);
      console.log(`${other.peer} worker, our client: ${all.length} workloads came back equal`);
    },
  );

  it.skipIf(!isThere)(
    'gets jobs of every size done by our worker',
    { timeout: 120_000 },
    async () => {
      const worker = yard.worker({ servers: [`127.0.0.1:${server.port}`] });
      worker.add('echo', (job) => job.data);
      await worker.start();
      const lacks = other.clientLacks;
      const sizes = all.filter((size) => lacks?.sizes(size) !== true);
      if (lacks !== undefined)
        console.log(
          `${other.peer} client: ${all.length - sizes.length} size left out: ${lacks.why}`,
        );
      expect(await other.client(server.port, sizes)).toEqual(sizes.map((size) => `${size} equal`));
      console.log(`${other.peer} client, our worker: ${sizes.length} workloads came back equal`);
    },
  );
});
