// Child processes of the bench: started pinned, awaited, and never left running. Rule: however this process ends
// (error, signal, exit), it kills every child first.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './servers.mjs';

const children = new Set();
const tailBytes = 4096;

function killAll() {
  for (const child of children) child.kill('SIGKILL');
}

process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

function allowedCores() {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
    return list.split(',').flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  } catch {
    return [];
  }
}

/**
 * Cores for a server of so many shards and for the load generators, or undefined when nothing can
 * be pinned. With two cores each side has one; with more, a shard has one as far as half of them
 * go, and each generator one of the others.
 */
export function choosePins(shards = 1) {
  const cores = allowedCores();
  if (cores.length < 2 || !findProgram('taskset')) return undefined;
  const serverCores = Math.max(1, Math.min(shards, cores.length >> 1));
  return { server: cores.slice(0, serverCores), load: cores.slice(serverCores) };
}

/** Starts a command on these cores (undefined: anywhere). `child.tail()` is the end of its output. */
export function start(argv, { cores, env, hasInput } = {}) {
  const words = cores ? ['taskset', '-c', cores.join(), ...argv] : argv;
  const child = spawn(words[0], words.slice(1), {
    stdio: [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  children.add(child);
  let output = '';
  child.tail = () => output.trim().slice(-tailBytes);
  child.ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => children.delete(child));
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output = (output + text).slice(-2 * tailBytes);
  });
  child.stdout.setEncoding('utf8');
  return child;
}

/** Stops a server: TERM, and KILL when it has not gone after two seconds. */
export async function stop(child) {
  child.kill('SIGTERM');
  const isGone = await Promise.race([
    child.ended.then(() => true),
    sleep(2000, false, { ref: false }),
  ]);
  if (!isGone) child.kill('SIGKILL');
  await child.ended;
}

function busyCores() {
  const now = () => {
    const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync(
      '/proc/stat',
      'utf8',
    )
      .split('\n')[0]
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return { busy: user + nice + system + irq + softirq + steal, idle: idle + iowait };
  };
  const before = now();
  return sleep(500).then(() => {
    const after = now();
    const busy = after.busy - before.busy;
    return (busy / Math.max(1, busy + after.idle - before.idle)) * availableParallelism();
  });
}

/** Waits until other processes leave the machine alone for half a second, at most `seconds`. */
export async function waitUntilQuiet(seconds) {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; ) {
    if ((await busyCores()) < 0.15) return;
  }
}

function echoOnce(host, port) {
  const request = Buffer.from('\0REQ\0\0\0\x10\0\0\0\x05ready', 'latin1');
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, host, () => socket.write(request));
    const end = (isReady) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(1000, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
      if (answer.endsWith('ready')) end(true);
    });
  });
}

/** Waits until the server answers an ECHO; throws when its process ends or 15 seconds are over. */
export async function waitUntilReady(host, port, child) {
  let ended;
  child?.ended.then((result) => {
    ended = result;
  });
  for (const deadline = Date.now() + 15000; Date.now() < deadline; await sleep(20)) {
    if (await echoOnce(host, port)) return;
    if (ended) {
      const why = ended.error?.message ?? `exit ${ended.code ?? ended.signal}`;
      throw new Error(`the server ended before it was ready (${why}): ${child.tail()}`);
    }
  }
  throw new Error(`the server does not answer an ECHO on ${host}:${port}: ${child?.tail() ?? ''}`);
}
