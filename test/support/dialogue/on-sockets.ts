/**
 * Plays the files of dialogues on servers that run. Rule: cases with equal options share one server; each case leaves it
 * as empty as it was. After a failure the next case gets another one.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { protocolVersion } from '../../../src/server/identity.ts';
import { startServer, type TestServer } from '../servers.ts';
import { ControlPeer } from './control-peer.ts';
import { type DialogueGroup, dialogueFiles } from './files.ts';
import type { Step } from './script.ts';
import { SocketDialogue } from './sockets.ts';

interface Running {
  readonly server: TestServer;
  readonly control: ControlPeer;
}

interface Played {
  readonly title: string;
  readonly group: DialogueGroup;
  readonly threads: number;
  readonly server: ServerSlot;
}

/** All cases that hold with such a number of shard threads, each with each of these numbers. */
export function describeOnSockets(isPlayed: (threads: number) => boolean): void {
  const servers = new Map<string, ServerSlot>();
  afterAll(() => Promise.all([...servers.values()].map((server) => server.stop())));
  for (const { title, group, server } of playedOn(servers, isPlayed)) {
    describe(title, () => {
      for (const { title, steps } of group.cases) it(title, () => play(server, steps));
    });
  }
}

function playedOn(servers: Map<string, ServerSlot>, isPlayed: (threads: number) => boolean) {
  const played: Played[] = [];
  for (const { name, groups } of dialogueFiles()) {
    for (const group of groups) {
      for (const threads of group.threads.filter(isPlayed)) {
        const words = [`--threads ${threads}`, ...group.args].join(' ');
        const server = servers.get(words) ?? new ServerSlot(group.args, threads);
        servers.set(words, server);
        played.push({ title: `${name} on sockets, ${words}`, group, threads, server });
      }
    }
  }
  return played;
}

async function play(slot: ServerSlot, steps: readonly Step[]): Promise<void> {
  const { server, control } = await slot.take();
  const dialogue = new SocketDialogue(server, control, protocolVersion());
  try {
    await dialogue.play(steps);
    await dialogue.leave();
    await control.sweep();
    expect(server.isRunning()).toBe(true);
  } catch (error) {
    const log = server.output().slice(-2000);
    if (log !== '') console.error(`the server said:\n${log}`);
    await dialogue.leave();
    await slot.stop();
    throw error;
  }
}

/** A server that is started when it is first needed. */
class ServerSlot {
  #running: Promise<Running> | null = null;
  readonly #args: readonly string[];
  readonly #threads: number;

  constructor(args: readonly string[], threads: number) {
    this.#args = args;
    this.#threads = threads;
  }

  take(): Promise<Running> {
    this.#running ??= this.#start();
    return this.#running;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    // A failed start was reported to the case that asked for the server.
    await (await running?.catch(() => null))?.server.stop();
  }

  async #start(): Promise<Running> {
    const server = await startServer('geartrain', { threads: this.#threads, args: this.#args });
    return { server, control: await ControlPeer.connect(server) };
  }
}
