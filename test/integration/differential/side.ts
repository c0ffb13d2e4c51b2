/**
 * One of the two servers of a dialogue: its connections by slot, and its own handles for the jobs that both know by
 * number. Rule: a job's number is the order in which JOB_CREATED first named its handle.
 */
import {
  printBytes,
  rawPacket,
  type WireItem,
  type WirePacket,
} from '../../support/packet-text.ts';
import type { TestServer } from '../../support/servers.ts';
import { WireConnection } from '../../support/wire.ts';
import { type Frame, frameBytes } from './frames.ts';

const PATIENCE_MS = 8000;

export class Side {
  readonly server: TestServer;
  /** Only asks; never has a role in the dialogue. */
  readonly control: WireConnection;
  readonly wires: (WireConnection | null)[];
  readonly #handles: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** What earlier dialogues have left behind. */
  #oldHandles = new Set<string>();
  #oldUniques: string[] = [];
  #barrierCount = 0;

  private constructor(server: TestServer, control: WireConnection, slotCount: number) {
    this.server = server;
    this.control = control;
    this.wires = Array.from({ length: slotCount }, () => null);
  }

  static async open(server: TestServer, slotCount: number): Promise<Side> {
    const { port } = server;
    const control = await WireConnection.connect({
      port,
      name: 'control',
      patienceMs: PATIENCE_MS,
    });
    const side = new Side(server, control, slotCount);
    side.#oldHandles = new Set(await side.listedHandles());
    side.#oldUniques = await control.list('show unique jobs');
    return side;
  }

  get isReference(): boolean {
    return this.server.kind === 'gearmand';
  }

  /** Connects a slot and waits until the server has taken the connection. */
  async connect(slot: number, name: string): Promise<void> {
    const { port } = this.server;
    const wire = await WireConnection.connect({ port, name, patienceMs: PATIENCE_MS });
    this.wires[slot] = wire;
    await wire.barrier();
  }

  /** Sends the frames of a step and waits until all that they cause has arrived at every connection. */
  async perform(slot: number, frames: readonly Frame[], isGlued: boolean): Promise<void> {
    const wire = this.wires[slot] as WireConnection;
    const bytes = Buffer.concat(frames.map((f) => frameBytes(f, (job) => this.handleOf(job))));
    if (frames.some((f) => f.kind === 'closing')) {
      wire.socket.write(bytes);
      await this.#closed(slot, wire);
      return;
    }
    const token = `barrier s${++this.#barrierCount}`;
    const echo = rawPacket(16, token);
    if (isGlued) wire.socket.write(Buffer.concat([bytes, echo]));
    else {
      wire.socket.write(bytes);
      wire.socket.write(echo);
    }
    await wire.awaitBarrier(token);
    await this.settleOthers(slot);
  }

  /** Ends a connection and waits until the server knows. */
  async disconnect(slot: number): Promise<void> {
    const wire = this.wires[slot] as WireConnection;
    wire.socket.end();
    await this.#closed(slot, wire);
  }

  /** Waits until everything caused so far has arrived at all connections but `slot`. */
  async settleOthers(slot: number): Promise<void> {
    const others = this.wires.filter((w, i): w is WireConnection => w !== null && i !== slot);
    await Promise.all(others.map((wire) => wire.barrier()));
  }

  async #closed(slot: number, wire: WireConnection): Promise<void> {
    await wire.untilClosed();
    this.wires[slot] = null;
    await this.#afterEnd();
    await this.settleOthers(slot);
  }

  /**
   * There is no ECHO behind the end of a connection. A listing asks every shard; the second one is asked after each
   * has drained all its rings, so what the end caused has been sent by then.
   */
  async #afterEnd(): Promise<void> {
    if (this.isReference) await this.control.barrier();
    else for (let i = 0; i < 2; i++) await this.control.list('status');
  }

  /** The items that arrived at a connection since the last call; `closed` ones have none. */
  take(slot: number): WireItem[] {
    return this.wires[slot]?.take() ?? [];
  }

  handleOf(job: number): string {
    return this.#handles[job] ?? `H:never-created:${job}`;
  }

  numberOf(handle: string): number | undefined {
    return this.#numbers.get(handle);
  }

  /** Numbers the handle of a JOB_CREATED; true when it is new. */
  learn(created: WirePacket): { job: number; isNew: boolean } {
    const handle = (created.args[0] as Buffer).toString('latin1');
    const known = this.#numbers.get(handle);
    if (known !== undefined) return { job: known, isNew: false };
    const job = this.#handles.push(handle) - 1;
    this.#numbers.set(handle, job);
    return { job, isNew: true };
  }

  /** A handle as the comparison sees it. */
  nameOf(handle: string): string {
    const job = this.#numbers.get(handle);
    if (job !== undefined) return `job${job}`;
    return this.#oldHandles.has(handle) ? 'old job' : printBytes(handle);
  }

  isOld(handle: string): boolean {
    return this.#oldHandles.has(handle);
  }

  /** The rows of `show unique jobs` without those of earlier dialogues. */
  withoutOldUniques(rows: readonly string[]): string[] {
    const rest = [...rows];
    for (const unique of this.#oldUniques) {
      const at = rest.indexOf(unique);
      if (at >= 0) rest.splice(at, 1);
    }
    return rest;
  }

  async listedHandles(): Promise<string[]> {
    return (await this.control.list('show jobs')).map((row) => row.split('\t')[0] as string);
  }

  /** Numbers of the dialogue's jobs that the server lists now. */
  async listedJobs(): Promise<Set<number>> {
    const numbers = (await this.listedHandles()).map((handle) => this.#numbers.get(handle));
    return new Set(numbers.filter((n): n is number => n !== undefined));
  }

  /**
   * Ends all connections, takes all jobs and functions of the dialogue out of the server. Returns how many jobs it
   * could not get rid of (gearmand keeps a cancelled job until its time comes).
   */
  async cleanUp(functionNames: readonly string[]): Promise<number> {
    for (const wire of this.wires) wire?.socket.end();
    await Promise.all(this.wires.map((wire) => wire?.untilClosed()));
    await this.#afterEnd();
    const left = (await this.listedHandles()).filter((handle) => !this.#oldHandles.has(handle));
    for (const handle of left) await this.control.command(`cancel job ${handle}`);
    for (const name of functionNames) this.control.send('CAN_DO', name);
    // One GRAB makes gearmand meet, and delete, all cancelled jobs that are due.
    const answer = await this.control.ask('NO_JOB', 'GRAB_JOB').catch(() => null);
    this.control.send('RESET_ABILITIES');
    await this.control.barrier();
    const rows = (await this.control.list('status')).map((row) => row.split('\t'));
    const present = rows.filter((row) => functionNames.includes(row[0] as string));
    for (const [name, total] of present) {
      if (total === '0') await this.control.command(`drop function ${name}`, '\r\n');
    }
    const kept = (await this.listedHandles()).filter((handle) => !this.#oldHandles.has(handle));
    await this.control.close();
    return answer === null ? Math.max(1, kept.length) : kept.length;
  }
}
