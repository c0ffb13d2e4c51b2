/**
 * The main job in one run: a job server on a free port, a worker and a client in Gearman's own words.
 * `npm run demo`, after a build.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from '../../dist/index.js';
import { Link } from '../../dist/link/link.js';
import { Packet } from '../../dist/protocol/packets.js';

const text = (bytes) => Buffer.from(bytes).toString();

const functions = {
  reverse: (workload) => [...text(workload)].reverse().join(''),
  wordcount: (workload) => String(text(workload).split(/\s+/).filter(Boolean).length),
};

/** Offers the functions and works until its connection ends. */
async function work(address) {
  const link = await Link.open(address);
  for (const name of Object.keys(functions)) link.send(Packet.CAN_DO, [name]);
  link.send(Packet.GRAB_JOB);
  for (;;) {
    const { type, args, data } = await link.receive();
    if (type === Packet.NO_JOB) link.send(Packet.PRE_SLEEP);
    if (type === Packet.NOOP) link.send(Packet.GRAB_JOB);
    if (type !== Packet.JOB_ASSIGN) continue;
    const [handle, name] = args.map(text);
    console.log(`worker: ${handle} is ${name} with ${data.length} bytes`);
    link.send(Packet.WORK_COMPLETE, [handle], functions[name](data));
    link.send(Packet.GRAB_JOB);
  }
}

/** Submits one job and waits for its result. */
async function run(link, name, workload) {
  link.send(Packet.SUBMIT_JOB, [name, ''], workload);
  for (;;) {
    const { type, args, data } = await link.receive();
    if (type === Packet.JOB_CREATED) console.log(`client: ${name} was created as ${text(args[0])}`);
    if (type === Packet.WORK_COMPLETE) return text(data);
    if (type === Packet.WORK_FAIL || type === Packet.ERROR) throw new Error(`${name} failed`);
  }
}

const server = createServer({ host: '127.0.0.1', port: 0 });
await server.listen();
const { host, port } = server.address;
const kind = server.kind === 'addon' ? 'native' : `twin: ${server.kindReason}`;
console.log(`server: listens on ${host}:${port} (${kind})`);

work({ host, port }).catch((error) => {
  if (error.code !== 'ERR_GEARMAN_CLOSED') throw error;
});
const client = await Link.open({ host, port });
const readme = await readFile(new URL('../../README.md', import.meta.url));
console.log(`client: README.md has ${await run(client, 'wordcount', readme)} words`);
console.log(`client: Hello World! reversed is`);
console.log(await run(client, 'reverse', 'Hello World!'));
client.close();
await server.close();
