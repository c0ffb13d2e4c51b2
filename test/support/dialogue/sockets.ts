/**
 * Plays a dialogue on sockets with a running server. Rule: expected lines are awaited, then every peer sends an
 * ECHO_REQ: its answer proves that all effects of the step have arrived. After the end of a connection the runner
 * first requests a listing of all threads, twice, because threads learn of the end from each other.
 */
import { performance } from 'node:perf_hooks';
import type { TestServer } from '../servers.ts';
import type { WireConnection } from '../wire.ts';
import { compare, type Heard, heardEnd, heardItem } from './compare.ts';
import type { ControlPeer } from './control-peer.ts';
import { Names } from './names.ts';
import type { ClockStep, PeerStep, ScriptLine, Step } from './script.ts';
import { bytesOf } from './words.ts';

/** A timer may be early by a part of a millisecond, and clocks of two processes are read one after the other. */
const EARLY_MS = 5;

interface SocketPeer {
  readonly connection: WireConnection;
  /** Bytes that are sent with the next step. */
  unsent: Buffer[];
  /** Has sent FIN: it cannot ask for an echo. */
  hasEnded: boolean;
  isClosed: boolean;
}

export class SocketDialogue {
  readonly names: Names;
  readonly #server: TestServer;
  readonly #control: ControlPeer;
  readonly #peers = new Map<string, SocketPeer>();
  readonly #startMs = performance.now();
  /** Sum of all `+ N ms` so far. */
  #passedMs = 0;

  constructor(server: TestServer, control: ControlPeer, version: string) {
    this.#server = server;
    this.#control = control;
    this.names = new Names({ version, pid: String(server.pid) });
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'clock') this.#pass(step, step.line);
      else if (step.kind === 'peer') await this.#act(step);
      if (step.kind === 'peer' && step.isLater) continue;
      for (const peer of this.#peers.values()) flush(peer);
      compare(step, await this.#listen(step), this.names, true);
    }
  }

  /** Ends all connections. */
  async leave(): Promise<void> {
    const connections = [...this.#peers.values()].map((peer) => peer.connection);
    for (const connection of connections) connection.socket.destroy();
    await Promise.all(connections.map((connection) => connection.closed));
  }

  async #act({ peer: name, act }: PeerStep): Promise<void> {
    const peer = await this.#peer(name);
    const { connection } = peer;
    if (act.kind === 'end') {
      flush(peer);
      peer.hasEnded = true;
      connection.end();
    } else if (act.kind === 'reset') {
      connection.reset();
    } else if (act.kind === 'send') {
      const bytes = bytesOf(act.words, this.names);
      if (!act.isBytewise) peer.unsent.push(bytes);
      else for (const byte of bytes) connection.socket.write(Buffer.of(byte));
    }
  }

  async #peer(name: string): Promise<SocketPeer> {
    const known = this.#peers.get(name);
    if (known !== undefined) return known;
    const connection = await this.#server.connect(name);
    const peer = { connection, unsent: [], hasEnded: false, isClosed: false };
    this.#peers.set(name, peer);
    return peer;
  }

  /** Time passes by itself. Expected lines may come only afterwards. */
  #pass({ ms, isWallOnly }: ClockStep, line: ScriptLine): void {
    if (isWallOnly) throw new Error(`${line.place}: the system's clock cannot be set`);
    this.#passedMs += ms;
  }

  async #listen(step: Step): Promise<Heard[]> {
    await Promise.all(
      [...this.#peers].map(([name, peer]) => {
        const wanted = step.wanted.filter((line) => line.peer === name);
        return this.#arrival(peer, wanted.length);
      }),
    );
    if (step.kind === 'clock') await this.#untilPassed(step.ms, step);
    const open = [...this.#peers.values()].filter(({ isClosed }) => !isClosed);
    if (open.some(({ connection }) => connection.isClosed)) {
      await this.#control.list('status');
      await this.#control.list('status');
    }
    await this.#barrier(step);
    return [...this.#peers].flatMap(([name, peer]) => this.#taken(name, peer));
  }

  /** Waits for `count` packets, lines or the end of the connection; if they do not come, `compare` says so. */
  async #arrival({ connection }: SocketPeer, count: number): Promise<void> {
    const ready = (): boolean => connection.isClosed || connection.items.length >= count;
    await connection.until(ready, 'what is wanted', true).catch(() => {});
  }

  async #untilPassed(ms: number, { line, wanted }: Step): Promise<void> {
    const leftMs = this.#startMs + this.#passedMs - performance.now();
    if (wanted.length === 0) await new Promise((resolve) => setTimeout(resolve, ms));
    else if (leftMs > EARLY_MS) throw new Error(`${line.place}: heard ${leftMs} ms too early`);
  }

  /** First the peer that acted, then the others: by then every thread has handled the step. */
  async #barrier(step: Step): Promise<void> {
    const first = step.kind === 'peer' ? this.#peers.get(step.peer) : undefined;
    if (first !== undefined) await echo(first);
    const others = [...this.#peers.values()].filter((peer) => peer !== first);
    await Promise.all(others.map(echo));
  }

  #taken(name: string, peer: SocketPeer): Heard[] {
    const items = peer.connection.take().filter((item) => !this.#control.isHidden(item));
    const heard = items.map((item) => heardItem(name, item));
    if (peer.isClosed || !peer.connection.isClosed) return heard;
    peer.isClosed = true;
    return [...heard, heardEnd(name)];
  }
}

function flush(peer: SocketPeer): void {
  if (peer.unsent.length > 0) peer.connection.socket.write(Buffer.concat(peer.unsent));
  peer.unsent = [];
}

async function echo({ connection, hasEnded }: SocketPeer): Promise<void> {
  if (hasEnded || connection.isClosed) return;
  try {
    await connection.barrier();
  } catch (error) {
    if (!connection.isClosed) throw error;
  }
}
