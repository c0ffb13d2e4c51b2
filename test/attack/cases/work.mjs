/** Attacks on how much work a few bytes ask for: abilities, grabs, listings. */
import { packet, Type } from '../wire.mjs';

const GRAB = packet(Type.GRAB_JOB);
const name = (prefix, i) => `${prefix}${i}`;

async function workerOf(attack, prefix, count) {
  const worker = await attack.peer();
  await worker.sendMany(count, (i) => packet(Type.CAN_DO, name(prefix, i)));
  attack.check(await worker.barrier(), 'the worker was closed');
  return worker;
}

/** Resolves when the attacker's connection has been served or closed, while others are served. */
async function served(attack, peer) {
  attack.check((await peer.barrier()) || peer.isClosed, 'the attacker is not served');
}

export const WORK = [
  {
    name: 'changing-abilities',
    about: 'a worker of 200,000 functions withdraws one, offers it again and grabs, 250 times',
    start: { args: [] },
    growthMib: () => 400,
    async play(attack) {
      const worker = await workerOf(attack, 'c', attack.scaled(200_000));
      const round = Buffer.concat([packet(Type.CANT_DO, 'c1'), packet(Type.CAN_DO, 'c1'), GRAB]);
      await worker.sendMany(attack.scaled(250), () => round);
      await served(attack, worker);
    },
  },
  {
    name: 'changing-while-queued',
    about: 'the same, with 50,000 jobs queued for other functions',
    start: { args: [] },
    growthMib: () => 500,
    async play(attack) {
      const client = await attack.peer();
      await client.sendMany(attack.scaled(50_000), (i) =>
        packet(Type.SUBMIT_JOB_BG, name('queued', i), '', ''),
      );
      await client.barrier();
      const worker = await workerOf(attack, 'c', attack.scaled(200_000));
      const round = Buffer.concat([packet(Type.CANT_DO, 'c1'), packet(Type.CAN_DO, 'c1'), GRAB]);
      await worker.sendMany(attack.scaled(1300), () => round);
      await served(attack, worker);
    },
  },
  {
    name: 'grabs-of-many-served',
    about: 'a worker of 24,000 functions, each with a job, grabs 4,900 times at once',
    start: { args: [] },
    growthMib: () => 300,
    async play(attack) {
      const count = attack.scaled(24_000);
      const client = await attack.peer();
      await client.sendMany(count, (i) => packet(Type.SUBMIT_JOB_BG, name('s', i), '', ''));
      await client.barrier();
      const worker = await workerOf(attack, 's', count);
      await worker.sendMany(attack.scaled(4_900), () => GRAB);
      await served(attack, worker);
    },
  },
  {
    name: 'giving-up-abilities',
    about: 'workers of 200,000 functions sleep, reset their abilities, and disconnect',
    start: { args: [] },
    growthMib: () => 500,
    async play(attack) {
      for (let i = 0; i < 3; i++) {
        const worker = await workerOf(attack, 'g', attack.scaled(200_000));
        await worker.send(packet(Type.PRE_SLEEP));
        if (i === 0) await worker.send(packet(Type.RESET_ABILITIES));
        if (i === 1) worker.reset();
        if (i === 2) worker.end();
        if (i > 0) await worker.closed;
        else await served(attack, worker);
      }
    },
  },
  {
    name: 'listing-loop',
    about: '200 connections ask for the status of 100,000 functions again and again',
    start: { args: [] },
    growthMib: () => 700,
    async play(attack) {
      const namer = await attack.peer();
      await namer.sendMany(attack.scaled(100_000), (i) => packet(Type.CAN_DO, name('l', i)));
      await namer.barrier();
      const peers = await attack.peers(attack.scaled(200));
      const end = performance.now() + 5_000;
      await Promise.all(
        peers.map(async (peer) => {
          while (performance.now() < end && !peer.isClosed) {
            await peer.send(Buffer.from('status\n'));
            await peer.until('\n.\n');
          }
        }),
      );
    },
  },
];
