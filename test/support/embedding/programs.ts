/**
 * Programs that embed servers, run as processes of their own: for effects of a process's end, and for faults that must
 * not reach the test process. The program is given as source text after a common head.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const dist = new URL('../../../dist/', import.meta.url);

/** Available to every program. */
const HEAD = `
import { once } from 'node:events';
import { connect } from 'node:net';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from ${JSON.stringify(new URL('index.js', dist).href)};
const dist = ${JSON.stringify(dist.href)};
const variant = JSON.parse(process.argv[1]);
const listening = async (options = {}) => {
  const server = createServer({ host: '127.0.0.1', port: 0, warmUp: 0, ...variant, ...options });
  await server.listen();
  return server;
};
const text = async (server, line) => {
  const socket = connect(server.address.port, '127.0.0.1');
  socket.end(line + '\\n');
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
};
const packet = (type, ...args) => {
  const payload = Buffer.from(args.join('\\0'), 'latin1');
  const header = Buffer.from('\\0REQ\\0\\0\\0\\0\\0\\0\\0\\0', 'latin1');
  header.writeUInt32BE(type, 4);
  header.writeUInt32BE(payload.length, 8);
  return Buffer.concat([header, payload]);
};
// Sockets, event descriptors, pipes: Node itself leaves files open that a terminated thread was reading.
const descriptors = () => readdirSync('/proc/self/fd').filter((fd) => {
  try {
    return /^(socket|pipe|anon_inode):/.test(readlinkSync('/proc/self/fd/' + fd));
  } catch {
    return false;
  }
}).length;
`;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `source` with `variant` (threads, native) until it ends by itself; killed after `patienceMs`, which shows as
 * signal SIGKILL.
 */
export async function runProgram(
  variant: { readonly threads: number; readonly native: string },
  source: string,
  patienceMs = 20_000,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { threads, native } = variant;
  const given = JSON.stringify({ threads, native });
  const child = spawn(process.execPath, ['--input-type=module', '-e', HEAD + source, given], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (...end: [number | null, NodeJS.Signals | null]) => resolve(end));
  });
  clearTimeout(killer);
  return { code, signal, stdout, stderr };
}
