/**
 * Loads the driver of a database at first use. Rule: when it is missing, the error has the command that installs it
 * where this program looks for it: beside a global or local installation, or in a checkout.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
/** The folder of this package. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/**
 * npm's options in a checkout, where optional peers of the package itself can only be installed as development
 * dependencies.
 */
const CHECKOUT = '--no-save --save-dev ';
const PLAIN = /^[\w@%+=:,./-]+$/;

export interface Peer {
  /** The name of the package in npm. */
  readonly name: string;
  readonly version: string;
  /** Added after the command in the error. */
  readonly advice?: string;
}

/**
 * Loads `path` of the package, by default its entry. `queue` is gearmand's name of the store. Throws an Error with the
 * remedy.
 */
export function loadPeer(peer: Peer, queue: string, path = peer.name): unknown {
  try {
    return require(path);
  } catch (error) {
    throw peerError(error, peer, queue);
  }
}

/** The error for a driver that cannot be loaded. */
export function peerError(error: unknown, peer: Peer, queue: string): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const isMissing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  const { name, advice = '' } = peer;
  const [reason] = isMissing ? ['it is not installed'] : message.split('\n', 1);
  const remedy = isMissing
    ? `install it with: ${installCommand(peer)}`
    : `build it anew with: npm rebuild ${placeOf(ROOT)} ${name}`;
  return new Error(`load ${name} for -q ${queue}: ${reason}; ${remedy}${advice}`, { cause: error });
}

/** The command that installs a driver for the package in `root`. */
export function installCommand({ name, version }: Omit<Peer, 'advice'>, root = ROOT): string {
  const isCheckout = basename(dirname(root)) !== 'node_modules';
  return `npm install ${isCheckout ? CHECKOUT : ''}${placeOf(root)} ${name}@${version}`;
}

/** npm's options for the folder whose `node_modules` the package in `root` uses. */
function placeOf(root: string): string {
  const modules = dirname(root);
  if (basename(modules) !== 'node_modules') return `--prefix ${quoted(root)}`;
  const owner = dirname(modules);
  if (existsSync(join(owner, 'package.json'))) return `--prefix ${quoted(owner)}`;
  // Global packages are in PREFIX/lib/node_modules, on Windows in PREFIX/node_modules.
  return `-g --prefix ${quoted(basename(owner) === 'lib' ? dirname(owner) : owner)}`;
}

/** Quotes a path for a shell. */
function quoted(path: string): string {
  return PLAIN.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
