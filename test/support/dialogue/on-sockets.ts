/**
 * Plays the files of dialogues on servers that run. Rule: cases with equal options share one server, started when the
 * first of them is played; after each case it must be as empty as at its start, or the next case gets another one.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { protocolVersion } from '../../../src/server/identity.ts';
import { startServer, type TestServer } from '../servers.ts';
import { ControlPeer } from './control-peer.ts';
import { type DialogueCase, type DialogueGroup, dialogueFiles } from './files.ts';
import { SocketDialogue } from './sockets.ts';

interface Running {
  readonly server: TestServer;
  readonly control: ControlPeer;
}

/** All cases that hold with such a number of shard threads, each with each of these numbers. */
export function describeOnSockets(isPlayed: (threads: number) => boolean): void {
  const servers = new Map<string, Running>();
  afterAll(async () => {
    await Promise.all([...servers.values()].map(({ server }) => server.stop()));
  });
  for (const { name, groups } of dialogueFiles()) {
    for (const { group, threads } of groups.flatMap((group) => playedWith(group, isPlayed))) {
      const title = [`${name} on sockets, --threads ${threads}`, ...group.args].join(' ');
      describe(title, () => {
        for (const dialogue of group.cases) {
          it(dialogue.title, () => playOn(servers, dialogue, group.args, threads));
        }
      });
    }
  }
}

function playedWith(group: DialogueGroup, isPlayed: (threads: number) => boolean) {
  return group.threads.filter(isPlayed).map((threads) => ({ group, threads }));
}

async function playOn(
  servers: Map<string, Running>,
  { steps }: DialogueCase,
  args: readonly string[],
  threads: number,
): Promise<void> {
  const key = [threads, ...args].join(' ');
  const running = servers.get(key) ?? (await start(args, threads));
  servers.set(key, running);
  const { server, control } = running;
  const dialogue = new SocketDialogue(server, control, protocolVersion());
  let isEmpty = false;
  try {
    await dialogue.play(steps);
    await dialogue.leave();
    isEmpty = await control.sweep();
  } catch (error) {
    const log = server.output().slice(-2000);
    if (log !== '') console.error(`the server said:\n${log}`);
    throw error;
  } finally {
    await dialogue.leave();
    if (!isEmpty) {
      servers.delete(key);
      await server.stop();
    }
  }
  if (isEmpty) expect(server.isRunning()).toBe(true);
}

async function start(args: readonly string[], threads: number): Promise<Running> {
  const server = await startServer('geartrain', { threads, args });
  return { server, control: await ControlPeer.connect(server) };
}
