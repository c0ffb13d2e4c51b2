/**
 * The main job from an installed package: copied beside its node_modules and run there. Starts a server by
 * `createServer` and one by the command, submits a job to each, works on it, and prints what came of it as JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer } from 'geartrain';

const CAN_DO = 1;
const PRE_SLEEP = 4;
const NOOP = 6;
const SUBMIT_JOB = 7;
const GRAB_JOB = 9;
const NO_JOB = 10;
const JOB_ASSIGN = 11;
const WORK_COMPLETE = 13;
const HEADER_BYTES = 12;

/** One connection in Gearman's words; `receive` gives packets in order. */
function open(port) {
  const socket = connect(port, '127.0.0.1');
  let bytes = Buffer.alloc(0);
  let wake = () => {};
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  const send = (type, ...args) => {
    const payload = Buffer.from(args.join('\0'));
    const header = Buffer.from('\0REQ\0\0\0\0\0\0\0\0', 'latin1');
    header.writeUInt32BE(type, 4);
    header.writeUInt32BE(payload.length, 8);
    socket.write(Buffer.concat([header, payload]));
  };
  const receive = async () => {
    for (;;) {
      const end = bytes.length < HEADER_BYTES ? 0 : HEADER_BYTES + bytes.readUInt32BE(8);
      if (end > 0 && bytes.length >= end) {
        const packet = { type: bytes.readUInt32BE(4), text: bytes.toString('utf8', 12, end) };
        bytes = bytes.subarray(end);
        return packet;
      }
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  };
  return { send, receive, close: () => socket.destroy() };
}

/** Works on one job of the function `reverse`. */
async function work(port) {
  const worker = open(port);
  worker.send(CAN_DO, 'reverse');
  worker.send(GRAB_JOB);
  for (;;) {
    const { type, text } = await worker.receive();
    if (type === NO_JOB) worker.send(PRE_SLEEP);
    if (type === NOOP) worker.send(GRAB_JOB);
    if (type !== JOB_ASSIGN) continue;
    const [handle, , workload] = text.split('\0');
    worker.send(WORK_COMPLETE, handle, [...workload].reverse().join(''));
    return worker;
  }
}

async function mainJob(port) {
  const client = open(port);
  client.send(SUBMIT_JOB, 'reverse', '', 'Hello World!');
  const working = work(port);
  for (;;) {
    const { type, text } = await client.receive();
    if (type !== WORK_COMPLETE) continue;
    client.close();
    (await working).close();
    return text.split('\0')[1];
  }
}

const threads = Number(process.argv[2] ?? 2);
const server = createServer({ host: '127.0.0.1', port: 0, threads });
await server.listen();
const { kind, kindReason } = server;
const embedded = await mainJob(server.address.port);
await server.close();

const words = ['-L', '127.0.0.1', '-p', '0', '-t', String(threads)];
// An emulated Node.js cannot start itself without its emulator.
const runner = (process.env.GEARTRAIN_RUNNER ?? process.execPath).split(' ');
const command = spawn(
  runner[0],
  [...runner.slice(1), 'node_modules/geartrain/dist/cli/gearmand.js', ...words],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const [startLine] = await once(command.stdout, 'data');
const port = Number(/listening on 127\.0\.0\.1:(\d+)/.exec(String(startLine))[1]);
const daemon = await mainJob(port);
command.kill('SIGTERM');
const [exitCode] = await once(command, 'exit');
console.log(JSON.stringify({ kind, kindReason, embedded, daemon, exitCode }));
