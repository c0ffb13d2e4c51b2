/**
 * Warms up a thread's code before peers are served: a second server with sessions, rings and broker, which nobody can
 * reach, runs jobs between a worker and a client until the time is over. Without this, the first peers would wait for
 * V8's compiler. Rule: the real server is not touched, no port is opened.
 */
import { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { type Logger, LogLevel, nullLogger } from '../base/logger.ts';
import { Packet } from '../protocol/packets.ts';
import { InProcessStream } from '../transport/in-process/stream.ts';
import { assembleThread, type NativeChoice, NO_RINGS, type ThreadConfig } from './assemble.ts';
import { attachInProcess } from './attach.ts';
import { RingEndpoints, RingMesh } from './ring-mesh.ts';
import type { ThreadCore } from './thread-core.ts';
import { WarmPeer } from './warm-peer.ts';

const NOTHING = new Uint8Array(0);
const FUNCTION_NAME = 'warm-up';
/** Jobs of one round, and the greatest number of rounds: more have no effect. */
const ROUND_JOBS = 40;
const ROUNDS_MAX = 100;

const GRABS = [Packet.GRAB_JOB, Packet.GRAB_JOB_UNIQ, Packet.GRAB_JOB_ALL];

/**
 * Runs for at most about `ms`, on the calling thread's loop; 0 = not at all. Never rejects: if a thread cannot have a
 * second server, only its first jobs are slower, which is logged.
 */
export async function warmUp(
  native: NativeChoice,
  config: ThreadConfig,
  ms: number,
  log: Logger,
): Promise<void> {
  if (ms === 0) return;
  let rehearsal: Rehearsal | null = null;
  try {
    rehearsal = new Rehearsal(native, config, performance.now() + ms);
    await rehearsal.play();
  } catch (error) {
    log.log(LogLevel.NOTICE, `warm up: ${(error as Error).message}; the first jobs are slower`);
  } finally {
    await rehearsal?.end();
  }
}

/** The server and its peers: an acceptor and one shard, or one thread for everything, like the real server. */
class Rehearsal {
  readonly #native: NativeChoice;
  readonly #endMs: number;
  readonly #mesh: RingMesh | null;
  readonly #rings: RingEndpoints[] = [];
  readonly #cores: ThreadCore[] = [];
  readonly #peers = new Set<WarmPeer>();
  #timer: NodeJS.Timeout | undefined;

  constructor(native: NativeChoice, config: ThreadConfig, endMs: number) {
    this.#native = native;
    this.#endMs = endMs;
    const isSharded = config.core.sessions.shardCount > 0;
    this.#mesh = isSharded ? new RingMesh(2, native.functions, native.kind === 'addon') : null;
    const scratch = scratchMaker(config, isSharded ? 1 : 0, native.kind === 'addon');
    const guard = (turn: () => void) => this.#guard(turn);
    for (let thread = 0; thread < (isSharded ? 2 : 1); thread++) {
      const rings =
        this.#mesh === null
          ? null
          : new RingEndpoints(this.#mesh.wiresOf(thread).wires, native.functions);
      if (rings !== null) this.#rings.push(rings);
      const own = scratch(thread);
      const core = assembleThread(own, native, rings ?? NO_RINGS, nullLogger, () => {}, { guard });
      this.#cores.push(core);
      rings?.watch(core.reactor);
    }
  }

  /** Runs all rounds. Rejects when a peer is not answered in time. */
  async play(): Promise<void> {
    this.#timer = setTimeout(() => {
      for (const peer of this.#peers) peer.giveUp();
    }, this.#endMs - performance.now());
    for (let round = 0; round < ROUNDS_MAX && performance.now() < this.#endMs; round++)
      if (!(await this.#round(round))) return;
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    for (const peer of this.#peers) peer.leave();
    for (const core of this.#cores) await core.destroy();
    for (const rings of this.#rings) rings.close();
    this.#mesh?.close();
  }

  /** A worker and a client connect, do all jobs and leave. False when the time is over before the end. */
  async #round(round: number): Promise<boolean> {
    const worker = this.#connect(round % 4 === 3);
    const client = this.#connect(round % 4 === 2);
    const grab = GRABS[round % GRABS.length] as number;
    worker.send(Packet.CAN_DO, FUNCTION_NAME);
    worker.send(grab);
    if ((await worker.answer(Packet.NO_JOB)) === null) return false;
    worker.send(Packet.PRE_SLEEP);
    const isBackground = round % 2 === 1;
    const submit = isBackground ? Packet.SUBMIT_JOB_BG : Packet.SUBMIT_JOB;
    for (let job = 0; job < ROUND_JOBS; job++)
      client.send(submit, FUNCTION_NAME, job % 2 === 0 ? '' : `${round}.${job}`, 'workload');
    if ((await worker.answer(Packet.NOOP)) === null) return false;
    for (let job = 0; job < ROUND_JOBS; job++) {
      worker.send(grab);
      const handle = await worker.answer(grabbedBy(grab));
      if (handle === null) return false;
      if (!isBackground) worker.send(Packet.WORK_DATA, handle, 'data');
      worker.send(Packet.WORK_COMPLETE, handle, 'result');
    }
    const last = isBackground ? Packet.JOB_CREATED : Packet.WORK_COMPLETE;
    if ((await client.answer(last, ROUND_JOBS)) === null) return false;
    worker.send(Packet.CANT_DO, FUNCTION_NAME);
    worker.send(Packet.ECHO_REQ, 'end');
    if ((await worker.answer(Packet.ECHO_RES)) === null) return false;
    for (const peer of [worker, client]) {
      peer.leave();
      this.#peers.delete(peer);
    }
    return true;
  }

  /** A connection of the acceptor, through a descriptor where that is possible, unless `isInProcess`. */
  #connect(isInProcess: boolean): WarmPeer {
    const core = this.#cores[0] as ThreadCore;
    let stream: Duplex;
    if (this.#native.kind === 'twin' || isInProcess) {
      const inProcess = new InProcessStream();
      attachInProcess(core, inProcess, true);
      stream = inProcess;
    } else {
      const [ours, theirs] = this.#native.functions.socketPair();
      stream = new Socket({ fd: theirs, readable: true, writable: true });
      core.table.open(core.reactor.adopt(ours, NOTHING, NOTHING), '127.0.0.1', 0);
    }
    const peer = new WarmPeer(stream);
    this.#peers.add(peer);
    return peer;
  }

  #guard(turn: () => void): void {
    try {
      turn();
    } catch {
      for (const peer of this.#peers) peer.giveUp();
    }
  }
}

/** The type of the answer to a grab, for a job without a reducer. */
function grabbedBy(grab: number): number {
  return grab === Packet.GRAB_JOB ? Packet.JOB_ASSIGN : Packet.JOB_ASSIGN_UNIQ;
}

/** The real configuration, so that the same code runs; without limits, rules, store and shared state. */
function scratchMaker(
  config: ThreadConfig,
  shardCount: number,
  isNative: boolean,
): (thread: number) => ThreadConfig {
  const { sessions, broker } = config.core;
  const { access: _everybodyMay, ...open } = sessions;
  const shared = (count: number) =>
    new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * count));
  const measured = shared(shardCount + 1);
  const memoryTaken = shared(1);
  const limits = { connectionsMax: 0, addressConnectionsMax: 0, packetRate: 0, byteRate: 0 };
  return (thread) => ({
    ...config,
    core: {
      ...config.core,
      sessions: {
        ...{ ...open, ...limits, thread, shardCount },
        movesConnections: thread === 0 && shardCount > 0 && isNative,
      },
      broker: { ...broker, measured },
      slowTurnMs: Number.POSITIVE_INFINITY,
      unservedWarningMs: 0,
      memoryBytesMax: 0,
      memoryTaken,
    },
    tokens: null,
    tls: null,
    measuresLoop: false,
    store: null,
  });
}
