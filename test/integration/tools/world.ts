/**
 * The surroundings of one invocation: a job server that nobody has used, and peers with a known behaviour on it.
 * Rule: peers are raw connections, so that neither tool under test is also the measure.
 */
import { createServer } from '../../../dist/index.js';
import type { Server } from '../../../src/index.ts';
import { freePort } from '../../support/free-port.mjs';
import type { WirePacket } from '../../support/packet-text.ts';
import { startServer } from '../../support/servers.ts';
import { WireConnection } from '../../support/wire.ts';

export type WorldKind = 'gearmand' | 'geartrain' | 'nobody';

/** Answers a job by sending WORK_* packets of it. */
export type Behaviour = (worker: WireConnection, handle: string, workload: Buffer) => void;

const BEHAVIOURS = {
  cat: (worker, handle, workload) => worker.send('WORK_COMPLETE', handle, workload),
  upper: (worker, handle, workload) =>
    worker.send('WORK_COMPLETE', handle, workload.toString('latin1').toUpperCase()),
  fail: (worker, handle) => worker.send('WORK_FAIL', handle),
  pieces: (worker, handle, workload) =>
    worker
      .send('WORK_DATA', handle, 'one ')
      .send('WORK_DATA', handle, workload)
      .send('WORK_DATA', handle, '\0\xff\n')
      .send('WORK_COMPLETE', handle, 'end'),
  warn: (worker, handle) =>
    worker.send('WORK_WARNING', handle, 'careful\n').send('WORK_COMPLETE', handle, 'done'),
  progress: (worker, handle) =>
    worker
      .send('WORK_STATUS', handle, '1', '4')
      .send('WORK_STATUS', handle, '2', '4')
      .send('WORK_COMPLETE', handle, 'done'),
  halfway: (worker, handle) => worker.send('WORK_DATA', handle, 'half').send('WORK_FAIL', handle),
  exception: (worker, handle) => worker.send('WORK_EXCEPTION', handle, 'what went wrong'),
  sleep: () => undefined,
} as const satisfies Readonly<Record<string, Behaviour>>;

export type BehaviourName = keyof typeof BEHAVIOURS;

export class World {
  readonly kind: WorldKind;
  readonly port: number;
  readonly serverPid: number;
  /** Handles of jobs that were submitted by `submit`, in order. */
  readonly handles: string[] = [];
  /** What clients and workers of this world heard about jobs, in order of arrival for each. */
  readonly heard: string[] = [];
  readonly #stop: () => Promise<void>;
  readonly #peers: WireConnection[] = [];
  readonly #watched: Promise<void>[] = [];

  private constructor(
    kind: WorldKind,
    { port, pid, stop }: { port: number; pid: number; stop: () => Promise<void> },
  ) {
    this.kind = kind;
    this.port = port;
    this.serverPid = pid;
    this.#stop = stop;
  }

  static async make(kind: WorldKind): Promise<World> {
    if (kind === 'gearmand') {
      const server = await startServer('gearmand');
      return new World(kind, server);
    }
    if (kind === 'nobody') {
      return new World(kind, { port: await freePort(), pid: 0, stop: async () => {} });
    }
    const server: Server = createServer({ host: '127.0.0.1', port: 0 });
    await server.listen();
    const { port } = server.address as { port: number };
    return new World(kind, { port, pid: process.pid, stop: () => server.close() });
  }

  async connect(name = 'peer'): Promise<WireConnection> {
    const peer = await WireConnection.connect({ port: this.port, name });
    this.#peers.push(peer);
    return peer;
  }

  /** A worker that answers every job of the functions as its behaviour says, until the world ends. */
  async work(functions: Readonly<Record<string, BehaviourName>>): Promise<void> {
    const worker = await this.connect('worker');
    for (const name of Object.keys(functions)) worker.send('CAN_DO', name);
    worker.send('PRE_SLEEP');
    await worker.barrier();
    void this.#serve(worker, functions).catch(() => {});
  }

  async #serve(
    worker: WireConnection,
    functions: Readonly<Record<string, BehaviourName>>,
  ): Promise<void> {
    for (;;) {
      const item = await worker.next();
      if (item.kind !== 'packet') continue;
      if (item.name === 'NOOP') worker.send('GRAB_JOB');
      if (item.name === 'NO_JOB') worker.send('PRE_SLEEP');
      if (item.name !== 'JOB_ASSIGN') continue;
      const [handle, name] = item.args.map(String) as [string, string];
      this.heard.push(`worker got ${name} ${JSON.stringify(item.data.toString('latin1'))}`);
      BEHAVIOURS[functions[name] as BehaviourName](worker, handle, item.data);
      worker.send('GRAB_JOB');
    }
  }

  /** Submits a background job. */
  async submit(name: string, unique: string, workload: string): Promise<void> {
    const client = await this.connect('client');
    const created = await client.ask('JOB_CREATED', 'SUBMIT_JOB_BG', name, unique, workload);
    this.handles.push(created.payload.toString());
    await client.close();
  }

  /** Submits a job whose end is waited for by `settled`; what the client hears is noted. */
  async wait(name: string, workload: string): Promise<void> {
    const client = await this.connect('client');
    const created = await client.ask('JOB_CREATED', 'SUBMIT_JOB', name, '', workload);
    this.handles.push(created.payload.toString());
    this.#watched.push(this.#watch(client, this.#watched.length + 1));
  }

  async #watch(client: WireConnection, number: number): Promise<void> {
    for (;;) {
      const item = (await client.next()) as WirePacket;
      const data = JSON.stringify(item.data.toString('latin1'));
      this.heard.push(`client ${number} got ${item.name} ${data}`);
      if (item.name === 'WORK_COMPLETE' || item.name === 'WORK_FAIL') return;
    }
  }

  /** Resolves when every job of `wait` has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#watched);
  }

  /** A text command without a reply of interest. */
  async tell(command: string): Promise<void> {
    const admin = await this.connect('admin');
    await admin.command(command, '\r\n');
    await admin.close();
  }

  /** Functions with their queued jobs by priority and workers, and the uniques of all jobs: what an invocation left. */
  async left(): Promise<string[]> {
    if (this.kind === 'nobody') return [];
    const admin = await this.connect('admin');
    const functions = (await admin.list('prioritystatus')).sort();
    const uniques = (await admin.list('show unique jobs')).sort();
    await admin.close();
    return [...functions, ...uniques];
  }

  async end(): Promise<void> {
    for (const peer of this.#peers) peer.socket.destroy();
    await this.#stop();
  }
}
