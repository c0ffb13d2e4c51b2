// System calls of a server during the counted phase, counted by strace.
// Rule: strace slows every call down, so a traced sample's times mean nothing; only counts do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../servers.mjs';

/** Why system calls cannot be counted here, or ''. */
export const syscallsMissing = () =>
  findProgram('strace') ? '' : 'no strace (apt-get install strace)';

/** Waits until the kernel names a tracer of the process. */
async function attached(pid, tracer) {
  for (let tries = 0; tries < 200; tries++) {
    if (tracer.exitCode !== null) throw new Error(`strace ended: exit ${tracer.exitCode}`);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!/^TracerPid:\s+0$/m.test(status)) return;
    await sleep(10);
  }
  throw new Error('strace did not attach within 2 s');
}

/** Attaches to all threads of a process. `end()` detaches and answers { name: count }. */
export async function countSyscalls(pid) {
  const words = ['-f', '-c', '-q', '-U', 'calls,name', '-p', String(pid)];
  const tracer = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  tracer.stderr.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const ended = once(tracer, 'close');
  await attached(pid, tracer);
  return {
    async end() {
      tracer.kill('SIGINT');
      await ended;
      const rows = [...text.matchAll(/^\s*(\d+)\s+([a-z]\w*)\s*$/gm)].filter(
        ([, , name]) => name !== 'total',
      );
      if (rows.length === 0) throw new Error(`strace counted nothing: ${text.trim()}`);
      return Object.fromEntries(rows.map(([, calls, name]) => [name, Number(calls)]));
    },
  };
}
