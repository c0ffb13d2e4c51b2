/**
 * Job servers of every kind that the library must work with, and clients and workers that end with their test.
 * Rule: the library is the built package, because handlers in threads need real files.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { Client, createServer, Worker } from '../../dist/index.js';
import type {
  ClientOptions,
  Codec,
  ConnectionOptions,
  Client as LibraryClient,
  Worker as LibraryWorker,
  ServerOptions,
  WorkerOptions,
} from '../../src/index.ts';
import { hasPeer, requirePeer } from './peers.ts';
import { startServer } from './servers.ts';

/** A server that runs. */
export interface RunningServer {
  /** Options with which clients and workers reach it. */
  readonly connection: ConnectionOptions;
  stop(): Promise<void>;
}

export interface ServerVariant {
  readonly label: string;
  /** Functions of our server only are not tested with the C gearmand. */
  readonly isOurs: boolean;
  start(options?: ServerOptions): Promise<RunningServer>;
}

function embedded(
  label: string,
  threads: number,
  how: 'tcp' | 'unix' | 'memory',
  native: 'auto' | 'off' = 'auto',
): ServerVariant {
  return {
    label,
    isOurs: true,
    async start(options = {}) {
      const scratch = mkdtempSync(join(tmpdir(), 'geartrain-library-'));
      const path = join(scratch, 'socket');
      const server = createServer({ port: 0, host: '127.0.0.1', threads, native, ...options });
      if (how === 'tcp') await server.listen();
      if (how === 'unix') await server.listen({ path });
      const { port } = (server.address ?? { port: 0 }) as { port: number };
      return {
        connection:
          how === 'memory'
            ? { server }
            : { servers: [how === 'tcp' ? `127.0.0.1:${port}` : `unix:${path}`] },
        async stop() {
          await server.close();
          rmSync(scratch, { recursive: true, force: true });
        },
      };
    },
  };
}

const gearmand: ServerVariant = {
  label: 'C gearmand 1.1.20, TCP',
  isOurs: false,
  async start() {
    const server = await startServer('gearmand');
    return {
      connection: { servers: [`127.0.0.1:${server.port}`] },
      stop: () => server.stop(),
    };
  },
};

/** Every kind of server that is there; a missing one is named. */
export function serverVariants(): ServerVariant[] {
  const ours = [
    embedded('threads 0, TCP', 0, 'tcp'),
    embedded('threads 2, TCP', 2, 'tcp'),
    embedded('threads 0, Unix socket', 0, 'unix'),
    embedded('threads 2, Unix socket', 2, 'unix'),
    ...(['auto', 'off'] as const).flatMap((native) => [
      embedded(`threads 0, in process, native ${native}`, 0, 'memory', native),
      embedded(`threads 2, in process, native ${native}`, 2, 'memory', native),
    ]),
  ];
  if (!requirePeer('gearmand')) return ours;
  return [...ours, gearmand];
}

export { hasPeer };

/** Clients and workers of one test file; those of a test are closed after it. */
export class LibraryYard {
  readonly #open: AsyncDisposable[] = [];

  constructor() {
    afterEach(async () => {
      for (const one of this.#open.splice(0).reverse()) await one[Symbol.asyncDispose]();
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests use any function
  client(options: ClientOptions & { codec?: Codec }): LibraryClient<any> {
    const client = new Client(options as never);
    this.#open.push(client);
    return client as never;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests use any function
  worker(options: WorkerOptions & { codec?: Codec }): LibraryWorker<any> {
    const worker = new Worker(options as never);
    this.#open.push(worker);
    return worker as never;
  }

  /** Ends with the test. */
  keep<T extends AsyncDisposable>(one: T): T {
    this.#open.push(one);
    return one;
  }
}
