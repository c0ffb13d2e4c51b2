// The servers under test, as data: a name, whether it is here, and how it is started on a port.
// Rule: every server listens on 127.0.0.1 only and is ready when it answers an ECHO.
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const root = new URL('../../', import.meta.url).pathname;
const daemon = join(root, 'dist/cli/gearmand.js');
const tuning = ['-t', '1', '--hashtable-buckets', '1000003', '-w', '1'];

/** First existing file of that name on PATH or in the system folders, or undefined. */
export function findProgram(name) {
  if (name.includes('/')) return existsSync(name) ? name : undefined;
  const folders = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`;
  return folders
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

function gearmand(context, port, options) {
  // A pid file of its own: the built-in path is shared by all gearmands of the machine.
  const pidFile = join(context.folder, `gearmand-${port}.pid`);
  return [
    findProgram(context.gearmand),
    ...options,
    ...['-L', '127.0.0.1', '-p', String(port), '-l', 'stderr', '-P', pidFile, '-f', '20000'],
  ];
}

function geartrain(port, options, path = daemon) {
  const listen = ['--port', String(port), '--listen', '127.0.0.1'];
  return [process.execPath, path, ...options, ...listen];
}

const cMissing = (context) =>
  findProgram(context.gearmand)
    ? ''
    : `no ${context.gearmand} (apt-get install gearman-job-server)`;
const oursMissing = () => (existsSync(daemon) ? '' : 'no dist/cli/gearmand.js (npm run build)');

/**
 * One row a server. `argv(context, port)` is the command, `env` is added to the environment,
 * `missing(context)` says why it cannot run here ('' = it can). `byDefault`: runs without being named.
 */
export const servers = [
  {
    name: 'c-tuned',
    byDefault: true,
    missing: cMissing,
    argv: (context, port) => gearmand(context, port, tuning),
  },
  {
    name: 'geartrain',
    byDefault: true,
    missing: oursMissing,
    argv: (_context, port) => geartrain(port, ['--threads', '0']),
  },
  {
    name: 'yardstick',
    byDefault: true,
    missing: () => '',
    argv: (context, port) => [context.yardstick, String(port)],
  },
  {
    name: 'c-default',
    missing: cMissing,
    argv: (context, port) => gearmand(context, port, []),
  },
  {
    name: 'twin',
    missing: oursMissing,
    env: { GEARTRAIN_NATIVE: '0' },
    argv: (_context, port) => geartrain(port, ['--threads', '0']),
  },
  {
    name: 'shards-1',
    missing: oursMissing,
    argv: (_context, port) => geartrain(port, ['--threads', '1']),
  },
  {
    name: 'shards-2',
    missing: oursMissing,
    argv: (_context, port) => geartrain(port, ['--threads', '2']),
  },
];

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
    byDefault: true,
    missing: () => '',
    argv: (_context, port) => words.map((word) => word.replace('{port}', String(port))),
  };
}

/** Another build of geartrain, for a comparison of the two: a checkout with its `dist`. */
export function otherBuild(folder) {
  const path = join(resolve(folder), 'dist/cli/gearmand.js');
  return {
    name: 'against',
    byDefault: true,
    missing: () => (existsSync(path) ? '' : `no ${path} (npm run build there)`),
    argv: (_context, port) => geartrain(port, ['--threads', '0'], path),
  };
}

/** A server that runs already, as HOST:PORT or HOST:PORT:PID; it is neither pinned nor stopped. */
export function attachedServer(text) {
  const match = /^(.+?):(\d+)(?::(\d+))?$/.exec(text);
  if (!match) throw new Error(`--attach: not HOST:PORT or HOST:PORT:PID: ${text}`);
  const [, host, port, pid] = match;
  return {
    name: `${host}:${port}`,
    byDefault: true,
    missing: () => '',
    attached: { host, port: Number(port), pid: pid ? Number(pid) : undefined },
  };
}
