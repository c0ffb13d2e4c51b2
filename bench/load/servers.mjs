// The servers under test, as data: a name, whether it is here, and how it is started on a port.
// Rule: every server listens on 127.0.0.1 only and is ready when it answers an ECHO.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { storedServers } from './stored-servers.mjs';

const root = new URL('../../', import.meta.url).pathname;
const daemon = join(root, 'dist/cli/gearmand.js');
const tuning = ['-t', '1', '--hashtable-buckets', '1000003', '-w', '1'];

/** All existing files of that name on PATH and in the system folders, in order. */
function findPrograms(name) {
  if (name.includes('/')) return existsSync(name) ? [name] : [];
  const folders = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`;
  const paths = folders.split(delimiter).map((folder) => join(folder, name));
  return [...new Set(paths)].filter((path) => existsSync(path));
}

/** The first of them, or undefined. */
export const findProgram = (name) => findPrograms(name)[0];

const versions = new Map();

/** First line that a program says of its version; '' when it does not start. */
export function versionOf(path) {
  if (!versions.has(path)) {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 5000 });
    versions.set(path, (stdout ?? '').trim().split('\n')[0]);
  }
  return versions.get(path);
}

// The C server and Perl's are both called gearmand and may be on one machine: the version tells.
const isPerls = (path) => versionOf(path).startsWith('Gearman::Server');

/** The C gearmand of that name or path, or undefined. */
export const findGearmand = (name) => findPrograms(name).find((path) => !isPerls(path));

/** Perl's gearman-server, or undefined. */
export const findPerls = () => findPrograms('gearmand').find(isPerls);

function gearmand(context, port, options) {
  // A pid file of its own: the built-in path is shared by all gearmands of the machine.
  const pidFile = join(context.folder, `gearmand-${port}.pid`);
  return [
    findGearmand(context.gearmand),
    ...options,
    ...['-L', '127.0.0.1', '-p', String(port), '-l', 'stderr', '-P', pidFile, '-f', '20000'],
  ];
}

function geartrain(port, threads, path = daemon, options = []) {
  const listen = ['--port', String(port), '--listen', '127.0.0.1'];
  return [process.execPath, path, '--threads', String(threads), ...listen, ...options];
}

const cMissing = (context) =>
  findGearmand(context.gearmand)
    ? ''
    : `no C gearmand called ${context.gearmand} (apt-get install gearman-job-server)`;
const oursMissing = () => (existsSync(daemon) ? '' : 'no dist/cli/gearmand.js (npm run build)');

/** Why no server can be played in one process with its peers, or ''. */
export async function embeddingMissing() {
  if (oursMissing()) return oursMissing();
  const { createServer } = await import(join(root, 'dist/index.js'));
  return typeof createServer().connect === 'function'
    ? ''
    : 'server.connect() is not in this build';
}

const shardServer = (shards) => ({
  name: `shards-${shards}`,
  about: `geartrain --threads ${shards}`,
  isGeartrain: true,
  shards,
  missing: oursMissing,
  argv: (_context, port) => geartrain(port, shards),
});

const metered = (name, options) => ({
  name,
  about: ['geartrain --threads 0 --control', ...options].join(' '),
  isGeartrain: true,
  missing: oursMissing,
  argv: (_context, port) => geartrain(port, 0, daemon, ['--control=127.0.0.1:0', ...options]),
});

// A processor for each shard and one for the load generator, beyond the two fixed counts.
const shardCounts = [...new Set([1, 2, Math.min(16, availableParallelism() - 1)])].filter(Boolean);

/**
 * One row a server. `argv(context, port)` is the command, `env` is added to the environment,
 * `missing(context)` says why it cannot run here ('' = it can), `load`: options that the load
 * generator needs with it. Which of them play a trial is said in trials.mjs.
 */
export const servers = [
  {
    name: 'c-tuned',
    about: `C gearmand ${tuning.join(' ')}`,
    missing: cMissing,
    argv: (context, port) => gearmand(context, port, tuning),
  },
  {
    name: 'geartrain',
    about: 'geartrain --threads 0',
    isGeartrain: true,
    missing: oursMissing,
    argv: (_context, port) => geartrain(port, 0),
  },
  {
    name: 'yardstick',
    about: 'a bare C broker on epoll without features: what sockets and kernel alone cost',
    missing: () => '',
    argv: (context, port) => [context.yardstick, String(port)],
  },
  {
    name: 'c-default',
    about: 'C gearmand without options',
    missing: cMissing,
    argv: (context, port) => gearmand(context, port, []),
  },
  {
    name: 'typescript',
    about: 'geartrain --threads 0 without the addon',
    isGeartrain: true,
    missing: oursMissing,
    env: { GEARTRAIN_NATIVE: '0' },
    argv: (_context, port) => geartrain(port, 0),
  },
  ...shardCounts.sort((a, b) => a - b).map(shardServer),
  {
    name: 'perl',
    about: "Perl's gearman-server",
    load: { grab: 'plain' },
    missing: () => (findPerls() ? '' : 'no Perl gearmand (apt-get install gearman-server)'),
    argv: (_context, port) => [findPerls(), '-L', '127.0.0.1', '-p', String(port)],
  },
  metered('metrics', []),
  { ...metered('scraped', []), isScraped: true },
  { ...metered('scraped-20k', ['--metrics-functions=20000']), isScraped: true },
  ...storedServers(
    {
      missing: oursMissing,
      argv: (port, options) => geartrain(port, 0, daemon, options),
    },
    {
      missing: cMissing,
      argv: (context, port, options) => gearmand(context, port, [...tuning, ...options]),
    },
  ),
];

/** What trials call a server: with a shard for each core but one it has no fixed count. */
export const nameInTrials = ({ name, shards }) => (shards > 2 ? 'shards-n' : name);

/** A server given as NAME=COMMAND; the words of the command may contain {port}. */
export function customServer(text) {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--server: not NAME=COMMAND: ${text}`);
  const words = text
    .slice(at + 1)
    .split(' ')
    .filter(Boolean);
  if (!words.some((word) => word.includes('{port}'))) {
    throw new Error(`--server: the command does not say {port}: ${text}`);
  }
  return {
    name: text.slice(0, at),
    about: text.slice(at + 1),
    isGiven: true,
    missing: () => '',
    argv: (_context, port) => words.map((word) => word.replace('{port}', String(port))),
  };
}

/** Another build of geartrain, for a comparison of the two: a checkout with its `dist`. */
export function otherBuild(folder) {
  const path = join(resolve(folder), 'dist/cli/gearmand.js');
  return {
    name: 'against',
    about: `geartrain --threads 0 of ${folder}`,
    isGiven: true,
    isGeartrain: true,
    missing: () => (existsSync(path) ? '' : `no ${path} (npm run build there)`),
    argv: (_context, port) => geartrain(port, 0, path),
  };
}

/** A server that runs already, as HOST:PORT or HOST:PORT:PID; it is neither pinned nor stopped. */
export function attachedServer(text) {
  const match = /^(.+?):(\d+)(?::(\d+))?$/.exec(text);
  if (!match) throw new Error(`--attach: not HOST:PORT or HOST:PORT:PID: ${text}`);
  const [, host, port, pid] = match;
  return {
    name: 'attached',
    about: `what runs on ${host}:${port}`,
    isGiven: true,
    missing: () => '',
    attached: { host, port: Number(port), pid: pid ? Number(pid) : undefined },
  };
}
