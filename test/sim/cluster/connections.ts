/** The clients and workers that are connected to one simulated server. */
import { type JobKey, keyText } from '../../../src/cluster/entries.ts';
import type { HeldJob, HomeEffect } from '../../../src/cluster/home-state.ts';
import { bucketOf } from '../../../src/cluster/names.ts';
import type { JobFields } from '../../../src/cluster/records.ts';
import type { SimServer } from './server.ts';

const HASH_SEED = 7;
const CLIENTS = 2;
const WORKERS = 2;

interface SimWorker {
  readonly id: number;
  readonly functionNames: readonly string[];
  state: 'idle' | 'grabbing' | 'working' | 'gone';
}

export class SimConnections {
  readonly #server: SimServer;
  #workers: SimWorker[] = [];
  #clients: number[] = [];
  #isOpen = false;
  #lastId = 0;

  constructor(server: SimServer) {
    this.#server = server;
  }

  /** Whether no worker has a job. */
  get isQuiet(): boolean {
    return this.#workers.every(({ state }) => state !== 'working');
  }

  open(): void {
    this.#isOpen = true;
    for (let i = 0; i < WORKERS; i++) this.#addWorker();
    for (let i = 0; i < CLIENTS; i++) this.#clients.push(++this.#lastId);
  }

  /** Every tick of the server: idle workers grab, clients submit now and then. */
  tick(): void {
    const { world, isLeaving } = this.#server;
    if (!this.#isOpen || isLeaving) return;
    for (const worker of this.#workers)
      if (worker.state === 'idle' && world.random.oneIn(2)) this.#grab(worker);
    if (world.isActive) {
      for (const client of this.#clients) if (world.random.oneIn(6)) this.#submit(client);
    }
  }

  hear(effect: Exclude<HomeEffect, { type: 'send' | 'readKey' }>): void {
    const { ledger } = this.#server.world;
    const { incarnation } = this.#server;
    switch (effect.type) {
      case 'answer':
        ledger.answered(incarnation, effect.number, effect.key);
        break;
      case 'result':
        if (effect.isFinal) ledger.finished(incarnation, effect.number);
        break;
      case 'assign':
        this.#work(effect.worker, effect.job);
        break;
      case 'noJob': {
        const worker = this.#workers.find(({ id }) => id === effect.worker);
        if (worker !== undefined) worker.state = 'idle';
        break;
      }
      case 'ended':
        ledger.ended(effect.bucket, effect.key, effect.assignment);
        break;
    }
  }

  /** A worker loses its connection; another one comes. */
  dropWorker(): void {
    const worker = this.#workers[0];
    if (worker === undefined || !this.#isOpen) return;
    this.#workers.shift();
    worker.state = 'gone';
    this.#server.turn(() => {
      this.#server.world.ledger.workerGone(this.#server.incarnation, worker.id);
      this.#server.toHome({ type: 'workerGone', worker: worker.id });
      this.#addWorker();
    });
  }

  dropClient(): void {
    const client = this.#clients.shift();
    if (client === undefined) return;
    this.#server.turn(() => {
      this.#server.world.ledger.clientGone(this.#server.incarnation, client);
      this.#server.toHome({ type: 'clientGone', client });
      this.#clients.push(++this.#lastId);
    });
  }

  #addWorker(): void {
    const { random, plan } = this.#server.world;
    const chosen = plan.functionNames.filter(() => !random.oneIn(3));
    const functionNames = chosen.length > 0 ? chosen : plan.functionNames;
    this.#workers.push({ id: ++this.#lastId, functionNames, state: 'idle' });
  }

  #grab(worker: SimWorker): void {
    const { world } = this.#server;
    const buckets = new Map<number, string[]>();
    const names = world.isActive ? worker.functionNames : world.plan.functionNames;
    for (const name of names) {
      const bucket = bucketOf(name, HASH_SEED, world.plan.bucketCount);
      buckets.set(bucket, [...(buckets.get(bucket) ?? []), name]);
    }
    worker.state = 'grabbing';
    this.#server.toHome({ type: 'grab', worker: worker.id, buckets, nowMs: this.#server.nowMs() });
  }

  #work(id: number, { bucket, key, assignment, fields }: HeldJob): void {
    const server = this.#server;
    const { world } = server;
    const worker = this.#workers.find((one) => one.id === id);
    if (worker === undefined) throw new Error('a job for a worker that has gone');
    worker.state = 'working';
    world.ledger.began(server, id, bucket, key, assignment, fields);
    const forMs = world.isActive ? world.random.pick([5, 40, 200, 200, 900, 3500]) : 5;
    if (forMs > 100)
      this.#later(forMs / 2, worker, () => this.#packet(bucket, key, assignment, false));
    this.#later(forMs, worker, () => {
      worker.state = 'idle';
      world.ledger.worked(bucket, key, assignment);
      this.#packet(bucket, key, assignment, true);
    });
  }

  #later(ms: number, worker: SimWorker, run: () => void): void {
    this.#server.world.clock.after(ms, () => {
      this.#server.turn(() => {
        if (worker.state === 'working') run();
      });
    });
  }

  #packet(bucket: number, key: JobKey, assignment: number, isFinal: boolean): void {
    const packet = Buffer.from(keyText(key));
    this.#server.toHome({ type: 'work', bucket, key, assignment, isFinal, packet });
  }

  #submit(client: number): void {
    const server = this.#server;
    const { world } = server;
    const { random, plan, ledger } = world;
    const functionName = random.pick(plan.functionNames);
    const isBackground = !random.oneIn(3);
    const fields: JobFields = {
      functionName,
      unique: random.oneIn(3) ? `u${random.below(4)}` : '',
      reducer: '',
      priority: random.below(3),
      startMs: 0,
      isBackground,
      workload: Buffer.from(ledger.nextWorkload()),
    };
    const bucket = bucketOf(functionName, HASH_SEED, plan.bucketCount);
    this.#submits++;
    const number = this.#submits;
    ledger.submitted(server, client, number, bucket, fields);
    server.toHome({ type: 'submit', client, bucket, fields, nowMs: server.nowMs() });
  }

  /** Homes number submits from 1 on, as they come. */
  #submits = 0;
}
