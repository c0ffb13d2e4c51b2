/**
 * A running server of ours for a group of dialogue tests, with and without shards. Every test gets fresh names and
 * named connections, which are ended after it; a failing test prints its transcript.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed } from 'vitest';
import { type ServerOptions, startServer, type TestServer } from './servers.ts';
import { Transcript } from './transcript.ts';
import type { WireConnection } from './wire.ts';

export interface Stage {
  readonly server: TestServer;
  readonly threads: number;
  /** A new connection; the name is for the transcript. */
  peer(name: string): Promise<WireConnection>;
  /** `name`, made unlike all names of other tests. */
  fresh(name: string): string;
}

/** Shard counts that every dialogue is tried with. */
export const THREADS = [0, 2] as const;

let freshCount = 0;

/**
 * `describe` over THREADS (or `threadCounts`) with one server each, started before the first test, stopped after the
 * last.
 */
export function describeServer(
  title: string,
  options: ServerOptions,
  body: (stage: Stage) => void,
  threadCounts: readonly number[] = THREADS,
): void {
  describe.each(threadCounts)(`${title}, --threads %i`, (threads) => {
    let server: TestServer | null = null;
    let transcript = new Transcript();
    let connections: WireConnection[] = [];
    let suffix = '';
    beforeAll(async () => {
      server = await startServer('geartrain', { threads, ...options });
    });
    afterAll(async () => {
      expect(server?.isRunning(), `the server lives:\n${server?.output()}`).toBe(true);
      await server?.stop();
    });
    beforeEach(() => {
      transcript = new Transcript();
      suffix = `-${++freshCount}`;
      const said = transcript;
      onTestFailed(() => {
        const log = server?.output().slice(-2000) ?? '';
        console.error(`transcript:\n${said}\nthe server said:\n${log}`);
      });
    });
    afterEach(async () => {
      const ended = connections;
      connections = [];
      for (const connection of ended) connection.socket.destroy();
      await Promise.all(ended.map((connection) => connection.closed));
    });
    body({
      get server(): TestServer {
        if (server === null) throw new Error('the server has not been started');
        return server;
      },
      threads,
      async peer(name) {
        const connection = await this.server.connect(name, transcript);
        connections.push(connection);
        return connection;
      },
      fresh: (name) => name + suffix,
    });
  });
}

/** A worker that offers `functions` (the last one registered last). */
export async function workerOf(
  stage: Stage,
  name: string,
  ...functions: string[]
): Promise<WireConnection> {
  const worker = await stage.peer(name);
  for (const fn of functions) worker.send('CAN_DO', fn);
  await worker.barrier();
  return worker;
}

/** Submits and returns the handle. `name` is one of the SUBMIT_JOB forms with function, unique and data. */
export async function submit(
  client: WireConnection,
  name:
    | 'SUBMIT_JOB'
    | 'SUBMIT_JOB_BG'
    | 'SUBMIT_JOB_HIGH'
    | 'SUBMIT_JOB_LOW'
    | 'SUBMIT_JOB_HIGH_BG',
  functionName: string,
  unique = '',
  data = '',
): Promise<string> {
  const created = await client.ask('JOB_CREATED', name, functionName, unique, data);
  return handleIn(created.payload);
}

/** GRAB_JOB_UNIQ; the handle of the job that it gives. */
export async function grab(worker: WireConnection): Promise<string> {
  const assigned = await worker.ask('JOB_ASSIGN_UNIQ', 'GRAB_JOB_UNIQ');
  return handleIn(assigned.args[0] as Buffer);
}

export function handleIn(bytes: Buffer): string {
  return bytes.toString('latin1');
}
