/** Attacks on what a server sends: copies of a job's output, and replies that wait for one that is not read. */
import { limited } from '../play.mjs';
import { packet, Type } from '../wire.mjs';

const DATA = Buffer.alloc(16_000, 'd');
const BIG = Buffer.alloc(65_536, 'd');
const LIMITS = ['--max-memory', '64M', '--output-limit', '1M'];

/** A worker of `name` with its first job, once `client` has submitted it. */
async function workerWith(attack, name) {
  const worker = await attack.peer();
  await worker.send(packet(Type.CAN_DO, name));
  return { worker, handle: await worker.grab() };
}

export const OUTPUT = [
  {
    name: 'copies-one-client',
    about: 'one client attaches 50,000 times to one job, whose worker then sends data',
    start: { args: ['--max-memory', '64M'] },
    growthMib: limited(64),
    async play(attack) {
      // With threads, some of these clients live in another thread than the job.
      for (let home = 0; home < 3; home++) {
        const client = await attack.peer();
        await client.send(packet(Type.SUBMIT_JOB_BG, `home${home}`, '', ''));
        const submit = packet(Type.SUBMIT_JOB, `copies${home}`, 'one', '');
        await client.sendMany(attack.scaled(50_000), () => submit);
        const { worker, handle } = await workerWith(attack, `copies${home}`);
        attack.check(!worker.isClosed, 'the worker was closed');
        // What the client before has not read may fill the memory: this job was refused then.
        if (handle === null) continue;
        client.pause();
        for (let i = 0; i < 4; i++) await worker.send(packet(Type.WORK_DATA, handle, DATA));
        attack.check(await worker.barrier(), 'the worker was closed');
      }
    },
  },
  {
    name: 'copies-many-clients',
    about: '1,000 clients attach to one job each 100 times and do not read',
    start: { args: LIMITS },
    growthMib: limited(64),
    async play(attack) {
      const submit = packet(Type.SUBMIT_JOB, 'crowd', 'one', '');
      const clients = await attack.peers(attack.scaled(1000));
      await Promise.all(clients.map((client) => client.sendMany(100, () => submit)));
      const { worker, handle } = await workerWith(attack, 'crowd');
      for (const client of clients) client.pause();
      for (let i = 0; i < 200; i++) await worker.send(packet(Type.WORK_DATA, handle, DATA));
      attack.check(await worker.barrier(), 'the worker was closed');
    },
  },
  {
    name: 'unread-listing',
    about: 'a client reads neither its listing nor the 2 GB that its job sends meanwhile',
    start: { args: ['--output-limit', '1M'] },
    // 100,000 names of 230 bytes are kept, without --max-memory.
    growthMib: () => 256,
    async play(attack) {
      const filler = 'n'.repeat(220);
      const namer = await attack.peer();
      await namer.sendMany(attack.scaled(100_000), (i) =>
        packet(Type.CAN_DO, `${String(i).padStart(8, '0')}${filler}`),
      );
      await namer.barrier();
      const client = await attack.peer();
      await client.send(packet(Type.SUBMIT_JOB, 'unread', '', ''));
      const { worker, handle } = await workerWith(attack, 'unread');
      client.pause();
      await client.send(Buffer.from('status\n'));
      await worker.sendMany(attack.scaled(32_000), () => packet(Type.WORK_DATA, handle, BIG));
      attack.check(await worker.barrier(), 'the worker was closed');
    },
  },
  {
    name: 'unread-replies',
    about: 'a client asks 200,000 things behind a question to all threads and reads nothing',
    start: { args: LIMITS },
    growthMib: limited(64),
    async play(attack) {
      const client = await attack.peer();
      client.pause();
      const echo = packet(Type.ECHO_REQ, Buffer.alloc(1000, 'e'));
      await client.send(Buffer.from('workers\n'));
      void client.sendMany(attack.scaled(200_000), (i) =>
        i % 100 === 0 ? packet(Type.GET_STATUS_UNIQUE, 'nobody') : echo,
      );
      const other = await attack.peer();
      for (let i = 0; i < 200; i++) await other.barrier();
    },
  },
];
