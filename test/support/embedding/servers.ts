/**
 * Servers inside the test process, made from the built package, with and without shards, with the addon and the
 * TypeScript core. Rule: everything that a test starts or connects is ended after it.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { afterEach, onTestFailed } from 'vitest';
import { createServer, LogLevel } from '../../../dist/index.js';
import type { Server, ServerOptions } from '../../../src/index.ts';
import { requireAddon } from '../peers.ts';
import { Transcript, WireConnection } from '../wire.ts';

/** One way to run a server. */
export interface Variant {
  readonly threads: number;
  readonly native: 'on' | 'off';
  /** `threads 2, TypeScript core` */
  readonly label: string;
}

const hasAddon = requireAddon();

/** Every thread count with the addon, if there is one, and with the TypeScript core. */
export function variants(threadCounts: readonly number[] = [0, 2]): Variant[] {
  const kinds = hasAddon ? (['on', 'off'] as const) : (['off'] as const);
  return threadCounts.flatMap((threads) =>
    kinds.map((native) => ({
      threads,
      native,
      label: `threads ${threads}, ${native === 'on' ? 'addon' : 'twin'}`,
    })),
  );
}

/** Log lines of a server; each may be awaited. */
export class TestLog {
  readonly level: number;
  readonly lines: string[] = [];
  #look: () => void = () => {};

  constructor(level: number = LogLevel.INFO) {
    this.level = level;
  }

  log(level: number, text: string): void {
    if (level > this.level) return;
    this.lines.push(text);
    this.#look();
  }

  /** Resolves when `count` lines match. */
  async until(pattern: RegExp, count = 1): Promise<void> {
    while (this.lines.filter((line) => pattern.test(line)).length < count) {
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }
}

export interface StartedServer {
  readonly server: Server;
  readonly log: TestLog;
  /** Of the first address; 0 for a Unix socket. */
  readonly port: number;
}

/** Servers and connections of one test. */
export class Yard {
  readonly transcript = new Transcript();
  readonly #servers: Server[] = [];
  readonly #peers: WireConnection[] = [];

  /** Makes a server; it does not listen yet. Without a warm-up, which costs each start 40 ms of every thread. */
  create(options: ServerOptions = {}): Server {
    const server = createServer({ warmUp: 0, ...options });
    this.#servers.push(server);
    return server;
  }

  /** Makes a server that listens on a free loopback port. */
  async start(variant: Variant, options: ServerOptions = {}): Promise<StartedServer> {
    const log = new TestLog();
    const { threads, native } = variant;
    const server = this.create({
      ...(options.listen === undefined && { host: '127.0.0.1' }),
      port: 0,
      threads,
      native,
      jobHandlePrefix: 'H',
      logger: log,
      ...options,
    });
    await server.listen();
    return { server, log, port: portOf(server) };
  }

  async peer(to: { readonly port: number; readonly host?: string }, name: string) {
    const { port, host = '127.0.0.1' } = to;
    const peer = await WireConnection.connect({ port, host, name, transcript: this.transcript });
    this.#peers.push(peer);
    return peer;
  }

  async end(): Promise<void> {
    const peers = this.#peers.splice(0);
    for (const peer of peers) peer.socket.destroy();
    await Promise.all(peers.map((peer) => peer.closed));
    await Promise.all(this.#servers.splice(0).map((server) => server.close().catch(() => {})));
  }
}

/** Inside `describe` or a file: gives each test a yard and ends its content. */
export function useYard(): () => Yard {
  let yard: Yard | null = null;
  afterEach(async () => {
    const ended = yard;
    yard = null;
    await ended?.end();
  });
  return () => {
    if (yard === null) {
      const made = new Yard();
      yard = made;
      onTestFailed(() => console.error(`transcript:\n${made.transcript}`));
    }
    return yard;
  };
}

/** Port of the first address, 0 for a Unix socket. */
export function portOf(server: Server): number {
  const { address } = server;
  return address !== null && 'port' in address ? address.port : 0;
}

/** Open descriptors of this process that a server may have: sockets, event descriptors, pipes. */
export function descriptorCount(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (/^(socket|pipe|anon_inode):/.test(readlinkSync(`/proc/self/fd/${fd}`))) count++;
    } catch {
      // It was the descriptor of this very listing.
    }
  }
  return count;
}
