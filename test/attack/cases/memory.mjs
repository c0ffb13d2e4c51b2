/** Attacks on memory: everything that a peer can make the server keep, with --max-memory 64M. */
import { limited } from '../play.mjs';
import { packet, Type } from '../wire.mjs';

const start = { args: ['--max-memory', '64M'] };
const growthMib = limited(64);
const FILLER = 'n'.repeat(8_000);
const longName = (i) => `${String(i).padStart(8, '0')}${FILLER}`;

/** Whatever a full server refused before: an honest job still goes through once the attacker has left. */
async function served(attack) {
  const peer = await attack.peer();
  attack.check(await peer.barrier(), 'a new peer is closed');
}

export const MEMORY = [
  {
    name: 'names-by-submit',
    about: '60,000 jobs for functions with names of 8 KiB',
    start,
    growthMib,
    async play(attack) {
      const client = await attack.peer();
      await client.sendMany(attack.scaled(60_000), (i) =>
        packet(Type.SUBMIT_JOB_BG, longName(i), '', ''),
      );
      await client.barrier();
      await served(attack);
    },
  },
  {
    name: 'names-by-can-do',
    about: '60,000 offers of functions with names of 8 KiB',
    start,
    growthMib,
    async play(attack) {
      for (let i = 0; i < 4; i++) {
        const worker = await attack.peer();
        await worker.sendMany(attack.scaled(15_000), (n) =>
          packet(Type.CAN_DO, longName(i * 15_000 + n)),
        );
        await worker.barrier();
      }
      await served(attack);
    },
  },
  {
    name: 'names-listed',
    about: 'names of 8 KiB offered 16 times each by one worker, 1 GB as text, then `workers`',
    start: { args: [] },
    // The names of one connection have 64 MiB at most without --max-memory, those of the functions as much.
    growthMib: () => 256,
    async play(attack) {
      const worker = await attack.peer();
      await worker.sendMany(attack.scaled(8_000) * 16, (i) =>
        packet(Type.CAN_DO, longName(i >> 4)),
      );
      attack.check(await worker.barrier(), 'the worker was closed below its 64 MiB of names');
      const reader = await attack.peer();
      await reader.send(Buffer.from('workers\n'));
      attack.check((await reader.until('\n.\n')) !== null, 'the listing was broken off');
      await served(attack);
      await worker.sendMany(attack.scaled(1_000), (i) =>
        packet(Type.CAN_DO, longName(100_000 + i)),
      );
      if (attack.scaled(1_000) >= 1_000)
        attack.check(!(await worker.barrier()), 'a worker kept more than 64 MiB of names');
    },
  },
  {
    name: 'small-jobs',
    about: '2,400,000 jobs of one byte',
    start,
    growthMib,
    async play(attack) {
      const client = await attack.peer();
      const submit = packet(Type.SUBMIT_JOB_BG, 'small', '', 'x');
      await client.sendMany(attack.scaled(2_400_000), () => submit);
      await client.barrier();
      await served(attack);
    },
  },
  {
    name: 'unique-jobs',
    about: '1,000,000 jobs with a unique key of 64 bytes',
    start,
    growthMib,
    async play(attack) {
      const client = await attack.peer();
      await client.sendMany(attack.scaled(1_000_000), (i) =>
        packet(Type.SUBMIT_JOB_BG, 'unique', String(i).padStart(64, 'u'), ''),
      );
      await client.barrier();
      await served(attack);
    },
  },
  {
    name: 'watched-jobs',
    about: '100 clients that wait for the same 20,000 jobs each',
    start,
    growthMib,
    async play(attack) {
      for (let i = 0; i < 100; i++) {
        const client = await attack.peer();
        client.resume();
        await client.sendMany(attack.scaled(20_000), (n) =>
          packet(Type.SUBMIT_JOB, 'watched', `${n}`, ''),
        );
        await client.barrier();
      }
      await served(attack);
    },
  },
  {
    name: 'many-connections',
    about: '8,000 connections with client ids, options and an unfinished packet of 60 KiB each',
    start,
    growthMib: (threads) => limited(64)(threads) + 64,
    async play(attack) {
      const half = Buffer.concat([
        packet(Type.SET_CLIENT_ID, 'i'.repeat(127)),
        packet(Type.OPTION_REQ, 'exceptions'),
        packet(Type.SUBMIT_JOB_BG, 'f', '', Buffer.alloc(60_000)).subarray(0, -1),
      ]);
      const count = attack.scaled(8_000);
      for (let i = 0; i < count; i += 100) {
        const peers = await attack.peers(Math.min(100, count - i));
        await Promise.all(peers.map((peer) => peer.send(half)));
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    },
  },
  {
    name: 'http-bodies',
    about: '64 HTTP peers whose bodies of 4 MiB stall at their last byte',
    start: { ...start, listens: ['http', 'control'] },
    growthMib,
    async play(attack) {
      const body = Buffer.alloc(4 * 1024 * 1024 - 1);
      const head = `POST /f HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length + 1}\r\n\r\n`;
      const peers = await attack.peers(attack.scaled(64), { on: 'http' });
      for (const peer of peers) void peer.send(Buffer.from(head), body);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await served(attack);
    },
  },
  {
    name: 'filled-and-drained',
    about: 'jobs of 1 KiB until they are refused; then workers come and drain all of them',
    start,
    growthMib,
    async play(attack) {
      const client = await attack.peer();
      const submit = packet(Type.SUBMIT_JOB_BG, 'full', '', Buffer.alloc(1024));
      const queueError = Buffer.from('QUEUE_ERROR');
      let refused = false;
      client.socket.on('data', (bytes) => {
        refused ||= bytes.includes(queueError);
      });
      for (let i = 0; i < 200 && !refused; i++) {
        await client.sendMany(1_000, () => submit);
        attack.check(await client.barrier(), 'the client was closed');
      }
      attack.check(refused, 'no job was refused');
      const worker = await attack.peer();
      await worker.send(packet(Type.CAN_DO, 'full'));
      attack.check(await drained(worker), 'the worker was closed before all jobs were done');
    },
  },
];

/** Works until NO_JOB; false when the connection ends before. */
async function drained(worker) {
  let unread = Buffer.alloc(0);
  let isDone = false;
  worker.socket.on('data', (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 12 && unread.length >= 12 + unread.readUInt32BE(8)) {
      const body = unread.subarray(12, 12 + unread.readUInt32BE(8));
      const type = unread.readUInt32BE(4);
      unread = unread.subarray(12 + body.length);
      if (type === 10) isDone = true;
      if (type !== 11) continue;
      const handle = body.subarray(0, body.indexOf(0));
      void worker.send(packet(Type.WORK_COMPLETE, handle, ''), packet(Type.GRAB_JOB));
    }
  });
  await worker.send(packet(Type.GRAB_JOB));
  while (!isDone && !worker.isClosed) await new Promise((resolve) => setTimeout(resolve, 20));
  return isDone;
}
