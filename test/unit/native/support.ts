/**
 * What the addon's own tests share: the addon or a printed reason for skipping them, hosts that are destroyed after
 * each test, frames. GEARTRAIN_REQUIRE_PEERS=1 turns a missing addon into a failure.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, describe } from 'vitest';
import { createReactor } from '../../../src/native/addon.ts';
import type { ReactorOptions } from '../../../src/native/contract.ts';
import { HEADER_BYTES } from '../../../src/protocol/limits.ts';
import { Host } from '../../parity/host.ts';
import { Peer } from '../../parity/peer.ts';
import { requireAddon } from '../../support/peers.ts';

/** `describe` that is skipped without the addon. */
export const describeAddon = describe.skipIf(!requireAddon());

const BUILT = fileURLToPath(new URL('../../../dist/native/addon.js', import.meta.url));
const WORKER = new URL('./worker.mjs', import.meta.url);

const hosts = new Set<Host>();
const peers = new Set<Peer>();
const workers = new Set<Worker>();
afterEach(async () => {
  for (const peer of peers) peer.socket.destroy();
  for (const worker of workers) await worker.terminate();
  for (const host of hosts) await host.reactor.destroy();
  peers.clear();
  workers.clear();
  hosts.clear();
});

/** A host over the addon, destroyed after the test. */
export function makeHost(options: Partial<ReactorOptions> = {}): Host {
  const host = new Host(createReactor, options);
  hosts.add(host);
  return host;
}

export async function listen(host: Host): Promise<number> {
  return (await host.reactor.listen({ host: '127.0.0.1', port: 0, backlog: 512 })).port;
}

/** A client socket, destroyed after the test. */
export async function connect(port: number): Promise<Peer> {
  const peer = await Peer.connect({ port, host: '127.0.0.1' });
  peers.add(peer);
  return peer;
}

/** A thread that runs worker.mjs on the built output; terminated after the test. Its first message is `ready`. */
export async function startWorker(job: string, data: object = {}): Promise<Worker> {
  return (await startEndingWorker(job, data)).worker;
}

/** The same with its exit code: a worker that ends by itself may be gone when its first message is heard. */
export async function startEndingWorker(
  job: string,
  data: object = {},
): Promise<{ worker: Worker; exited: Promise<number> }> {
  if (!existsSync(BUILT)) throw new Error('dist/ is missing: npm run build');
  const worker = new Worker(WORKER, { workerData: { ...data, job } });
  workers.add(worker);
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve));
  await once(worker, 'message');
  return { worker, exited };
}

/** The next message of a worker. */
export async function message<T>(worker: Worker): Promise<T> {
  const [value] = await once(worker, 'message');
  return value as T;
}

const SOCKET_OPTIONS = `import socket
s = socket.socket(fileno=3)
print(*(s.getsockopt(level, name) for level, name in ((6, 18), (6, 4), (1, 9), (6, 1))))`;

/** Options of a socket as Python reads them: user timeout in ms, keepalive's idle seconds, keepalive, no delay. */
export async function socketOptions(fd: number): Promise<string> {
  const python = spawn('python3', ['-c', SOCKET_OPTIONS], {
    stdio: ['ignore', 'pipe', 'inherit', fd],
  });
  let text = '';
  for await (const part of python.stdout as NodeJS.ReadableStream) text += part;
  return text.trim();
}

export const ECHO_REQ = 16;
/** One request packet. */
export function frame(type: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content as string, 'latin1');
  const header = Buffer.from('\0REQ\0\0\0\0\0\0\0\0', 'latin1');
  header.writeUInt32BE(type, 4);
  header.writeUInt32BE(bytes.length, 8);
  const all = Buffer.concat([header, bytes]);
  if (all.length !== HEADER_BYTES + bytes.length) throw new Error('frame is not whole');
  return all;
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Resolves after a pass of the event loop. */
export function nextPass(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
