/**
 * The other thread of the addon's tests, by `workerData.job`. Runs the built output, because Node 20 loads no
 * TypeScript in threads. Every job posts `ready` (or a port) when the test may go on.
 */
import { openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { addonFunctions, createDecoder, createReactor } from '../../../dist/native/addon.js';
import { openDisk } from '../../../dist/native/disk.js';
import { openFirstMessageQueue } from '../../../dist/native/first-message-queue.js';
import { Control, OUT_INTS, Out, ROW_INTS, Row, RowKind } from '../../../dist/protocol/batch.js';

const { job } = workerData;

/** A reactor whose `handle(row)` runs for each row. */
function start(handle, handleTurn = () => {}) {
  const reactor = createReactor({
    hashSeed: 7,
    packetBytesMax: 1 << 28,
    outputPauseBytes: 1 << 20,
    outputBytesMax: 1 << 28,
    keepalive: null,
    onListenError: () => {},
    onTurn(rowCount) {
      handleTurn(rowCount);
      for (let i = 0; i < rowCount; i++) handle(i * ROW_INTS);
    },
  });
  return reactor;
}

function send(reactor, conn, off, count) {
  const { arena, out, outRows, control } = reactor;
  const to = control[Control.OUT_BYTES];
  out.set(arena.subarray(off, off + count), to);
  const row = control[Control.OUT_ROWS]++ * OUT_INTS;
  outRows[row + Out.CONN] = conn;
  outRows[row + Out.OFF] = to;
  outRows[row + Out.LEN] = count;
  outRows[row + Out.BLOB] = 0;
  control[Control.OUT_BYTES] += count;
}

/** Sends each frame and line back. */
function startEcho() {
  const reactor = start((row) => {
    const { rows } = reactor;
    const type = rows[row + Row.TYPE];
    if (type < 0 && type !== RowKind.LINE) return;
    const off = rows[row + Row.START];
    send(reactor, rows[row + Row.CONN], off, rows[row + Row.END] - off);
  });
  return reactor;
}

const jobs = {
  /** Creates a reactor with nothing to do; the thread must end by itself. */
  idle() {
    start(() => {});
    parentPort.postMessage('ready');
  },
  /** Listens with a first-message queue and closes the peers that it hands on. */
  async firstMessageQueue() {
    const queue = await openFirstMessageQueue(
      {
        ...{ host: '127.0.0.1', port: 0, backlog: 512, v6Only: true, awaits: 'http' },
        ...{ timeoutMs: 60_000, waitingMax: 20, keepalive: null, userTimeoutMs: 0 },
      },
      {
        entered: () => true,
        whole: (_peer, fd) => addonFunctions().closeDescriptor(fd),
        ended() {},
        acceptFailed() {},
      },
    );
    parentPort.postMessage('ready');
    parentPort.postMessage(queue.port);
  },
  /** Gives `orders` of a byte each, durable, and ends when they are done. */
  disk() {
    const { path, orders } = workerData;
    const fd = openSync(path, 'r+');
    const disk = openDisk();
    for (let i = 0; i < orders; i++) disk.write(fd, [Buffer.from('x')], i, true, () => {});
    parentPort.postMessage('ready');
  },
  /** Makes one decoder, or one reactor, after another until it is terminated. */
  async create() {
    parentPort.postMessage('ready');
    for (let i = 0; ; i++) {
      if (workerData.what === 'decoder') createDecoder(7, 1 << 20);
      else start(() => {}).destroy();
      if (i % 16 === 15) await new Promise(setImmediate);
    }
  },
  /** Listens and echoes for ever. */
  async echo() {
    const { port } = await startEcho().listen({ host: '127.0.0.1', port: 0, backlog: 64 });
    parentPort.postMessage('ready');
    parentPort.postMessage(port);
  },
  /** Adopts what the test detaches; echoes. */
  adopt() {
    const reactor = startEcho();
    parentPort.on('message', ({ fd, unread, unsent }) => {
      reactor.adopt(fd, unread, unsent);
      parentPort.postMessage('adopted');
    });
    parentPort.postMessage('ready');
  },
  /** Answers a line and then throws in the same turn. */
  async throw() {
    const reactor = start((row) => {
      if (reactor.rows[row + Row.TYPE] !== RowKind.LINE) return;
      send(reactor, reactor.rows[row + Row.CONN], reactor.rows[row + Row.START], 1);
      throw new Error('thrown in a turn');
    });
    const { port } = await reactor.listen({ host: '127.0.0.1', port: 0, backlog: 64 });
    parentPort.postMessage('ready');
    parentPort.postMessage(port);
  },
  /** Ends the thread in the middle of a turn. */
  async exit() {
    const reactor = start((row) => {
      if (reactor.rows[row + Row.TYPE] === RowKind.LINE) process.exit(3);
    });
    const { port } = await reactor.listen({ host: '127.0.0.1', port: 0, backlog: 64 });
    parentPort.postMessage('ready');
    parentPort.postMessage(port);
  },
  /** One end of a ping-pong over two shared words; the doorbell is the only thing that wakes it in time. */
  pingPong() {
    const { words, own, other, bell, otherBell, rounds } = workerData;
    const reactor = start(
      () => {},
      () => {
        const round = Atomics.load(words, own.write);
        if (round === Atomics.load(words, own.read)) return;
        Atomics.store(words, own.read, round);
        Atomics.add(words, other.write, 1);
        if (Atomics.exchange(words, other.asleep, 0) === 1)
          addonFunctions().doorbellRing(otherBell);
        if (round === rounds) parentPort.postMessage('done');
      },
    );
    const write = Int32Array.of(own.write);
    const read = Int32Array.of(own.read);
    reactor.watchRings(words, own.asleep, write, read, bell);
    parentPort.postMessage('ready');
    parentPort.on('message', () => reactor.destroy().then(() => parentPort.close()));
  },
};

await jobs[job]();
