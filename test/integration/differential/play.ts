/** Plays a whole dialogue and cleans up behind it; whatever goes wrong is a difference. */
import { Dialogue, type DialogueOptions, type Outcome } from './dialogue.ts';
import type { Plan } from './steps.ts';

/** Plays `plan`; never rejects: a server that ends or hangs is a difference too. */
export async function playDialogue(plan: Plan, options: DialogueOptions): Promise<Outcome> {
  const transcript: string[] = [];
  try {
    const dialogue = await Dialogue.open(plan, options, transcript);
    const difference = await dialogue.play();
    if (difference === null) return await dialogue.cleanUp();
    const isBroken = await dialogue.cleanUp().then(
      (outcome) => outcome.difference !== null,
      () => true,
    );
    return { difference: { ...difference, isBroken }, leftOver: 0 };
  } catch (error) {
    const what = `${error instanceof Error ? error.message : String(error)}${await endsOf(options)}`;
    const isReferenceGone = options.servers.some((s) => s.kind === 'gearmand' && !s.isRunning());
    return { difference: { transcript, what, isBroken: true, isReferenceGone }, leftOver: 0 };
  }
}

/** Which servers have ended, how, and what they said last. */
async function endsOf({ servers }: DialogueOptions): Promise<string> {
  const tails: string[] = [];
  for (const server of servers) {
    if (server.isRunning()) continue;
    const { code, signal } = await server.exited;
    tails.push(`\n${server.label} has ended: ${signal ?? code}\n${server.output().slice(-3000)}`);
  }
  return tails.join('');
}
