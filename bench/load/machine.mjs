// Facts that a figure depends on besides the code: machine, system, versions, cores. Rule: goes into every JSON file
// of samples; an unreadable value is `unknown`, never left out.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { choosePins } from './processes.mjs';
import { findGearmand, findPerls, versionOf } from './servers.mjs';

function commit() {
  try {
    const words = ['describe', '--always', '--dirty'];
    return execFileSync('git', words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

/** Facts about this machine and the programs under test; starts `gearmand --version` and git. */
export function describeMachine(context) {
  const read = (path) => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      return 'unknown';
    }
  };
  const gearmand = findGearmand(context.gearmand);
  const perls = findPerls();
  return {
    time: new Date().toISOString(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    congestionControl: read('/proc/sys/net/ipv4/tcp_congestion_control'),
    node: process.version,
    geartrain: JSON.parse(read(new URL('../../package.json', import.meta.url))).version,
    gearmand: gearmand ? versionOf(gearmand) : 'none',
    perl: perls ? versionOf(perls) : 'none',
    commit: commit(),
    pins: choosePins() ?? 'none',
  };
}
