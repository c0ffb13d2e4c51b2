/**
 * What the rules cost without sockets: one thread (sessions, broker, output) on hand-made rows, so that a change of the
 * hot path shows although the machine is noisy. Prints the tenth part and the median of the time of single turns, by job:
 * background submits, a drain by workers, and foreground jobs from submit to WORK_COMPLETE at the client.
 * Runs the built output: `npx tsc && node bench/micro/shard/turn.bench.mjs [word ...]`.
 */
import { Control, OUT_INTS, Out, ROW_INTS, Row } from '../../../dist/protocol/batch.js';
import { hashBytes } from '../../../dist/protocol/hash.js';
import { Packet } from '../../../dist/protocol/packets.js';
import { NO_RINGS } from '../../../dist/shard/assemble.js';
import { ThreadCore } from '../../../dist/shard/thread-core.js';

const SEED = 4711;
const HEADER = 12;
const WORKLOAD_BYTES = 64;
const PER_TURN = 4;
const JOBS = 20_000;
const RUNS = 25;
const FUNCTION = Buffer.from('bench');
const NAME_HASH = hashBytes(FUNCTION, 0, FUNCTION.length, SEED);

/** Takes the part of the reactor: rows are put in by hand, output is read by whoever wants to. */
class Stage {
  arena = new Uint8Array(1 << 20);
  rows = new Int32Array(4096 * ROW_INTS);
  out = new Uint8Array(1 << 20);
  outRows = new Int32Array(16384 * OUT_INTS);
  control = new Int32Array(16);
  unsent = new Float64Array(32);
  kind = 'addon';
  rowCount = 0;
  at = 0;
  nextConn = 1;

  constructor() {
    const sessions = {
      thread: 0,
      shardCount: 0,
      hashSeed: SEED,
      exceptions: false,
      connectionsMax: 0,
      packetBytesMax: 1 << 28,
      movesConnections: false,
    };
    const broker = {
      jobRetries: -1,
      functionsMax: 1000,
      wakesPerJob: 1,
      wakeupDelayMs: 100,
      isPriorityGlobal: true,
      isRotating: true,
      isRelaxed: false,
    };
    const options = {
      sessions,
      broker,
      handlePrefix: 'H:a-machine',
      boot: 2_183_000_000,
      slowTurnMs: 100,
      unservedWarningMs: 0,
      memoryBytesMax: 0,
      memoryTaken: new Int32Array(1),
    };
    this.core = new ThreadCore(options, {
      clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
      log: { level: 0, log: () => {} },
      memory: { discard: () => {} },
      makeReactor: (onTurn) => {
        this.onTurn = onTurn;
        return this;
      },
      setTimer: () => {},
      onLine: () => {},
      rings: NO_RINGS,
      makeStore: null,
    });
  }

  spill() {
    this.clear();
  }
  requestTurn() {}
  blobRelease() {}
  clear() {
    this.unsent.fill(0);
    this.control[Control.OUT_ROWS] = 0;
    this.control[Control.OUT_BYTES] = 0;
  }

  row(conn, type, payload, args = [], dataBytes = 0, hash = 0) {
    const { rows, arena } = this;
    const at = this.rowCount++ * ROW_INTS;
    const start = this.at;
    arena.set(payload, start + HEADER);
    this.at = start + HEADER + payload.length;
    rows.fill(0, at, at + ROW_INTS);
    rows[at + Row.CONN] = conn;
    rows[at + Row.TYPE] = type;
    rows[at + Row.START] = start;
    rows[at + Row.OFF] = start + HEADER;
    for (let i = 0; i < args.length; i++) rows[at + Row.A0 + i] = args[i];
    rows[at + Row.DATA] = this.at - dataBytes;
    rows[at + Row.DATA_LEN] = dataBytes;
    rows[at + Row.HASH0] = hash;
    rows[at + Row.END] = this.at;
  }

  open() {
    const conn = this.nextConn++ | (1 << 20);
    this.row(conn, -1, Buffer.from('127.0.0.1'), [9, 1000]);
    this.turn();
    this.clear();
    return conn;
  }

  turn() {
    const count = this.rowCount;
    this.rowCount = 0;
    this.at = 0;
    this.onTurn(count);
  }

  /** Calls `see(conn, type, offset, bytes)` for every packet of the output and empties it. */
  read(see) {
    const { out, outRows } = this;
    const view = new DataView(out.buffer);
    for (let i = 0; i < this.control[Control.OUT_ROWS]; i++) {
      let at = outRows[i * OUT_INTS + Out.OFF];
      const end = at + outRows[i * OUT_INTS + Out.LEN];
      while (at < end) {
        const bytes = view.getUint32(at + 8);
        see(outRows[i * OUT_INTS + Out.CONN], view.getUint32(at + 4), at + HEADER, bytes);
        at += HEADER + bytes;
      }
    }
    this.clear();
  }
}

const submitPayload = Buffer.concat([
  FUNCTION,
  Buffer.from([0, 0]),
  Buffer.alloc(WORKLOAD_BYTES, 7),
]);

function submitRow(stage, conn, type) {
  stage.row(conn, type, submitPayload, [FUNCTION.length, 0], WORKLOAD_BYTES, NAME_HASH);
}

function openWorkers(stage) {
  const conns = [];
  for (let i = 0; i < PER_TURN; i++) {
    const conn = stage.open();
    stage.row(conn, Packet.CAN_DO, FUNCTION, [FUNCTION.length], 0, NAME_HASH);
    stage.turn();
    stage.clear();
    conns.push(conn);
  }
  return conns;
}

/** Runs by name; each answers the ns per job of its turns, without what stands for peers. */
function makeRuns() {
  const stage = new Stage();
  const clients = [];
  for (let i = 0; i < PER_TURN; i++) clients.push(stage.open());
  const workers = openWorkers(stage);
  const held = new Map();
  let turns = [];
  const timedTurn = (jobs) => {
    const from = process.hrtime.bigint();
    stage.turn();
    turns.push(Number(process.hrtime.bigint() - from) / jobs);
  };
  const note = (conn, type, at, bytes) => {
    if (type !== Packet.JOB_ASSIGN) return;
    const text = stage.out.subarray(at, at + bytes);
    held.set(conn, Buffer.from(text.subarray(0, text.indexOf(0) + 1)));
  };
  const work = (conn) => {
    const handle = held.get(conn);
    if (handle !== undefined) {
      held.delete(conn);
      stage.row(conn, Packet.WORK_COMPLETE, handle, [handle.length - 1], 0);
    }
    stage.row(conn, Packet.GRAB_JOB, Buffer.alloc(0));
  };
  const submitAll = (isTimed) => {
    for (let i = 0; i < JOBS; i += PER_TURN * 8) {
      for (const conn of clients)
        for (let j = 0; j < 8; j++) submitRow(stage, conn, Packet.SUBMIT_JOB_BG);
      if (isTimed) timedTurn(PER_TURN * 8);
      else stage.turn();
      stage.clear();
    }
  };
  const drainAll = (isTimed) => {
    do {
      for (const conn of workers) work(conn);
      if (isTimed) timedTurn(PER_TURN);
      else stage.turn();
      stage.read(note);
    } while (held.size > 0);
  };
  const timed = (run) => () => {
    turns = [];
    run();
    return turns;
  };
  return {
    submit: timed(() => {
      submitAll(true);
      drainAll(false);
    }),
    drain: timed(() => {
      submitAll(false);
      drainAll(true);
    }),
    rtt: timed(() => {
      for (let i = 0; i < JOBS; i += PER_TURN) {
        for (const conn of clients) submitRow(stage, conn, Packet.SUBMIT_JOB);
        for (const conn of workers) work(conn);
        timedTurn(PER_TURN);
        stage.read(note);
      }
      drainAll(false);
    }),
  };
}

const words = process.argv.slice(2);
const runs = makeRuns();
const chosen = Object.keys(runs).filter((name) => words.length === 0 || words.includes(name));
const samples = new Map(chosen.map((name) => [name, []]));
for (let i = 0; i < RUNS + 5; i++)
  for (const name of chosen) {
    const turns = runs[name]();
    if (i >= 5) samples.get(name).push(turns);
  }
for (const [name, lists] of samples) {
  const turns = Float64Array.from(lists.flat()).sort();
  const at = (part) => turns[Math.floor(turns.length * part)].toFixed(0);
  console.log(`${name.padEnd(8)} p10 ${at(0.1)} ns, median ${at(0.5)} ns a job`);
}
