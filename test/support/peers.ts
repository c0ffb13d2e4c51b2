/**
 * What tests need beside Node.js and this package. Rule: without it its tests are skipped with a printed reason. With
 * GEARTRAIN_REQUIRE_PEERS=1 things that can be installed must exist: a missing one fails its tests, so that continuous
 * integration cannot pass by skipping. Properties of the machine (root, IPv6) are only reported.
 */
import { spawnSync } from 'node:child_process';
import { loadNative } from '../../src/native/load.ts';
import { findPostgresProgram, findProgram } from './find-program.ts';

interface Peer {
  /** Package that brings it; of Debian when `source` is left out. */
  readonly packageName: string;
  readonly source?: 'Debian' | 'npm';
  readonly isInstalled: () => boolean;
}

const runs = (command: string, ...args: string[]): boolean => {
  const result = spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 });
  return result.error === undefined && result.status === 0;
};
const has = (name: string) => (): boolean => findProgram(name) !== null;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** Node has an SQLite of its own from 22.13 on. */
const hasOwnSqlite = major > 22 || (major === 22 && minor >= 13);

const PEERS = {
  gearmand: { packageName: 'gearman-job-server', isInstalled: has('gearmand') },
  compiler: {
    packageName: 'g++',
    isInstalled: () => ['g++', 'clang++', 'c++'].some((name) => runs(name, '--version')),
  },
  gearman: { packageName: 'gearman-tools', isInstalled: () => runs('gearman', '-H') },
  gearadmin: { packageName: 'gearman-tools', isInstalled: () => runs('gearadmin', '--help') },
  sqlite: {
    packageName: 'better-sqlite3@12.11.1, with --no-save --save-dev',
    source: 'npm',
    isInstalled: () =>
      hasOwnSqlite || runs(process.execPath, '-e', 'new (require("better-sqlite3"))("")'),
  },
  postgres: {
    packageName: 'postgresql and procps',
    isInstalled: () => findPostgresProgram('postgres') !== null && has('ps')(),
  },
  mariadb: {
    packageName: 'mariadb-server and procps',
    isInstalled: () => ['mariadbd', 'mariadb-install-db', 'ps'].every((name) => has(name)()),
  },
  redis: { packageName: 'redis-server', isInstalled: () => runs('redis-server', '--version') },
  memcached: { packageName: 'memcached', isInstalled: () => runs('memcached', '--version') },
  script: {
    packageName: 'bsdutils',
    isInstalled: () => runs('script', '-qec', 'stty -a', '/dev/null'),
  },
  bash: { packageName: 'bash', isInstalled: () => runs('bash', '--version') },
  chromium: { packageName: 'chromium', isInstalled: () => runs('chromium', '--version') },
  strace: { packageName: 'strace', isInstalled: () => runs('strace', '-V') },
  openssl: { packageName: 'openssl', isInstalled: () => runs('openssl', 'version') },
  curl: { packageName: 'curl', isInstalled: () => runs('curl', '--version') },
  git: { packageName: 'git', isInstalled: () => runs('git', '--version') },
  python: { packageName: 'python3', isInstalled: () => runs('python3', '--version') },
  promtool: { packageName: 'prometheus', isInstalled: () => runs('promtool', '--version') },
  'systemd-analyze': {
    packageName: 'systemd',
    isInstalled: () => runs('systemd-analyze', '--version'),
  },
  groff: { packageName: 'groff-base', isInstalled: () => runs('groff', '--version') },
  readelf: { packageName: 'binutils', isInstalled: () => runs('readelf', '--version') },
  php: {
    packageName: 'php-cli and php-gearman',
    isInstalled: () => runs('php', '-r', 'exit(extension_loaded("gearman") ? 0 : 1);'),
  },
  perl: {
    packageName: 'libgearman-client-perl',
    isInstalled: () => runs('perl', '-MGearman::Client', '-MGearman::Worker', '-e', '1'),
  },
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof PEERS;

const known = new Map<PeerName, boolean>();
const said = new Set<string>();

/** Looks once whether the program is there and runs. */
export function hasPeer(name: PeerName): boolean {
  let installed = known.get(name);
  if (installed === undefined) {
    installed = PEERS[name].isInstalled();
    known.set(name, installed);
  }
  return installed;
}

/**
 * True when the program is there. When it is not: prints why the tests are skipped and returns false, or throws when
 * GEARTRAIN_REQUIRE_PEERS=1. Use: `describe.skipIf(!requirePeer('php'))`.
 */
export function requirePeer(name: PeerName): boolean {
  if (hasPeer(name)) return true;
  const { packageName, source = 'Debian' }: Peer = PEERS[name];
  return missing(`${name} is not installed (${source}: ${packageName})`);
}

/** As `requirePeer`, for anything that continuous integration must have; `reason` names what is missing. */
export function missing(reason: string): false {
  if (process.env.GEARTRAIN_REQUIRE_PEERS === '1') throw new Error(reason);
  return say(reason);
}

/** Returns `holds`; when false, prints why tests are skipped. For properties that cannot be installed. */
export function onlyWhere(holds: boolean, reason: string): boolean {
  return holds || say(reason);
}

/** As `requirePeer`, for the addon; one that is not wanted may be missing. */
export function requireAddon(): boolean {
  const native = loadNative();
  if (native.kind === 'addon') return true;
  const reason = `the addon is missing: ${native.reason}`;
  return process.env.GEARTRAIN_NATIVE === '0' ? say(reason) : missing(reason);
}

/** Every reason once a file. */
function say(reason: string): false {
  if (!said.has(reason)) console.warn(`skipped: ${reason}`);
  said.add(reason);
  return false;
}
