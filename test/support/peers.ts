/**
 * Which third-party programs are installed. Rule: a missing one skips its tests and says so, unless
 * GEARTRAIN_REQUIRE_PEERS=1: then it fails them, so that continuous integration cannot pass by skipping.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { gearmandPath } from './servers.ts';

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

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** Node has an SQLite of its own from 22.13 on. */
const hasOwnSqlite = major > 22 || (major === 22 && minor >= 13);

const PEERS = {
  gearmand: {
    packageName: 'gearman-job-server',
    isInstalled: () => existsSync(gearmandPath()) || runs('gearmand', '--version'),
  },
  compiler: {
    packageName: 'g++',
    isInstalled: () => ['g++', 'clang++', 'c++'].some((name) => runs(name, '--version')),
  },
  gearman: { packageName: 'gearman-tools', isInstalled: () => runs('gearman', '-H') },
  gearadmin: { packageName: 'gearman-tools', isInstalled: () => runs('gearadmin', '--help') },
  sqlite: {
    packageName: 'better-sqlite3@12.11.1, with --no-save --save-dev',
    source: 'npm',
    isInstalled: () => hasOwnSqlite || runs('node', '-e', 'new (require("better-sqlite3"))("")'),
  },
  script: {
    packageName: 'bsdutils',
    isInstalled: () => runs('script', '-qec', 'stty -a', '/dev/null'),
  },
  strace: { packageName: 'strace', isInstalled: () => runs('strace', '-V') },
  openssl: { packageName: 'openssl', isInstalled: () => runs('openssl', 'version') },
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
  const reason = `${name} is not installed (${source}: ${packageName})`;
  if (process.env.GEARTRAIN_REQUIRE_PEERS === '1') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return false;
}
