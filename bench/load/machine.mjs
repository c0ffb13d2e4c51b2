// What a figure depends on besides the code: machine, system, versions, cores.
// Rule: goes into every JSON file of samples; what cannot be read is `unknown`, never left out.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { findProgram } from './servers.mjs';

function versionOf(path, ...words) {
  try {
    return execFileSync(path, words, { encoding: 'utf8' }).trim().split('\n')[0];
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
  const gearmand = findProgram(context.gearmand);
  return {
    time: new Date().toISOString(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    congestionControl: read('/proc/sys/net/ipv4/tcp_congestion_control'),
    node: process.version,
    gearmand: gearmand ? versionOf(gearmand, '--version') : 'none',
    commit: versionOf('git', 'rev-parse', '--short', 'HEAD'),
    pins: context.pins ?? 'none',
  };
}
